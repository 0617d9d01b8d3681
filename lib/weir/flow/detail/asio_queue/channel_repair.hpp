#pragma once

#include <boost/asio/version.hpp>

// Boost 1.82 fixed what this repairs.
#if BOOST_ASIO_VERSION < 102800

#include <boost/asio/experimental/basic_channel.hpp>
#include <boost/asio/experimental/basic_concurrent_channel.hpp>

#include <type_traits>
#include <utility>

// Two faults of Boost 1.81's channels cannot be repaired from outside: `close` throws the buffered
// values away, and a channel whose last waiting receive was cancelled takes itself for full. Inside
// each repair is one assignment. Asio makes every channel a friend of these two, as of all others.

namespace weir::detail {

struct asio_channel_key {};

} // namespace weir::detail

template <>
class boost::asio::experimental::basic_channel<weir::detail::asio_channel_key,
                                               weir::detail::asio_channel_key> {
public:
    template <class Channel>
    static auto& inside(Channel& channel)
    {
        return channel.impl_;
    }
};

template <>
class boost::asio::experimental::basic_concurrent_channel<weir::detail::asio_channel_key,
                                                          weir::detail::asio_channel_key> {
public:
    template <class Channel>
    static auto& inside(Channel& channel)
    {
        return channel.impl_;
    }
};

namespace weir::detail {

template <class Executor, class Traits, class Signature>
auto& inside(boost::asio::experimental::basic_channel<Executor, Traits, Signature>& channel)
{
    return boost::asio::experimental::basic_channel<asio_channel_key, asio_channel_key>::inside(
        channel);
}

template <class Executor, class Traits, class Signature>
auto& inside(
    boost::asio::experimental::basic_concurrent_channel<Executor, Traits, Signature>& channel)
{
    return boost::asio::experimental::basic_concurrent_channel<asio_channel_key,
                                                               asio_channel_key>::inside(channel);
}

template <class Channel>
class asio_channel_repair {
public:
    explicit asio_channel_repair(Channel& channel) : impl_(inside(channel)), lock_(impl_.mutex_) {}

    /// Lets no new value in. This is all that 1.82 does on `close` while values are buffered.
    /// True: there are values, buffered or held by waiting senders.
    bool close_for_senders()
    {
        impl_.send_state_ = service::closed;
        return impl_.receive_state_ == service::buffer || impl_.receive_state_ == service::waiter;
    }

    /// What 1.82 does when the last waiting receive was cancelled.
    void reopen()
    {
        if (impl_.send_state_ == service::block && impl_.waiters_.empty() &&
            impl_.buffer_size() < impl_.max_buffer_size_)
            impl_.send_state_ = service::buffer;
    }

private:
    using impl = std::remove_reference_t<decltype(inside(std::declval<Channel&>()))>;
    using mutex = std::remove_cv_t<decltype(impl::mutex_)>;
    using service = boost::asio::experimental::detail::channel_service<mutex>;

    impl& impl_;
    typename mutex::scoped_lock lock_;
};

} // namespace weir::detail

#endif
