#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/policy/detail/rate_operation.hpp>
#include <weir/policy/rate_limiter.hpp>

#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

// The bodies of `basic_rate_limiter`'s members.

namespace weir {

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
        using operation =
            detail::rate_operation<detail::rate_state, std::decay_t<decltype(handler)>, Executor>;
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
