#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/send_result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cassert>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace weir {

/// One of the senders of a channel, from `channel::sender()`: it can only send, and when the last
/// of them has gone, the channel is closed. So receivers see the end of the stream though no sender
/// knows that it is the last.
///
/// Shape: copies are senders too. Each operation is that of `channel` with the same name.
/// Threads: any thread; one object by one thread at a time. Sending touches no count, only copying
///          and destroying do.
/// Lifetime: may outlive its channel, which is closed then. Keep it until its operations have
///           completed: a pending operation does not keep its side open.
/// Memory: one allocation, which copies share.
template <class T, class Executor = boost::asio::any_io_executor>
class WEIR_NODISCARD_HANDLE channel_sender {
public:
    using value_type = T;
    using executor_type = Executor;
    using reservation = channel_reservation<T>;

    /// A handle to no channel.
    channel_sender() noexcept = default;
    channel_sender(const channel_sender& other) noexcept : channel_(other.channel_) { enter(); }
    channel_sender(channel_sender&& other) noexcept = default;
    channel_sender& operator=(channel_sender other) noexcept
    {
        channel_.swap(other.channel_);
        return *this;
    }
    ~channel_sender() { release(); }

    /// Whether it counts as a sender.
    explicit operator bool() const noexcept { return channel_ != nullptr; }

    /// Stops being a sender, now. It is a handle to no channel afterwards.
    void release() noexcept
    {
        if (const auto end = std::move(channel_))
            if (end->state_->senders.fetch_sub(1, std::memory_order_acq_rel) == 1)
                end->state_->senders_gone();
    }

    // Precondition of the functions below: it is a handle to a channel (asserted).

    executor_type get_executor() const noexcept { return view().get_executor(); }

    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_send(T value, Token&& token = Token())
    {
        return view().async_send(std::move(value), std::forward<Token>(token));
    }

    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_send_until(time_point deadline, T value,
                                                   Token&& token = Token())
    {
        return view().async_send_until(deadline, std::move(value), std::forward<Token>(token));
    }

    template <class... Args>
    WEIR_NODISCARD_OPERATION auto async_emplace(Args&&... args)
    {
        return async_send(T(std::forward<Args>(args)...));
    }

    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_reserve(Token&& token = Token())
    {
        return view().async_reserve(std::forward<Token>(token));
    }

    reservation try_reserve() { return view().try_reserve(); }
    try_result try_send(T&& value) { return view().try_send(std::move(value)); }
    try_result try_send(const T& value) { return view().try_send(value); }
    std::size_t try_send_n(std::span<T> values) { return view().try_send_n(values); }

    bool is_closed() const noexcept { return view().is_closed(); }

private:
    template <class, class>
    friend class channel;

    channel<T, Executor>& view() const noexcept
    {
        assert(channel_ && "weir::channel_sender: a released or moved-from handle has no channel");
        return *channel_;
    }

    explicit channel_sender(std::shared_ptr<channel<T, Executor>> view) noexcept
        : channel_(std::move(view))
    {
        enter();
    }

    void enter() noexcept
    {
        if (channel_)
            channel_->state_->senders.fetch_add(1, std::memory_order_relaxed);
    }

    std::shared_ptr<channel<T, Executor>> channel_; // a view
};

/// One of the receivers of a channel, from `channel::receiver()`: it can only receive. When the
/// last of them has gone, the channel is closed, and what is buffered goes to its `on_undelivered`.
/// So senders learn that nothing will take their values.
///
/// Shape: copies are receivers too. Each operation is that of `channel` with the same name.
/// Threads: any thread; one object by one thread at a time. Receiving touches no count, only
///          copying and destroying do.
/// Lifetime: may outlive its channel, which is closed then. Keep it until its operations have
///           completed: a pending operation does not keep its side open.
/// Memory: one allocation, which copies share.
template <class T, class Executor = boost::asio::any_io_executor>
class WEIR_NODISCARD_HANDLE channel_receiver {
public:
    using value_type = T;
    using executor_type = Executor;

    /// A handle to no channel.
    channel_receiver() noexcept = default;
    channel_receiver(const channel_receiver& other) noexcept : channel_(other.channel_) { enter(); }
    channel_receiver(channel_receiver&& other) noexcept = default;
    channel_receiver& operator=(channel_receiver other) noexcept
    {
        channel_.swap(other.channel_);
        return *this;
    }
    ~channel_receiver() { release(); }

    /// Whether it counts as a receiver.
    explicit operator bool() const noexcept { return channel_ != nullptr; }

    /// Stops being a receiver, now. It is a handle to no channel afterwards.
    void release() noexcept
    {
        if (const auto end = std::move(channel_))
            if (end->state_->receivers.fetch_sub(1, std::memory_order_acq_rel) == 1)
                end->state_->receivers_gone();
    }

    // Precondition of the functions below: it is a handle to a channel (asserted).

    executor_type get_executor() const noexcept { return view().get_executor(); }

    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_receive(Token&& token = Token())
    {
        return view().async_receive(std::forward<Token>(token));
    }

    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_receive_until(time_point deadline, Token&& token = Token())
    {
        return view().async_receive_until(deadline, std::forward<Token>(token));
    }

    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_receive_some(std::vector<T>& into, std::size_t most,
                                                     Token&& token = Token())
    {
        return view().async_receive_some(into, most, std::forward<Token>(token));
    }

    std::optional<T> try_receive() { return view().try_receive(); }
    std::size_t try_receive_n(std::vector<T>& into, std::size_t most)
    {
        return view().try_receive_n(into, most);
    }

    bool is_closed() const noexcept { return view().is_closed(); }
    /// Every receive from now on is end of stream.
    bool is_ended() const noexcept { return view().is_ended(); }

private:
    template <class, class>
    friend class channel;

    channel<T, Executor>& view() const noexcept
    {
        assert(channel_ &&
               "weir::channel_receiver: a released or moved-from handle has no channel");
        return *channel_;
    }

    explicit channel_receiver(std::shared_ptr<channel<T, Executor>> view) noexcept
        : channel_(std::move(view))
    {
        enter();
    }

    void enter() noexcept
    {
        if (channel_)
            channel_->state_->receivers.fetch_add(1, std::memory_order_relaxed);
    }

    std::shared_ptr<channel<T, Executor>> channel_; // a view
};

} // namespace weir
