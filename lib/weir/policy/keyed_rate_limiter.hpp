#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/policy/detail/keyed_rate_state.hpp>
#include <weir/rate.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>

namespace weir {

/// Lets through no more of each key than a rate allows, such as 20 requests a second of each
/// customer; further acquires of that key wait in its line, and none of another key does.
///
/// Shape: a bucket for each key, as that of a `rate_limiter`. A key is remembered while its bucket
///        is not full; then it is as good as one that was never seen.
/// Units: `burst` is from 1, and has no default; see `rate_limiter`. `max_keys` is how many keys
///        are remembered at a time, from 1. It is 65,536 unless given: some 9 megabytes for short
///        keys, which is what an attacker who invents keys can make it take. With so many, acquires
///        of another key are refused: to forget one would be to give it a full bucket.
/// Threads: safe from any thread. The executor of a handler need not be serial, even with a
///          deadline. There is one lock.
/// Lifetime: destroying it closes it. It may outlive the context of its executor, which closes it.
///           That context must be run: its timer grants what waits.
/// Fairness: first come, first served, by weight, within a key. Neither a `try_acquire` nor a
///           smaller weight overtakes a waiter of its key.
/// Memory: some 140 bytes for a key of 8 bytes that is remembered, nothing for another. Keys are
///         forgotten in later calls, and not by a timer of their own. An `async_acquire` costs one
///         allocation by the handler's allocator. All waiters share one timer; a deadline costs no
///         allocation.
/// Source: as `rate_limiter`.
template <class Key, class Hash = std::hash<Key>, class Executor = boost::asio::any_io_executor>
class basic_keyed_rate_limiter {
public:
    using executor_type = Executor;
    using key_type = Key;

    /// Throws `std::invalid_argument` when `burst` or `max_keys` is 0.
    basic_keyed_rate_limiter(executor_type executor, weir::rate of_each_key, std::size_t burst,
                             std::size_t max_keys = 65'536);
    basic_keyed_rate_limiter(const basic_keyed_rate_limiter&) = delete;
    basic_keyed_rate_limiter& operator=(const basic_keyed_rate_limiter&) = delete;
    ~basic_keyed_rate_limiter() { state_->close(); }

    /// Precondition: the executor's context is still there, unless it is a bare `io_context`.
    executor_type get_executor() const noexcept { return executor_.get(); }

    /// Takes the tokens of this key if they are there and no acquire of it waits. Never waits.
    /// False too when it is closed, `weight` is above the burst, or too many keys are remembered.
    /// Throws `std::invalid_argument` when `weight` is 0, and what copying or hashing a key throws.
    [[nodiscard]] bool try_acquire(const Key& key, std::size_t weight = 1);

    /// The same, for a caller that has just read the clock. Precondition: `now` is the time of
    /// `weir::now(get_executor())`, or a little earlier.
    [[nodiscard]] bool try_acquire_at(time_point now, const Key& key, std::size_t weight = 1);

    /// Waits for `weight` tokens of this key. Throws `std::invalid_argument` when `weight` is 0,
    /// and what hashing the key throws.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `errc::closed` when it was closed before the grant; `errc::too_large` when `weight`
    ///         is above the burst (at once, or when the burst is lowered while waiting);
    ///         `errc::full` when `max_keys` other keys are remembered;
    ///         `boost::asio::error::operation_aborted` when cancelled; a system error when the
    ///         clock cannot be set; `no_memory`, also when the key cannot be copied.
    /// Cancellation: terminal, partial and total; takes no token. Tokens that were already granted
    ///               are taken, and the acquire succeeds. If its context is destroyed before the
    ///               handler runs they are spent nevertheless: what is bounded is grants.
    /// Handler: by its associated executor, never inside this call.
    template <class Token = default_token<Executor>>
    requires(!std::integral<std::remove_cvref_t<Token>>) WEIR_NODISCARD_OPERATION
        auto async_acquire(Key key, Token&& token = Token());
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire(Key key, std::size_t weight,
                                                Token&& token = Token());

    /// As `async_acquire`, until `deadline`; then `errc::timed_out`, and no token is taken. It
    /// waits until then even if the tokens cannot be there in time.
    template <class Token = default_token<Executor>>
    requires(!std::integral<std::remove_cvref_t<Token>>) WEIR_NODISCARD_OPERATION
        auto async_acquire_until(time_point deadline, Key key, Token&& token = Token());
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire_until(time_point deadline, Key key,
                                                      std::size_t weight, Token&& token = Token());

    /// Another rate and another burst for all keys, as `rate_limiter::change`. Takes time in
    /// proportion to the keys that are remembered. Throws `std::invalid_argument` when `burst`
    /// is 0.
    void change(weir::rate of_each_key, std::size_t burst);

    /// Nothing new passes, and every waiting acquire completes with `errc::closed`.
    void close() noexcept
    {
        const auto kept = state_; // a waiter may destroy this object before `close` returns
        kept->close();
    }

    weir::rate rate() const noexcept { return state_->core().rule().rate(); }
    std::size_t burst() const noexcept { return state_->core().rule().burst(); }
    std::size_t max_keys() const noexcept { return state_->core().max_keys(); }
    /// The number of tokens that are there for this key.
    std::size_t available(const Key& key) const { return state_->available(key); }
    /// The number of waiting acquires.
    std::size_t waiters() const noexcept { return state_->core().waiters(); }
    std::size_t waiters(const Key& key) const { return state_->core().waiters(key); }
    /// The number of keys whose bucket is not full.
    std::size_t keys() const noexcept { return state_->keys(); }
    bool is_closed() const noexcept { return state_->core().is_closed(); }

private:
    static void check_weight(std::size_t weight);
    static std::size_t checked(std::size_t max_keys);

    std::shared_ptr<detail::keyed_rate_state<Key, Hash>> state_;
    detail::own_executor<executor_type> executor_;
};

template <class Key, class Hash = std::hash<Key>>
using keyed_rate_limiter = basic_keyed_rate_limiter<Key, Hash>;

} // namespace weir

#include <weir/policy/detail/keyed_rate_impl.hpp>
