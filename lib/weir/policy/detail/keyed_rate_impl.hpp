#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/policy/detail/rate_operation.hpp>
#include <weir/policy/keyed_rate_limiter.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

// The bodies of `basic_keyed_rate_limiter`'s members.

namespace weir {

template <class Key, class Hash, class Executor>
basic_keyed_rate_limiter<Key, Hash, Executor>::basic_keyed_rate_limiter(executor_type executor,
                                                                        weir::rate of_each_key,
                                                                        std::size_t burst,
                                                                        std::size_t max_keys)
    : state_(detail::keyed_rate_state<Key, Hash>::make(
          executor, detail::gcra_rule(of_each_key, burst), checked(max_keys))),
      executor_(std::move(executor))
{
}

template <class Key, class Hash, class Executor>
inline void basic_keyed_rate_limiter<Key, Hash, Executor>::check_weight(std::size_t weight)
{
    if (weight == 0)
        throw std::invalid_argument("weir::keyed_rate_limiter: the weight must be at least 1");
}

template <class Key, class Hash, class Executor>
inline std::size_t basic_keyed_rate_limiter<Key, Hash, Executor>::checked(std::size_t max_keys)
{
    if (max_keys == 0)
        throw std::invalid_argument("weir::keyed_rate_limiter: it must remember at least 1 key");
    return max_keys;
}

template <class Key, class Hash, class Executor>
inline bool basic_keyed_rate_limiter<Key, Hash, Executor>::try_acquire(const Key& key,
                                                                       std::size_t weight)
{
    check_weight(weight);
    return state_->try_acquire(key, weight) == detail::acquire_result::granted;
}

template <class Key, class Hash, class Executor>
inline bool basic_keyed_rate_limiter<Key, Hash, Executor>::try_acquire_at(time_point now,
                                                                          const Key& key,
                                                                          std::size_t weight)
{
    check_weight(weight);
    return state_->try_acquire(key, weight, now) == detail::acquire_result::granted;
}

template <class Key, class Hash, class Executor>
template <class Token>
requires(!std::integral<std::remove_cvref_t<Token>>) auto basic_keyed_rate_limiter<
    Key, Hash, Executor>::async_acquire(Key key, Token&& token)
{
    return async_acquire(std::move(key), std::size_t{1}, std::forward<Token>(token));
}

template <class Key, class Hash, class Executor>
template <class Token>
auto basic_keyed_rate_limiter<Key, Hash, Executor>::async_acquire(Key key, std::size_t weight,
                                                                  Token&& token)
{
    return async_acquire_until(time_point::max(), std::move(key), weight,
                               std::forward<Token>(token));
}

template <class Key, class Hash, class Executor>
template <class Token>
requires(!std::integral<std::remove_cvref_t<Token>>) auto basic_keyed_rate_limiter<
    Key, Hash, Executor>::async_acquire_until(time_point deadline, Key key, Token&& token)
{
    return async_acquire_until(deadline, std::move(key), std::size_t{1},
                               std::forward<Token>(token));
}

template <class Key, class Hash, class Executor>
template <class Token>
auto basic_keyed_rate_limiter<Key, Hash, Executor>::async_acquire_until(time_point deadline,
                                                                        Key key, std::size_t weight,
                                                                        Token&& token)
{
    check_weight(weight);
    const std::uint32_t hash = state_->core().hash_of(key);
    const auto start = [deadline, hash](const basic_keyed_rate_limiter& self, auto&& handler,
                                        Key own_key, std::size_t asked) {
        using state = detail::keyed_rate_state<Key, Hash>;
        using operation = detail::rate_operation<state, std::decay_t<decltype(handler)>, Executor>;
        if (self.executor_.serves(handler))
            operation::begin_at(deadline, std::move(handler), self.executor_.fallback(),
                                std::shared_ptr<state>(self.state_), std::move(own_key),
                                std::uint32_t(hash), asked);
    };
    return detail::initiate<void(error_code)>(*this, token, start, std::move(key), weight);
}

template <class Key, class Hash, class Executor>
inline void basic_keyed_rate_limiter<Key, Hash, Executor>::change(weir::rate of_each_key,
                                                                  std::size_t burst)
{
    const detail::gcra_rule rule(of_each_key, burst);
    const auto kept = state_;
    kept->change(rule);
}

} // namespace weir
