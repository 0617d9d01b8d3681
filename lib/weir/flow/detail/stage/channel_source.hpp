#pragma once

#include <weir/flow/stage_options.hpp>
#include <weir/run/cancel.hpp>
#include <weir/sync/channel.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <vector>

namespace weir::detail {

/// Pulls items from a channel until its stream ends.
template <class Channel>
class channel_source {
public:
    static constexpr bool pulls_at_once = false;
    using item_type = typename Channel::value_type;

    explicit channel_source(Channel& from) : from_(&from) {}

    boost::asio::awaitable<std::optional<item_type>> next()
    {
        if (auto value = from_->try_receive())
            co_return value;
        co_return co_await from_->async_receive(boost::asio::use_awaitable);
    }

    // The stage cancels the puller that waits for an item.
    void stop(cancel_reason) noexcept {}
    boost::asio::awaitable<void> join() { co_return; }
    void append_counts(std::vector<stage_counts>&) const {}

private:
    Channel* from_;
};

} // namespace weir::detail
