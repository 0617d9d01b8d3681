#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/timed_waiter.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/sync/semaphore.hpp>

#include <boost/asio/error.hpp>

#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

// The bodies of `basic_semaphore`'s members, and its waiting operation.

namespace weir {

namespace detail {

template <class Handler, class Executor>
class acquire_operation final
    : public wait_operation<acquire_operation<Handler, Executor>, Handler, Executor, timed_waiter>,
      private semaphore_core<>::node {
public:
    using core = semaphore_core<>;

    acquire_operation(Handler&& handler, const Executor& executor, std::shared_ptr<core> shared,
                      std::size_t asked)
        : acquire_operation::wait_operation(std::move(handler), executor), core::node(asked),
          core_(std::move(shared))
    {
    }

    static void without_memory(Handler&& handler, const Executor& io, const std::shared_ptr<core>&,
                               std::size_t)
    {
        const error_code error = boost::asio::error::no_memory;
        call_handler_later(std::move(handler), io, error, permit());
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        if (!this->set_alarm(deadline))
            return settled(acquire_result::timed_out);
        const acquire_result result = core_->park(*this);
        if (result != acquire_result::parked) // else another thread may have ended it already
            settled(result);
    }

private:
    void cancelled() override
    {
        if (core_->unpark(*this)) {
            error_ = boost::asio::error::operation_aborted;
            this->wake();
        }
    }

    bool leave_line() noexcept override
    {
        if (!core_->give_up(*this))
            return false;
        error_ = this->why_over();
        return true;
    }

    void settled(acquire_result result) noexcept override
    {
        result_ = result;
        if (result == acquire_result::closed)
            error_ = errc::closed;
        else if (result == acquire_result::too_large)
            error_ = errc::too_large;
        else if (result == acquire_result::timed_out)
            error_ = this->why_over();
        this->wake();
    }

    permit take() noexcept
    {
        if (result_ != acquire_result::granted)
            return permit();
        result_ = acquire_result::parked;
        return permit(*core_, this->weight);
    }

    void resumed() override
    {
        if (!this->alarm_is_out())
            return;
        const error_code error = error_;
        this->complete(error, take());
    }

    void dropped() noexcept override
    {
        if (!this->alarm_is_out())
            return;
        const permit unused = take();
        this->destroy();
    }

    void context_shutdown() noexcept override
    {
        this->drop_alarm();
        if (core_->unpark(*this))
            this->destroy();
    }

    std::shared_ptr<core> core_;
    acquire_result result_ = acquire_result::parked;
    error_code error_;
};

} // namespace detail

template <class Executor>
basic_semaphore<Executor>::basic_semaphore(executor_type executor, weir::limit limit,
                                           std::size_t overtakers)
    : core_(std::make_shared<core>(limit.count(), overtakers)),
      executor_(std::move(executor), core_,
                [](void* own) noexcept { static_cast<core*>(own)->close(); })
{
}

template <class Executor>
basic_semaphore<Executor>::~basic_semaphore()
{
    core_->close();
    core::outlive(std::move(core_));
}

template <class Executor>
inline void basic_semaphore<Executor>::check_weight(std::size_t weight)
{
    if (weight == 0)
        throw std::invalid_argument("weir::semaphore: the weight must be at least 1");
}

template <class Executor>
inline permit basic_semaphore<Executor>::try_acquire(std::size_t weight)
{
    check_weight(weight);
    if (core_->try_acquire(weight) == detail::acquire_result::granted)
        return permit(*core_, weight);
    return permit();
}

template <class Executor>
template <class Token>
requires(!std::integral<std::remove_cvref_t<Token>>) auto basic_semaphore<Executor>::async_acquire(
    Token&& token)
{
    return async_acquire(std::size_t{1}, std::forward<Token>(token));
}

template <class Executor>
template <class Token>
auto basic_semaphore<Executor>::async_acquire(std::size_t weight, Token&& token)
{
    return async_acquire_until(time_point::max(), weight, std::forward<Token>(token));
}

template <class Executor>
template <class Token>
requires(!std::integral<std::remove_cvref_t<Token>>) auto basic_semaphore<
    Executor>::async_acquire_until(time_point deadline, Token&& token)
{
    return async_acquire_until(deadline, std::size_t{1}, std::forward<Token>(token));
}

template <class Executor>
template <class Token>
auto basic_semaphore<Executor>::async_acquire_until(time_point deadline, std::size_t weight,
                                                    Token&& token)
{
    check_weight(weight);
    const auto start = [deadline](const basic_semaphore& self, auto&& handler, std::size_t asked) {
        using operation = detail::acquire_operation<std::decay_t<decltype(handler)>, Executor>;
        if (self.executor_.serves(handler))
            operation::begin_at(deadline, std::move(handler), self.executor_.fallback(),
                                std::shared_ptr<detail::semaphore_core<>>(self.core_), asked);
    };
    return detail::initiate<void(error_code, permit)>(*this, token, start, weight);
}

} // namespace weir
