#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/timed_waiter.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/policy/rate_limiter.hpp>

#include <boost/asio/error.hpp>

#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

// The bodies of `basic_rate_limiter`'s members, and its waiting operation.

namespace weir {

namespace detail {

template <class Handler, class Executor>
class rate_operation final
    : public wait_operation<rate_operation<Handler, Executor>, Handler, Executor, timed_waiter>,
      private rate_state::node {
public:
    rate_operation(Handler&& handler, const Executor& executor, std::shared_ptr<rate_state> shared,
                   std::size_t asked)
        : rate_operation::wait_operation(std::move(handler), executor), rate_state::node(asked),
          state_(std::move(shared))
    {
    }

    static void without_memory(Handler&& handler, const Executor& io,
                               const std::shared_ptr<rate_state>&, std::size_t)
    {
        call_handler_later(std::move(handler), io, error_code(boost::asio::error::no_memory));
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        if (!this->set_alarm(deadline))
            return settled(acquire_result::timed_out);
        const auto kept = state_;
        const acquire_result result = kept->park(*this);
        if (result != acquire_result::parked) // else another thread may have ended it already
            settled(result);
    }

private:
    void cancelled() override
    {
        const auto kept = state_;
        if (kept->unpark(*this)) {
            error_ = boost::asio::error::operation_aborted;
            this->wake();
        }
    }

    bool leave_line() noexcept override
    {
        const auto kept = state_;
        if (!kept->give_up(*this))
            return false;
        error_ = this->why_over();
        return true;
    }

    void settled(acquire_result result) noexcept override
    {
        if (result == acquire_result::closed)
            error_ = errc::closed;
        else if (result == acquire_result::too_large)
            error_ = errc::too_large;
        else if (result == acquire_result::timed_out)
            error_ = this->why_over();
        else if (result == acquire_result::no_timer)
            error_.assign(state_->failure(), boost::asio::error::get_system_category());
        this->wake();
    }

    void resumed() override
    {
        if (this->alarm_is_out())
            this->complete(error_code(error_));
    }

    void dropped() noexcept override
    {
        if (this->alarm_is_out())
            this->destroy();
    }

    void context_shutdown() noexcept override
    {
        this->drop_alarm();
        const auto kept = state_;
        if (kept->unpark(*this))
            this->destroy();
    }

    std::shared_ptr<rate_state> state_;
    error_code error_;
};

} // namespace detail

template <class Executor>
basic_rate_limiter<Executor>::basic_rate_limiter(executor_type executor, weir::rate each,
                                                 std::size_t burst)
    : state_(detail::rate_state::make(executor, detail::gcra_rule(each, burst))),
      executor_(std::move(executor))
{
}

template <class Executor>
inline void basic_rate_limiter<Executor>::check_weight(std::size_t weight)
{
    if (weight == 0)
        throw std::invalid_argument("weir::rate_limiter: the weight must be at least 1");
}

template <class Executor>
inline bool basic_rate_limiter<Executor>::try_acquire(std::size_t weight)
{
    check_weight(weight);
    return state_->try_acquire(weight) == detail::acquire_result::granted;
}

template <class Executor>
inline bool basic_rate_limiter<Executor>::try_acquire_at(time_point now, std::size_t weight)
{
    check_weight(weight);
    return state_->try_acquire(weight, now) == detail::acquire_result::granted;
}

template <class Executor>
template <class Token>
requires(!std::integral<std::remove_cvref_t<Token>>) auto basic_rate_limiter<
    Executor>::async_acquire(Token&& token)
{
    return async_acquire(std::size_t{1}, std::forward<Token>(token));
}

template <class Executor>
template <class Token>
auto basic_rate_limiter<Executor>::async_acquire(std::size_t weight, Token&& token)
{
    return async_acquire_until(time_point::max(), weight, std::forward<Token>(token));
}

template <class Executor>
template <class Token>
requires(!std::integral<std::remove_cvref_t<Token>>) auto basic_rate_limiter<
    Executor>::async_acquire_until(time_point deadline, Token&& token)
{
    return async_acquire_until(deadline, std::size_t{1}, std::forward<Token>(token));
}

template <class Executor>
template <class Token>
auto basic_rate_limiter<Executor>::async_acquire_until(time_point deadline, std::size_t weight,
                                                       Token&& token)
{
    check_weight(weight);
    const auto start = [deadline](const basic_rate_limiter& self, auto&& handler,
                                  std::size_t asked) {
        using operation = detail::rate_operation<std::decay_t<decltype(handler)>, Executor>;
        if (self.executor_.serves(handler))
            operation::begin_at(deadline, std::move(handler), self.executor_.fallback(),
                                std::shared_ptr<detail::rate_state>(self.state_), asked);
    };
    return detail::initiate<void(error_code)>(*this, token, start, weight);
}

template <class Executor>
inline void basic_rate_limiter<Executor>::change(weir::rate each, std::size_t burst)
{
    const detail::gcra_rule rule(each, burst);
    const auto kept = state_;
    kept->change(rule);
}

} // namespace weir
