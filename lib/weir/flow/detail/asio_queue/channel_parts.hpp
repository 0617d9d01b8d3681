#pragma once

#include <weir/error.hpp>
#include <weir/flow/detail/asio_queue/channel_repair.hpp>

#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/experimental/basic_channel.hpp>
#include <boost/asio/experimental/basic_concurrent_channel.hpp>
#include <boost/asio/experimental/channel_error.hpp>
#include <boost/asio/version.hpp>
#include <boost/system/error_category.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// The value type of an Asio channel, and whether several threads may use it.
template <class Channel>
struct asio_channel_parts {
    static_assert(sizeof(Channel) == 0,
                  "an asio_queue is made of boost::asio::experimental::channel or "
                  "concurrent_channel with the one signature void(error_code, T)");
};

template <class Executor, class Traits, class T>
struct asio_channel_parts<
    boost::asio::experimental::basic_channel<Executor, Traits, void(error_code, T)>> {
    using value_type = T;
    static constexpr bool concurrent = false;
};

template <class Executor, class Traits, class T>
struct asio_channel_parts<
    boost::asio::experimental::basic_concurrent_channel<Executor, Traits, void(error_code, T)>> {
    using value_type = T;
    static constexpr bool concurrent = true;
};

/// Runs what is posted to it at once. Asio completes an operation on a channel by a post to the
/// handler's executor: through this one the answer is there when the other side's call returns, and
/// no value sits in a posted function that may be destroyed. (Newer versions post to the channel's
/// executor first.) Such a handler must not touch the channel, whose lock may be held.
struct at_once_executor {
    using blocking_t = boost::asio::execution::blocking_t;

    template <class Function>
    void execute(Function&& function) const
    {
        std::decay_t<Function> own(std::forward<Function>(function));
        std::move(own)();
    }

    // Not true to the letter, but the functions that run here never wait.
    static constexpr blocking_t query(blocking_t) noexcept { return blocking_t::never; }
    at_once_executor require(blocking_t::never_t) const noexcept { return *this; }

    bool operator==(const at_once_executor&) const noexcept { return true; }
    bool operator!=(const at_once_executor&) const noexcept { return false; }
};

/// The category of the code that the queue sends beside its own values, which it has counted
/// already. It is no error.
class counted_category final : public error_category {
public:
    const char* name() const noexcept override { return "weir.counted"; }
    std::string message(int) const override { return "a value"; }
    bool failed(int) const noexcept override { return false; }
};

inline error_code counted() noexcept
{
    static const counted_category instance;
    return {0, instance};
}

/// Whether Asio itself gave the error (cancelled, closed): no value comes with it.
inline bool is_asios_own(const error_code& error) noexcept
{
    return error.category() == boost::asio::experimental::error::get_channel_category();
}

/// Closes a channel and leaves the buffered values to its receivers.
template <class Channel>
void close_and_keep(Channel& channel)
{
#if BOOST_ASIO_VERSION < 102800
    if (asio_channel_repair<Channel>(channel).close_for_senders())
        return;
#endif
    channel.close();
}

/// To be called after a waiting receive was cancelled: makes the channel's room usable again.
template <class Channel>
void reopen([[maybe_unused]] Channel& channel)
{
#if BOOST_ASIO_VERSION < 102800
    asio_channel_repair<Channel>(channel).reopen();
#endif
}

} // namespace weir::detail
