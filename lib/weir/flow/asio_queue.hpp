#pragma once

#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/flow/detail/asio_queue/asio_queue_state.hpp>
#include <weir/flow/queue.hpp>
#include <weir/sync/channel.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weir {

/// Which side of an Asio channel is used by plain Asio calls. The other side, and closing, is the
/// queue's.
enum class plain_side {
    senders,   ///< `async_send` and `try_send` of the channel; the queue receives
    receivers, ///< `async_receive` and `try_receive` of the channel; the queue sends
};

/// A queue whose buffer is an Asio channel: `boost::asio::experimental::concurrent_channel` or
/// `channel`, of the signature `void(error_code, T)`, on Boost 1.81 and newer. What is said of
/// `weir::channel` holds, whatever the version does when a channel is closed or cancelled.
///
/// Shape: as `channel`, without batches. Made with a channel of its own, or over yours; then one
///        side of it may be used by plain calls, and what those can rely on is in
///        docs/asio_channels.md. In short: never close or `cancel()` that channel yourself; plain
///        receivers see `channel_closed` after the last value; plain senders that wait at `close`
///        see `channel_cancelled`, later ones `channel_closed`; an error code that a plain sender
///        sends beside a value is dropped, the value is not.
/// Units: capacity in values, the channel's own. Where receivers are plain, one value more: the
///        first that waits for room waits inside the channel, and counts as sent.
/// Threads: safe from any thread. A `channel` (not `concurrent_channel`) with a plain side only on
///          its own executor, which must be serial: see the constructor.
/// Lifetime: destroying it closes it; what it holds goes to `on_undelivered`. A channel of yours
///           outlives the queue, and its context outlives the channel, as Asio demands. With a
///           channel of its own the queue and contexts may go in any order when the channel's
///           executor is `any_io_executor` or `io_context`'s; else it goes before its context.
/// Fairness: as `channel`; plain senders that wait go before those that wait here.
/// Memory: as Asio's, a `std::deque`; a waiting operation costs one allocation by its handler's
///         allocator.
///
/// `T` moves without throwing and has a default, as Asio's channels ask.
template <class Channel>
class asio_queue {
    using core = detail::asio_queue_state<Channel>;
    using parts = detail::asio_channel_parts<Channel>;

public:
    using channel_type = Channel;
    using value_type = typename parts::value_type;
    using executor_type = typename Channel::executor_type;
    /// Which side is left to plain calls where a pool uses the channel for its jobs, or its
    /// outcomes.
    static constexpr plain_side as_jobs = plain_side::senders;
    static constexpr plain_side as_results = plain_side::receivers;
    /// Called with a value that was taken in and that nobody will receive. Must not throw; is
    /// called outside locks, perhaps while an execution context is being destroyed.
    using undelivered_hook = std::function<void(value_type&&)>;

    static_assert(std::is_nothrow_move_constructible_v<value_type> &&
                      std::is_nothrow_destructible_v<value_type>,
                  "a queue's value type must move without throwing, or a value could be lost");
    static_assert(std::is_default_constructible_v<value_type>,
                  "Asio makes a value of its own to say closed or cancelled");

    /// With a channel of its own, that nobody else sees.
    asio_queue(executor_type executor, std::size_t capacity,
               undelivered_hook on_undelivered = nullptr)
        : core_(std::make_shared<core>(executor, capacity, std::move(on_undelivered))),
          executor_(std::move(executor))
    {
    }

    /// Over a `concurrent_channel` of yours.
    asio_queue(Channel& channel, plain_side plain,
               undelivered_hook on_undelivered = nullptr) requires(parts::concurrent)
        : asio_queue(over, channel, plain, std::move(on_undelivered))
    {
    }

    /// Over a channel of yours, used from these executors: those of the pool, say. A `channel` is
    /// not safe between threads: throws `std::invalid_argument` unless each of them is the
    /// channel's own executor. Sending, receiving and closing is then done there, too.
    asio_queue(Channel& channel, plain_side plain,
               std::span<const boost::asio::any_io_executor> used_from,
               undelivered_hook on_undelivered = nullptr)
        : asio_queue(over, checked(channel, used_from), plain, std::move(on_undelivered))
    {
    }

    asio_queue(const asio_queue&) = delete;
    asio_queue& operator=(const asio_queue&) = delete;
    ~asio_queue() { core_->let_go(); }

    executor_type get_executor() const noexcept { return executor_; }

    /// As `channel::async_send`.
    ///
    /// Completion: `void(send_result<T>)`
    /// Errors: in the result, with the value: `errc::closed`;
    ///         `boost::asio::error::operation_aborted` when cancelled while waiting.
    /// Cancellation: terminal, partial and total; the value is handed back. A value already taken
    ///               stays sent.
    /// Handler: by its associated executor, never inside this call nor inside a receive.
    template <class Token = default_token<executor_type>>
    auto async_send(value_type value, Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(send_result<value_type>)>(
            initiate_send(*this), token, std::move(value));
    }

    /// `async_send(T(args...))` with the default token.
    template <class... Args>
    auto async_emplace(Args&&... args)
    {
        return async_send(value_type(std::forward<Args>(args)...));
    }

    /// As `channel::async_receive`.
    ///
    /// Completion: `void(error_code, std::optional<T>)`; empty without an error is end of stream.
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; takes no value.
    /// Handler: by its associated executor, never inside this call nor inside a send.
    template <class Token = default_token<executor_type>>
    auto async_receive(Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(error_code, std::optional<value_type>)>(
            initiate_receive(*this), token);
    }

    /// Sends when there is room and no sender waits. The value is moved from only when it was sent.
    try_result try_send(value_type&& value) { return core_->try_send(value); }
    try_result try_send(const value_type& value)
    {
        value_type copy(value);
        return try_send(std::move(copy));
    }

    /// The next value when there is one. Empty: nothing now; `is_ended` tells whether for ever.
    std::optional<value_type> try_receive() { return core_->try_receive(); }

    /// Lets nothing new in. Any number of times.
    void close() noexcept { core_->close(); }

    /// Closes, and does not touch the channel any more, as the destructor does.
    void let_go() noexcept { core_->let_go(); }

    bool is_closed() const noexcept { return core_->is_closed(); }
    /// Closed, and everything was received; where receivers are plain, left to them.
    bool is_ended() const noexcept { return core_->is_ended(); }
    std::size_t capacity() const noexcept { return core_->capacity(); }
    /// How many values are buffered. Of those of plain senders it knows when it takes them; where
    /// receivers are plain it says only whether there are any: 0 or 1.
    std::size_t size() const noexcept { return core_->size(); }
    /// How many values were ever taken in; those of plain senders count when they are taken out of
    /// the channel.
    std::uint64_t sent() const noexcept { return core_->sent(); }

private:
    template <class Handler>
    class receive_operation;
    template <class Handler>
    class send_operation;
    struct initiate_receive;
    struct initiate_send;

    struct over_t {};
    static constexpr over_t over{};

    asio_queue(over_t, Channel& channel, plain_side plain, undelivered_hook on_undelivered)
        : core_(std::make_shared<core>(
              channel, plain == plain_side::senders ? core::users::senders : core::users::receivers,
              std::move(on_undelivered))),
          executor_(channel.get_executor())
    {
    }

    static Channel& checked(Channel& channel,
                            std::span<const boost::asio::any_io_executor> used_from);

    std::shared_ptr<core> core_;
    executor_type executor_;
};

} // namespace weir

#include <weir/flow/detail/asio_queue/operations.hpp>
