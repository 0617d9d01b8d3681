#pragma once

#include <weir/detail/timed_waiter.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/sync/channel_reservation.hpp>
#include <weir/sync/detail/channel_state.hpp>
#include <weir/sync/send_result.hpp>

#include <boost/asio/error.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace weir::detail {

/// The public error of an operation that ended with `result`.
inline error_code error_for(attempt_result result) noexcept
{
    switch (result) {
    case attempt_result::closed:
        return errc::closed;
    case attempt_result::full:
        return errc::full;
    case attempt_result::no_capacity:
        return errc::no_capacity;
    case attempt_result::timed_out:
        return errc::timed_out;
    case attempt_result::cancelled:
        return boost::asio::error::operation_aborted;
    default:
        return {};
    }
}

/// How a receive ended.
template <class T>
struct received {
    received(error_code e, std::optional<T>&& v) noexcept : error(e), value(std::move(v)) {}

    error_code error;
    std::optional<T> value;
};

/// As `one_value`, for a receiver that wants the error and the value in one piece.
template <class T>
struct whole_value : one_value<T> {
    static constexpr bool in_one_piece = true;

    received<T> result(error_code error) { return {error, std::move(this->value)}; }
};

/// How many values to ask for: no more than there may be, but one at least.
inline std::size_t at_most(std::size_t wanted, std::size_t there) noexcept
{
    if (there == 0)
        there = 1;
    return wanted < there ? wanted : there;
}

/// Where `async_receive_some` puts its values: behind those of a vector.
template <class T>
struct some_values {
    static constexpr bool in_one_piece = false;

    some_values(std::vector<T>& v, std::size_t at_most) : into(&v), most(at_most)
    {
        const std::size_t wanted = v.size() + most;
        if (v.capacity() < wanted)
            v.reserve(wanted > 2 * v.capacity() ? wanted : 2 * v.capacity());
    }

    void operator()(T&& v) noexcept
    {
        into->push_back(std::move(v));
        ++count;
    }

    some_values& taker() noexcept { return *this; }
    std::size_t result() const noexcept { return count; }

    void lose(channel_state<T>&) noexcept {} // the values are in the receiver's vector

    std::vector<T>* into;
    std::size_t most;
    std::size_t count = 0;
};

template <class T, class Sink, class Handler, class Executor>
class receive_operation final : public wait_operation<receive_operation<T, Sink, Handler, Executor>,
                                                      Handler, Executor, timed_waiter>,
                                private channel_core<T>::receiver {
public:
    receive_operation(Handler&& handler, const Executor& executor,
                      std::shared_ptr<channel_state<T>> state, Sink sink)
        : receive_operation::wait_operation(std::move(handler), executor), state_(std::move(state)),
          sink_(std::move(sink))
    {
    }

    static void without_memory(Handler&& handler, const Executor& io,
                               const std::shared_ptr<channel_state<T>>&, Sink&& sink)
    {
        const error_code error = boost::asio::error::no_memory;
        if constexpr (Sink::in_one_piece)
            call_handler_later(std::move(handler), io, sink.result(error));
        else
            call_handler_later(std::move(handler), io, error, sink.result());
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        if (!this->set_alarm(deadline))
            return end(attempt_result::timed_out);
        if (!state_->core.park_unless_ready(*this))
            this->wake();
    }

private:
    // A receiver that was already woken sees this when it resumes.
    void cancelled() override
    {
        if (cancelled_ || this->time_is_over())
            return;
        cancelled_ = true;
        if (state_->core.unpark(*this))
            end(attempt_result::cancelled);
    }

    bool leave_line() noexcept override
    {
        if (!state_->core.give_up(*this))
            return false;
        result_ = attempt_result::timed_out;
        return true;
    }

    void end(attempt_result result)
    {
        result_ = result;
        this->wake();
    }

    void notified() noexcept override { this->wake(); }

    void resumed() override
    {
        if (result_ == attempt_result::retry) {
            const attempt_result seen = look();
            if (seen == attempt_result::parked)
                return; // another thread may have ended it already
            result_ = seen;
        }
        if (!this->alarm_is_out())
            return;
        // The value it was woken for may still be there, for another receiver.
        state_->core.notify();
        error_code error;
        if (result_ == attempt_result::timed_out)
            error = this->why_over();
        else if (result_ == attempt_result::cancelled)
            error = boost::asio::error::operation_aborted;
        if constexpr (Sink::in_one_piece)
            this->complete(sink_.result(error));
        else
            this->complete(error, sink_.result());
    }

    // After a wake-up that the core counts.
    attempt_result look() noexcept
    {
        state_->core.woken();
        for (unsigned round = 0;; ++round) {
            if (cancelled_)
                return attempt_result::cancelled;
            if (this->time_is_over())
                return attempt_result::timed_out;
            if (round != 0)
                real_atomics::pause(round);
            const attempt_result result =
                state_->core.pop_or_park(*this, sink_.most, sink_.taker());
            if (result != attempt_result::retry)
                return result;
        }
    }

    [[gnu::cold]] void dropped() noexcept override
    {
        if (!this->alarm_is_out())
            return;
        const std::shared_ptr<channel_state<T>> state = state_;
        if (result_ == attempt_result::retry)
            state->core.woken();
        sink_.lose(*state);
        this->destroy();
        state->core.notify();
    }

    [[gnu::cold]] void context_shutdown() noexcept override
    {
        this->drop_alarm();
        if (state_->core.unpark(*this))
            this->destroy();
    }

    std::shared_ptr<channel_state<T>> state_;
    Sink sink_;
    attempt_result result_ = attempt_result::retry; // anything else: it has ended
    bool cancelled_ = false;
};

/// The common part of sending and reserving: waiting in the senders' line.
template <class T, class Derived, class Handler, class Executor>
class send_wait : public wait_operation<Derived, Handler, Executor, timed_waiter>,
                  protected channel_core<T>::sender {
public:
    send_wait(Handler&& handler, const Executor& executor, std::shared_ptr<channel_state<T>> shared,
              T* own)
        : send_wait::wait_operation(std::move(handler), executor), channel_core<T>::sender(own),
          state_(std::move(shared))
    {
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return lost();
        this->on_cancellation();
        if (!this->set_alarm(deadline))
            return settled(attempt_result::timed_out);
        // Without a buffer, the channel is used after the operation stood in line.
        std::shared_ptr<channel_state<T>> kept;
        if (state_->core.capacity() == 0)
            kept = state_;
        attempt_result result = attempt_result::retry;
        for (unsigned round = 0; result == attempt_result::retry; ++round) {
            if (round != 0)
                real_atomics::pause(round);
            result = try_or_park();
        }
        if (result != attempt_result::parked) // else another thread may have ended it already
            settled(result);
    }

protected:
    ~send_wait() = default;

    channel_state<T>& state() noexcept { return *state_; }

    error_code error() const noexcept
    {
        return result_ == attempt_result::timed_out ? this->why_over() : error_for(result_);
    }

    std::shared_ptr<channel_state<T>> state_;
    attempt_result result_ = attempt_result::parked;

private:
    void cancelled() override
    {
        if (state_->core.unpark(*this))
            settled(attempt_result::cancelled);
    }

    bool leave_line() noexcept override
    {
        if (!state_->core.give_up(*this))
            return false;
        result_ = attempt_result::timed_out;
        return true;
    }

    virtual attempt_result try_or_park() noexcept = 0;
    /// Completes with `result_`.
    virtual void finish() = 0;
    /// Ends the operation without completing it: its context is being destroyed.
    virtual void lost() noexcept = 0;

    void settled(attempt_result result) noexcept override
    {
        result_ = result;
        this->wake();
    }

    void resumed() override
    {
        if (this->alarm_is_out())
            finish();
    }

    [[gnu::cold]] void dropped() noexcept override
    {
        if (this->alarm_is_out())
            lost();
    }

    [[gnu::cold]] void context_shutdown() noexcept override
    {
        this->drop_alarm();
        if (state_->core.unpark(*this))
            lost();
    }
};

template <class T, class Handler, class Executor>
class send_operation final
    : public send_wait<T, send_operation<T, Handler, Executor>, Handler, Executor> {
public:
    send_operation(Handler&& handler, const Executor& executor,
                   std::shared_ptr<channel_state<T>> shared, T&& own)
        : send_operation::send_wait(std::move(handler), executor, std::move(shared), &value_),
          value_(std::move(own))
    {
    }

    static void without_memory(Handler&& handler, const Executor& io,
                               const std::shared_ptr<channel_state<T>>&, T&& own)
    {
        call_handler_later(std::move(handler), io,
                           send_result<T>(boost::asio::error::no_memory, std::move(own)));
    }

private:
    attempt_result try_or_park() noexcept override
    {
        if (this->state().when_full == overflow::wait)
            return this->state().core.push_or_park(*this);
        return this->state().offer(value_);
    }

    void finish() override
    {
        if (this->result_ == attempt_result::done)
            return this->complete(send_result<T>());
        this->complete(send_result<T>(this->error(), std::move(value_)));
    }

    // The value cannot be handed back any more. The handler goes last: it may own what the hook
    // uses.
    [[gnu::cold]] void lost() noexcept override
    {
        if (this->result_ != attempt_result::done) {
            this->state().core.taken_over();
            this->state().lose(std::move(value_));
        }
        this->destroy();
    }

    T value_;
};

template <class T, class Handler, class Executor>
class reserve_operation final
    : public send_wait<T, reserve_operation<T, Handler, Executor>, Handler, Executor> {
public:
    reserve_operation(Handler&& handler, const Executor& executor,
                      std::shared_ptr<channel_state<T>> shared)
        : reserve_operation::send_wait(std::move(handler), executor, std::move(shared), nullptr)
    {
    }

    static void without_memory(Handler&& handler, const Executor& io,
                               const std::shared_ptr<channel_state<T>>&)
    {
        const error_code error = boost::asio::error::no_memory;
        call_handler_later(std::move(handler), io, error, channel_reservation<T>());
    }

private:
    attempt_result try_or_park() noexcept override
    {
        if (this->state().core.capacity() == 0)
            return attempt_result::no_capacity;
        if (this->state().when_full == overflow::wait)
            return this->state().core.push_or_park(*this);
        return this->state().core.try_reserve();
    }

    channel_reservation<T> take() noexcept
    {
        if (this->result_ != attempt_result::done)
            return channel_reservation<T>();
        return channel_reservation<T>(std::move(this->state_));
    }

    void finish() override
    {
        const error_code error = this->error();
        this->complete(error, take());
    }

    [[gnu::cold]] void lost() noexcept override
    {
        const channel_reservation<T> unused = take();
        this->destroy();
    }
};

} // namespace weir::detail
