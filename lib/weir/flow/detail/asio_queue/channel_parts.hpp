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

/// What an Asio channel carries, and whether several threads may use it.
template <class Channel>
struct asio_channel_parts {
    static_assert(sizeof(Channel) == 0,
                  "an Asio queue is made of boost::asio::experimental::channel or "
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

/// Runs what it is given at once. Where Asio completes an operation on a channel by posting to the
/// handler's executor, the answer is then there when the other side's call returns, and its value
/// stands in no posted function that may be destroyed. (Newer versions post to the channel's
/// executor first.) Such a handler must not touch the channel, whose lock may be held.
struct at_once_executor {
    using blocking_t = boost::asio::execution::blocking_t;

    template <class Function>
    void execute(Function&& function) const
    {
        std::decay_t<Function> own(std::forward<Function>(function));
        std::move(own)();
    }

    // Not so, in the letter; but what runs here waits for nothing and nobody.
    static constexpr blocking_t query(blocking_t) noexcept { return blocking_t::never; }
    at_once_executor require(blocking_t::never_t) const noexcept { return *this; }

    bool operator==(const at_once_executor&) const noexcept { return true; }
    bool operator!=(const at_once_executor&) const noexcept { return false; }
};

/// Stands beside a value that the queue sent itself and has counted, in the place of its error
/// code. No error.
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

/// Said by Asio itself (cancelled, closed): there is no value with it.
inline bool is_asios_own(const error_code& error) noexcept
{
    return error.category() == boost::asio::experimental::error::get_channel_category();
}

/// Closes a channel and leaves what is buffered to its receivers.
template <class Channel>
void close_and_keep(Channel& channel)
{
#if BOOST_ASIO_VERSION < 102800
    if (asio_channel_repair<Channel>(channel).close_the_way_in())
        return;
#endif
    channel.close();
}

/// After a receive that waited was cancelled: makes the channel's room usable again.
template <class Channel>
void reopen([[maybe_unused]] Channel& channel)
{
#if BOOST_ASIO_VERSION < 102800
    asio_channel_repair<Channel>(channel).reopen();
#endif
}

} // namespace weir::detail
