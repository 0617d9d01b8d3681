#pragma once

#include <weir/default_token.hpp>
#include <weir/error.hpp>
#include <weir/sync/channel_reservation.hpp>
#include <weir/sync/detail/channel_operations.hpp>
#include <weir/sync/detail/channel_state.hpp>
#include <weir/sync/overflow.hpp>
#include <weir/sync/send_result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// A bounded, closable queue of values between any number of senders and receivers.
///
/// Shape: first in, first out. `close` lets nothing new in; what is buffered is still received, and
///        then every receive is end of stream: an empty optional, without an error. Senders that
///        wait at `close` get their value back.
/// Units: `capacity` in values, 0 and up. 0: a send completes when a receiver has taken the value.
///        There is no default: what may pile up is the caller's to say. `when_full` is `overflow::wait`
///        unless given, for losing a value is a choice; with the others nobody waits for room.
/// Threads: safe from any thread.
/// Lifetime: destroying it closes it. Values nobody received then go to `on_undelivered`.
/// Fairness: senders wait in line, those who reserve among them, and so do receivers. A receiver
///           that does not wait (`try_receive`) may take a value before one that was just woken.
/// Memory: 64 bytes or more a place, at construction; a waiting operation costs one allocation by
///         its handler's allocator, and a deadline one more.
///
/// `T` moves and is destroyed without throwing; it need not copy or have a default.
template <class T, class Executor = boost::asio::any_io_executor>
class channel {
public:
    using value_type = T;
    using executor_type = Executor;
    using reservation = channel_reservation<T>;
    /// Called with a value that was taken in and that nobody will receive. Must not throw; is
    /// called outside locks, perhaps while an execution context is being destroyed.
    using undelivered_hook = std::function<void(T&&)>;

    /// Throws `std::invalid_argument` when the capacity is above `max_capacity`, and for
    /// `overflow::caller_runs`.
    channel(executor_type executor, std::size_t capacity, undelivered_hook on_undelivered = nullptr)
        : channel(std::move(executor), capacity, overflow::wait, std::move(on_undelivered))
    {
    }
    channel(executor_type executor, std::size_t capacity, overflow when_full,
            undelivered_hook on_undelivered = nullptr)
        : state_(std::make_shared<state>(checked(capacity), checked(when_full),
                                         std::move(on_undelivered))),
          executor_(std::move(executor))
    {
    }
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;
    ~channel() { state_->end(); }

    static constexpr std::size_t max_capacity = std::size_t{1} << 40;

    executor_type get_executor() const noexcept { return executor_; }

    /// Sends a value, waiting for room.
    ///
    /// Completion: `void(send_result<T>)`
    /// Errors: in the result, with the value: `errc::closed`; `errc::full` when full and the rule
    ///         is `overflow::reject`; `boost::asio::error::operation_aborted` when cancelled while
    ///         waiting.
    /// Cancellation: terminal, partial and total; the value is handed back. A value already taken
    ///               stays sent.
    /// Handler: by its associated executor, never inside this call nor inside a receive.
    template <class Token = default_token<Executor>>
    auto async_send(T value, Token&& token = Token())
    {
        return async_send_until(time_point::max(), std::move(value), std::forward<Token>(token));
    }

    /// The same, for as long as it is not `deadline`; then the value is handed back with
    /// `errc::timed_out`.
    template <class Token = default_token<Executor>>
    auto async_send_until(time_point deadline, T value, Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(send_result<T>)>(
            initiate_send(*this, deadline), token, std::move(value));
    }

    /// `async_send(T(args...))` with the default token. Safe where the compiler destroys a
    /// temporary beside `co_await` twice (GCC 12 does, with aggregates).
    template <class... Args>
    auto async_emplace(Args&&... args)
    {
        return async_send(T(std::forward<Args>(args)...));
    }

    /// Receives the next value, waiting for one. Reads as a loop:
    /// `while (auto value = co_await channel.async_receive())`.
    ///
    /// Completion: `void(error_code, std::optional<T>)`; empty without an error is end of stream.
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; takes no value.
    /// Handler: by its associated executor, never inside this call nor inside a send.
    template <class Token = default_token<Executor>>
    auto async_receive(Token&& token = Token())
    {
        return async_receive_until(time_point::max(), std::forward<Token>(token));
    }

    /// The same, for as long as it is not `deadline`; then `errc::timed_out`, and no value is
    /// taken. What a race against a timer cannot promise.
    template <class Token = default_token<Executor>>
    auto async_receive_until(time_point deadline, Token&& token = Token())
    {
        using sink = detail::one_value<T>;
        return boost::asio::async_initiate<Token, void(error_code, std::optional<T>)>(
            initiate_receive(*this, deadline), token, sink());
    }

    /// Receives what is there, waiting for at least one value: up to `most` are appended to `into`.
    ///
    /// Completion: `void(error_code, std::size_t)`: how many; 0 without an error is end of stream.
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; takes no value.
    /// Handler: by its associated executor, never inside this call nor inside a send.
    /// Lifetime: `into` is left alone by others until completion.
    template <class Token = default_token<Executor>>
    auto async_receive_some(std::vector<T>& into, std::size_t most, Token&& token = Token())
    {
        if (most == 0)
            throw std::invalid_argument("weir::channel: at least one value must be asked for");
        // A large request costs no more than there may be.
        most = std::min(most, std::max<std::size_t>(capacity(), 1));
        using sink = detail::some_values<T>;
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            initiate_receive(*this, time_point::max()), token, sink(into, most));
    }

    /// Reserves a place, waiting for one in line with the senders.
    ///
    /// Completion: `void(error_code, reservation)`
    /// Errors: `errc::closed`; `errc::full` when full and nobody waits here (`when_full`);
    ///         `errc::too_large` when the capacity is 0: there are no places;
    ///         `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; reserves nothing. A place that was reserved
    ///               already is delivered.
    /// Handler: by its associated executor, never inside this call nor inside a receive.
    template <class Token = default_token<Executor>>
    auto async_reserve(Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(error_code, reservation)>(
            initiate_reserve(*this), token);
    }

    /// A place when there is one and nobody waits; else an empty reservation.
    reservation try_reserve()
    {
        if (capacity() != 0 && state_->core.try_reserve() == detail::attempt_result::done)
            return reservation(state_);
        return reservation();
    }

    /// Sends when there is room and no sender waits. The value is moved from only when it was sent.
    try_result try_send(T&& value)
    {
        switch (state_->offer(value)) {
        case detail::attempt_result::done:
            return {};
        case detail::attempt_result::closed:
            return errc::closed;
        default:
            return errc::full;
        }
    }
    try_result try_send(const T& value)
    {
        T copy(value);
        return try_send(std::move(copy));
    }

    /// Sends from the front of `values` while there is room. Returns how many; those are moved
    /// from.
    std::size_t try_send_n(std::span<T> values)
    {
        std::size_t count = state_->core.try_push_some(values.data(), values.size());
        while (count < values.size() && try_send(std::move(values[count])))
            ++count;
        return count;
    }

    /// The next value when there is one. Empty: nothing now; `is_ended` tells whether for ever.
    std::optional<T> try_receive()
    {
        std::optional<T> value;
        state_->core.try_pop(1, [&value](T&& v) { value.emplace(std::move(v)); });
        return value;
    }

    /// Appends up to `most` values that are there now. Returns how many.
    std::size_t try_receive_n(std::vector<T>& into, std::size_t most)
    {
        most = std::min(most, std::max<std::size_t>(size(), 1));
        detail::some_values<T> sink(into, most);
        return state_->core.try_pop(most, sink);
    }

    /// Sends up to `most` values where there is room: `give(i)` makes the i-th, and must not throw.
    /// Returns how many; it may be fewer than there is room for.
    template <class Give>
    std::size_t try_give(std::size_t most, Give&& give) noexcept
    {
        return state_->core.try_push_some(most, give);
    }

    /// Gives up to `most` values that are there now to `take(T&&)`, which must not throw. Returns
    /// how many. What `try_receive` is made of.
    template <class Take>
    std::size_t try_take(std::size_t most, Take&& take) noexcept
    {
        return state_->core.try_pop(most, take);
    }

    /// Lets nothing new in. Any number of times.
    void close() noexcept { state_->core.close(); }

    bool is_closed() const noexcept { return state_->core.is_closed(); }
    /// Closed, everything was received, and no place is reserved.
    bool is_ended() const noexcept { return state_->core.is_ended(); }
    std::size_t capacity() const noexcept { return state_->core.capacity(); }
    /// How many values are buffered.
    std::size_t size() const noexcept { return state_->core.size(); }
    /// How many values the channel ever took in.
    std::uint64_t sent() const noexcept { return state_->core.sent(); }
    std::size_t waiting_senders() const noexcept { return state_->core.waiting_senders(); }
    std::size_t waiting_receivers() const noexcept { return state_->core.waiting_receivers(); }

private:
    using state = detail::channel_state<T>;

    struct initiate_receive;
    struct initiate_send;
    struct initiate_reserve;

    static overflow checked(overflow rule)
    {
        if (rule == overflow::caller_runs)
            throw std::invalid_argument(
                "weir::channel: overflow::caller_runs is for pools: a channel has no job to run");
        return rule;
    }
    static std::size_t checked(std::size_t capacity)
    {
        if (capacity > max_capacity)
            throw std::invalid_argument("weir::channel: the capacity is above max_capacity");
        return capacity;
    }

    std::shared_ptr<state> state_;
    executor_type executor_;
};

// -------------------------------------------------------------------------------------------------

template <class T, class Executor>
struct channel<T, Executor>::initiate_receive {
    using executor_type = Executor;

    initiate_receive(channel& c, time_point at) : self(&c), deadline(at) {}
    executor_type get_executor() const noexcept { return self->executor_; }

    template <class Handler, class Sink>
    void operator()(Handler&& handler, Sink sink) const
    {
        using operation = detail::receive_operation<T, Sink, std::decay_t<Handler>, Executor>;
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        operation::create(std::move(own), self->executor_, self->state_, std::move(sink))
            ->start(deadline);
    }

    channel* self;
    time_point deadline;
};

template <class T, class Executor>
struct channel<T, Executor>::initiate_send {
    using executor_type = Executor;

    initiate_send(channel& c, time_point at) : self(&c), deadline(at) {}
    executor_type get_executor() const noexcept { return self->executor_; }

    template <class Handler>
    void operator()(Handler&& handler, T value) const
    {
        using operation = detail::send_operation<T, std::decay_t<Handler>, Executor>;
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        operation::create(std::move(own), self->executor_, self->state_, std::move(value))
            ->start(deadline);
    }

    channel* self;
    time_point deadline;
};

template <class T, class Executor>
struct channel<T, Executor>::initiate_reserve {
    using executor_type = Executor;

    explicit initiate_reserve(channel& c) : self(&c) {}
    executor_type get_executor() const noexcept { return self->executor_; }

    template <class Handler>
    void operator()(Handler&& handler) const
    {
        using operation = detail::reserve_operation<T, std::decay_t<Handler>, Executor>;
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        operation::create(std::move(own), self->executor_, self->state_)->start(time_point::max());
    }

    channel* self;
};

} // namespace weir
