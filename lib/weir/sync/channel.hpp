#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/sync/channel_reservation.hpp>
#include <weir/sync/detail/channel_state.hpp>
#include <weir/sync/overflow.hpp>
#include <weir/sync/send_result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace weir {
namespace detail {
struct channel_access;
} // namespace detail

template <class T, class Executor>
class channel_sender;
template <class T, class Executor>
class channel_receiver;

/// A bounded, closable queue of values between any number of senders and receivers.
///
/// Shape: first in, first out. After `close` nothing new enters; buffered values are still
///        received, and then every receive is end of stream: an empty optional without an error.
///        Senders that wait at `close` get their value back.
/// Units: `capacity` in values, from 0. With 0 a send completes when a receiver has taken the
///        value. There is no default: only the caller knows what may pile up. `when_full` is
///        `overflow::wait` unless given, because losing a value must be a choice; with any other
///        rule no sender waits for room.
/// Threads: safe from any thread. The executor of a handler need not be serial, even with a
///          deadline.
/// Lifetime: destroying it closes it. Values left in it then go to `on_undelivered`. It may outlive
///           the context of its executor, which closes it, unless the executor is the bare one of
///           an `io_context`. An operation whose handler has no executor of its own is destroyed
///           then; with a bare `io_context` that is gone it must not be started.
/// Fairness: senders wait in line, together with those that reserve; receivers wait in a line of
///           their own. A receiver that does not wait (`try_receive`) may take a value before one
///           that was just woken.
/// Memory: 64 bytes or more per place, at construction. A waiting operation costs one allocation by
///         its handler's allocator; a deadline costs none.
///
/// `T` must move and be destroyed without throwing; it need not be copyable or have a default.
template <class T, class Executor = boost::asio::any_io_executor>
class channel {
public:
    using value_type = T;
    using executor_type = Executor;
    using reservation = channel_reservation<T>;
    /// Called with a value that was accepted and that no receiver will get. Must not throw. It is
    /// called outside locks, possibly while an execution context is being destroyed.
    using undelivered_hook = std::function<void(T&&)>;

    static constexpr std::size_t max_capacity = std::size_t{1} << 40;

    /// Throws `std::invalid_argument` when the capacity is above `max_capacity`, and for
    /// `overflow::caller_runs`.
    [[gnu::cold]] channel(executor_type executor, std::size_t capacity, overflow when_full,
                          undelivered_hook on_undelivered = nullptr);
    channel(executor_type executor, std::size_t capacity,
            undelivered_hook on_undelivered = nullptr);
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;
    ~channel()
    {
        if (!is_view_)
            state_->end();
    }

    /// Precondition: the executor's context is still there, unless it is a bare `io_context`.
    executor_type get_executor() const noexcept { return executor_.get(); }

    /// Sends a value, waiting for room.
    ///
    /// Completion: `void(send_result<T>)`
    /// Errors: in the result, with the value: `errc::closed`; `errc::full` when the channel is full
    ///         and the rule is `overflow::reject`; `boost::asio::error::operation_aborted` when
    ///         cancelled while waiting.
    /// Cancellation: terminal, partial and total; the value is handed back. A value that was
    ///               already taken stays sent.
    /// Handler: by its associated executor, never inside this call nor inside a receive.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_send(T value, Token&& token = Token());

    /// As `async_send`, until `deadline`; then the value is handed back with `errc::timed_out`.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_send_until(time_point deadline, T value,
                                                   Token&& token = Token());

    /// `async_send(T(args...))` with the default token. Safe where the compiler destroys a
    /// temporary beside `co_await` twice, as g++ 12 does with aggregates.
    template <class... Args>
    WEIR_NODISCARD_OPERATION auto async_emplace(Args&&... args);

    /// Receives the next value, waiting for one. Use it as a loop:
    /// `while (auto value = co_await channel.async_receive())`.
    ///
    /// Completion: `void(error_code, std::optional<T>)`; empty without an error is end of stream.
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; takes no value.
    /// Handler: by its associated executor, never inside this call nor inside a send.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_receive(Token&& token = Token());

    /// As `async_receive`, until `deadline`; then `errc::timed_out`, and no value is taken. (A race
    /// against a timer cannot promise that.)
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_receive_until(time_point deadline, Token&& token = Token());

    /// Receives what is there, waiting for at least one value: appends up to `most` values to
    /// `into`. Throws `std::invalid_argument` when `most` is 0.
    ///
    /// Completion: `void(error_code, std::size_t)` with the number of values; 0 without an error is
    ///             end of stream.
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; takes no value.
    /// Handler: by its associated executor, never inside this call nor inside a send.
    /// Lifetime: `into` must stay, and must not be used, until completion.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_receive_some(std::vector<T>& into, std::size_t most,
                                                     Token&& token = Token());

    /// Reserves a place, waiting for one in line with the senders.
    ///
    /// Completion: `void(error_code, reservation)`
    /// Errors: `errc::closed`; `errc::full` when the channel is full and its rule is not
    ///         `overflow::wait`; `errc::no_capacity` when the capacity is 0;
    ///         `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; reserves nothing. A place that was already
    ///               reserved is delivered.
    /// Handler: by its associated executor, never inside this call nor inside a receive.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_reserve(Token&& token = Token());

    /// A place when there is one and no sender waits; otherwise an empty reservation.
    reservation try_reserve();

    /// Sends when there is room and no sender waits. Moves from `value` only when it was sent.
    try_result try_send(T&& value);
    try_result try_send(const T& value);

    /// Sends from the front of `values` while there is room, and returns how many. Moves from those
    /// only.
    std::size_t try_send_n(std::span<T> values);

    /// The next value when there is one. Empty: nothing now, and nothing ever if `is_ended`.
    std::optional<T> try_receive();

    /// Appends up to `most` values that are there now to `into`, and returns how many.
    std::size_t try_receive_n(std::vector<T>& into, std::size_t most);

    /// A handle that can only send, and that counts as an end of the channel: when the last sender
    /// has gone, the channel is closed. The channel object does not count, so a channel whose
    /// sender was never asked for stays open. A handle asked for after the last has gone finds the
    /// channel closed. Precondition: as of `get_executor`.
    channel_sender<T, Executor> sender();
    /// A handle that can only receive. When the last receiver has gone, the channel is closed, and
    /// what is buffered goes to `on_undelivered`. Precondition: as of `get_executor`.
    channel_receiver<T, Executor> receiver();

    /// Lets nothing new in. May be called any number of times.
    void close() noexcept
    {
        const auto kept = state_; // a waiter may destroy this object before `close` returns
        kept->core.close();
    }

    bool is_closed() const noexcept { return state_->core.is_closed(); }
    /// Closed, every value was received, and no place is reserved.
    bool is_ended() const noexcept { return state_->core.is_ended(); }
    std::size_t capacity() const noexcept { return state_->core.capacity(); }
    /// The number of buffered values.
    std::size_t size() const noexcept { return state_->core.size(); }
    /// The number of values the channel has accepted so far.
    std::uint64_t sent() const noexcept { return state_->core.sent(); }
    std::size_t waiting_senders() const noexcept { return state_->core.waiting_senders(); }
    std::size_t waiting_receivers() const noexcept { return state_->core.waiting_receivers(); }

private:
    friend struct detail::channel_access;
    friend class channel_sender<T, Executor>;
    friend class channel_receiver<T, Executor>;

    using state = detail::channel_state<T>;

    template <class Signature, class Sink, class Token>
    auto receive_into(Sink sink, time_point deadline, Token& token);

    // A view for the counted handles: it shares the state, and has an executor of its own.
    channel(std::shared_ptr<state> shared, executor_type executor)
        : state_(std::move(shared)), executor_(std::move(executor)), is_view_(true)
    {
    }

    static overflow checked(overflow rule);
    static std::size_t checked(std::size_t capacity);

    std::shared_ptr<state> state_;
    detail::own_executor<executor_type> executor_;
    const bool is_view_ = false;
};

} // namespace weir

#include <weir/sync/detail/channel_impl.hpp>
