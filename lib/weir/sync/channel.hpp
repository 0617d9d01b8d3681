#pragma once

#include <weir/error.hpp>
#include <weir/sync/detail/channel_core.hpp>
#include <weir/time/waiter.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>

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

/// What became of a value that was sent: in the channel, or handed back with the reason.
template <class T>
class [[nodiscard]] send_result {
public:
    send_result() = default;
    send_result(error_code error, T&& value) : error_(error), value_(std::move(value)) {}

    /// True: the channel has taken the value.
    explicit operator bool() const noexcept { return !error_; }
    const error_code& error() const noexcept { return error_; }
    /// The value, handed back. Only when it was not sent.
    T& value() & { return value_.value(); }
    T&& value() && { return std::move(value_).value(); }

private:
    error_code error_;
    std::optional<T> value_;
};

/// What became of an attempt that does not wait.
class [[nodiscard]] try_result {
public:
    try_result() = default;
    try_result(errc reason) noexcept : reason_(reason) {}

    explicit operator bool() const noexcept { return reason_ == errc{}; }
    /// `errc::full` or `errc::closed`; no error when it was sent.
    error_code error() const noexcept { return *this ? error_code() : make_error_code(reason_); }

private:
    errc reason_{};
};

/// A bounded, closable queue of values between any number of senders and receivers.
///
/// Shape: first in, first out. `close` lets nothing new in; what is buffered is still received, and
///        then every receive is end of stream: an empty optional, without an error. Senders that
///        wait at `close` get their value back.
/// Units: `capacity` in values, 0 and up. 0: a send completes when a receiver has taken the value.
///        There is no default: what may pile up is the caller's to say.
/// Threads: safe from any thread.
/// Lifetime: destroying it closes it. Values nobody received then go to `on_undelivered`.
/// Fairness: senders wait in line, and so do receivers. A receiver that does not wait
///           (`try_receive`) may take a value before one that was just woken.
/// Memory: 64 bytes or more a place, at construction; a waiting operation costs one allocation by
///         its handler's allocator.
///
/// `T` moves and is destroyed without throwing; it need not copy or have a default.
template <class T, class Executor = boost::asio::any_io_executor>
class channel {
public:
    using value_type = T;
    using executor_type = Executor;
    /// Called with a value that was taken in and that nobody will receive. Must not throw; is
    /// called outside locks, perhaps while an execution context is being destroyed.
    using undelivered_hook = std::function<void(T&&)>;

    /// Throws `std::invalid_argument` when the capacity is above `max_capacity`.
    channel(executor_type executor, std::size_t capacity, undelivered_hook on_undelivered = nullptr)
        : state_(std::make_shared<state>(checked(capacity), std::move(on_undelivered))),
          executor_(std::move(executor))
    {
    }
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;
    ~channel();

    static constexpr std::size_t max_capacity = std::size_t{1} << 40;

    executor_type get_executor() const noexcept { return executor_; }

    /// Sends a value, waiting for room.
    ///
    /// Completion: `void(send_result<T>)`
    /// Errors: in the result, with the value: `errc::closed`;
    ///         `boost::asio::error::operation_aborted` when cancelled while waiting.
    /// Cancellation: terminal, partial and total; the value is handed back. A value already taken
    ///               stays sent.
    /// Handler: by its associated executor, never inside this call nor inside a receive.
    template <class Token = default_token<Executor>>
    auto async_send(T value, Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(send_result<T>)>(initiate_send(*this), token,
                                                                        std::move(value));
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
        return boost::asio::async_initiate<Token, void(error_code, std::optional<T>)>(
            initiate_receive(*this), token);
    }

    /// Sends when there is room and no sender waits. The value is moved from only when it was sent.
    try_result try_send(T&& value)
    {
        switch (state_->core.try_push(value)) {
        case detail::passed::done:
            return {};
        case detail::passed::closed:
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
        std::size_t count = 0;
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
        into.reserve(into.size() + most);
        return state_->core.try_pop(most, [&into](T&& v) { into.push_back(std::move(v)); });
    }

    /// Lets nothing new in. Any number of times.
    void close() noexcept { state_->core.close(); }

    bool is_closed() const noexcept { return state_->core.is_closed(); }
    /// Closed, and everything was received.
    bool is_ended() const noexcept { return state_->core.is_ended(); }
    std::size_t capacity() const noexcept { return state_->core.capacity(); }
    /// How many values are buffered.
    std::size_t size() const noexcept { return state_->core.size(); }
    /// How many values the channel ever took in.
    std::uint64_t sent() const noexcept { return state_->core.sent(); }
    std::size_t senders_waiting() const noexcept { return state_->core.senders_waiting(); }
    std::size_t receivers_waiting() const noexcept { return state_->core.receivers_waiting(); }

private:
    using core = detail::channel_core<T>;

    struct state {
        state(std::size_t capacity, undelivered_hook hook)
            : core(capacity), undelivered(std::move(hook))
        {
        }

        void lose(T&& value) noexcept
        {
            if (undelivered)
                undelivered(std::move(value));
        }

        detail::channel_core<T> core;
        undelivered_hook undelivered;
    };

    template <class Handler>
    class receive_operation;
    template <class Handler>
    class send_operation;

    struct initiate_receive {
        using executor_type = Executor;

        explicit initiate_receive(channel& c) : self(&c) {}
        executor_type get_executor() const noexcept { return self->executor_; }

        template <class Handler>
        void operator()(Handler&& handler) const
        {
            using operation = receive_operation<std::decay_t<Handler>>;
            std::decay_t<Handler> own(std::forward<Handler>(handler));
            operation::create(std::move(own), self->executor_, self->state_)->start();
        }

        channel* self;
    };

    struct initiate_send {
        using executor_type = Executor;

        explicit initiate_send(channel& c) : self(&c) {}
        executor_type get_executor() const noexcept { return self->executor_; }

        template <class Handler>
        void operator()(Handler&& handler, T value) const
        {
            using operation = send_operation<std::decay_t<Handler>>;
            std::decay_t<Handler> own(std::forward<Handler>(handler));
            operation::create(std::move(own), self->executor_, self->state_, std::move(value))
                ->start();
        }

        channel* self;
    };

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
channel<T, Executor>::~channel()
{
    state_->core.close();
    std::optional<T> value;
    while (state_->core.try_pop(1, [&value](T&& v) { value.emplace(std::move(v)); }) != 0) {
        state_->lose(std::move(*value));
        value.reset();
    }
}

template <class T, class Executor>
template <class Handler>
class channel<T, Executor>::receive_operation final
    : public wait_operation<receive_operation<Handler>, Handler, Executor>,
      private core::receiver {
public:
    receive_operation(Handler&& handler, const Executor& executor, std::shared_ptr<state> s)
        : receive_operation::wait_operation(std::move(handler), executor), state_(std::move(s))
    {
    }

    void start()
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation([this] {
            cancelled_ = true; // one that was woken already sees it when it looks
            if (state_->core.unpark(*this)) {
                counted_ = false;
                this->wake();
            }
        });
        if (!state_->core.park_unless_ready(*this))
            this->wake();
    }

private:
    void look() noexcept override { this->wake(); }

    void resumed() override
    {
        if (counted_)
            state_->core.woken();
        counted_ = true;
        std::optional<T> value;
        detail::passed how = detail::passed::retry;
        for (unsigned round = 0; how == detail::passed::retry && !cancelled_; ++round) {
            if (round != 0)
                detail::real_policy::pause(round);
            how = state_->core.pop_or_park(*this, [&value](T&& v) { value.emplace(std::move(v)); });
        }
        if (how == detail::passed::parked)
            return;
        // What it was woken for may still be there, for another.
        state_->core.notify();
        error_code error;
        if (how == detail::passed::retry)
            error = boost::asio::error::operation_aborted;
        this->complete(error, std::move(value));
    }

    void dropped() noexcept override
    {
        const std::shared_ptr<state> s = state_;
        if (counted_)
            s->core.woken();
        this->destroy();
        s->core.notify();
    }

    void context_shutdown() noexcept override
    {
        if (state_->core.unpark(*this))
            this->destroy();
    }

    std::shared_ptr<state> state_;
    bool cancelled_ = false;
    bool counted_ = true; // the wake-up under way is one that the core counts
};

template <class T, class Executor>
template <class Handler>
class channel<T, Executor>::send_operation final
    : public wait_operation<send_operation<Handler>, Handler, Executor>,
      private core::sender {
public:
    send_operation(Handler&& handler, const Executor& executor, std::shared_ptr<state> s, T&& v)
        : send_operation::wait_operation(std::move(handler), executor), core::sender(std::move(v)),
          state_(std::move(s))
    {
    }

    void start()
    {
        if (!this->enlist())
            return lose();
        this->on_cancellation([this] {
            if (state_->core.unpark(*this)) {
                cancelled_ = true;
                settled(detail::passed::full);
            }
        });
        detail::passed how = state_->core.push_or_park(*this);
        for (unsigned round = 1; how == detail::passed::retry; ++round) {
            detail::real_policy::pause(round);
            how = state_->core.push_or_park(*this);
        }
        if (how != detail::passed::parked) // parked: it may be over already, on another thread
            settled(how);
    }

private:
    void settled(detail::passed how) noexcept override
    {
        how_ = how;
        this->wake();
    }

    void resumed() override
    {
        if (how_ == detail::passed::done)
            return this->complete(send_result<T>());
        error_code error = errc::closed;
        if (cancelled_)
            error = boost::asio::error::operation_aborted;
        this->complete(send_result<T>(error, std::move(this->value)));
    }

    void dropped() noexcept override
    {
        if (how_ == detail::passed::done)
            this->destroy();
        else
            lose();
    }

    void context_shutdown() noexcept override
    {
        if (state_->core.unpark(*this))
            lose();
    }

    // Nobody is left to hand the value back to. The handler goes last: it may own what the hook
    // uses.
    void lose() noexcept
    {
        state_->core.taken_over();
        state_->lose(std::move(this->value));
        this->destroy();
    }

    std::shared_ptr<state> state_;
    detail::passed how_ = detail::passed::parked;
    bool cancelled_ = false;
};

} // namespace weir
