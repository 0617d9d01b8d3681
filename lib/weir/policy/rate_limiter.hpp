#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/policy/detail/rate_state.hpp>
#include <weir/rate.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace weir {

/// Lets through no more than a rate allows, such as 20 requests a second; further acquires wait in
/// line. For how many run at the same time, take a `semaphore` as well.
///
/// Shape: a bucket of `burst` tokens, full at first, refilled one by one at the rate. An acquire
///        takes `weight` tokens; they do not come back. In any window, the grants are at most the
///        burst plus what the rate makes of the window.
/// Units: `burst` is from 1. There is no default: a service that counts strictly wants 1. A timer
///        is late by up to a millisecond or two, and what is late is made up for only out of the
///        burst: to reach the rate under steady demand, give at least what comes in 2 ms.
/// Threads: safe from any thread. The executor of a handler need not be serial, even with a
///          deadline.
/// Lifetime: destroying it closes it. It may outlive the context of its executor, which closes it.
///           That context must be run: its timer grants what waits.
/// Fairness: first come, first served, by weight. Neither a `try_acquire` nor a smaller weight
///           overtakes a waiter.
/// Memory: an `async_acquire` costs one allocation by the handler's allocator, whether or not it
///         has to wait. All waiters share one timer; a deadline costs no allocation.
/// Source: the Generic Cell Rate Algorithm (ITU-T I.371, annex A), for weights. Tokens are taken at
///         the grant and not reserved on arrival, so a waiter that leaves owes nothing.
template <class Executor = boost::asio::any_io_executor>
class basic_rate_limiter {
public:
    using executor_type = Executor;

    /// Throws `std::invalid_argument` when `burst` is 0.
    basic_rate_limiter(executor_type executor, weir::rate each, std::size_t burst);
    basic_rate_limiter(const basic_rate_limiter&) = delete;
    basic_rate_limiter& operator=(const basic_rate_limiter&) = delete;
    ~basic_rate_limiter() { state_->close(); }

    /// Precondition: the executor's context is still there, unless it is a bare `io_context`.
    executor_type get_executor() const noexcept { return executor_.get(); }

    /// Takes the tokens if they are there and no acquire waits. Never waits. False too when it is
    /// closed, or `weight` is above the burst. Throws `std::invalid_argument` when `weight` is 0.
    [[nodiscard]] bool try_acquire(std::size_t weight = 1);

    /// The same, for a caller that has just read the clock. Precondition: `now` is the time of
    /// `weir::now(get_executor())`, or a little earlier.
    [[nodiscard]] bool try_acquire_at(time_point now, std::size_t weight = 1);

    /// Waits for `weight` tokens. Throws `std::invalid_argument` when `weight` is 0.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `errc::closed` when it was closed before the grant; `errc::too_large` when `weight`
    ///         is above the burst (at once, or when the burst is lowered while waiting);
    ///         `boost::asio::error::operation_aborted` when cancelled; a system error when the
    ///         clock cannot be set; `no_memory`.
    /// Cancellation: terminal, partial and total; takes no token. Tokens that were already granted
    ///               are taken, and the acquire succeeds. If its context is destroyed before the
    ///               handler runs they are spent nevertheless: what is bounded is grants.
    /// Handler: by its associated executor, never inside this call.
    template <class Token = default_token<Executor>>
    requires(!std::integral<std::remove_cvref_t<Token>>) WEIR_NODISCARD_OPERATION
        auto async_acquire(Token&& token = Token());
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire(std::size_t weight, Token&& token = Token());

    /// As `async_acquire`, until `deadline`; then `errc::timed_out`, and no token is taken. It
    /// waits until then even if the tokens cannot be there in time.
    template <class Token = default_token<Executor>>
    requires(!std::integral<std::remove_cvref_t<Token>>) WEIR_NODISCARD_OPERATION
        auto async_acquire_until(time_point deadline, Token&& token = Token());
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire_until(time_point deadline, std::size_t weight,
                                                      Token&& token = Token());

    /// Another rate and another burst, from now on. Tokens that are missing stay missing and come
    /// back at the new rate; so a larger burst gives the difference at once. Throws
    /// `std::invalid_argument` when `burst` is 0.
    void change(weir::rate each, std::size_t burst);

    /// Nothing new passes, and every waiting acquire completes with `errc::closed`.
    void close() noexcept
    {
        const auto kept = state_; // a waiter may destroy this object before `close` returns
        kept->close();
    }

    weir::rate rate() const noexcept { return state_->core().rule().rate(); }
    std::size_t burst() const noexcept { return state_->core().rule().burst(); }
    /// The number of tokens that are there.
    std::size_t available() const noexcept { return state_->available(); }
    /// The number of waiting acquires.
    std::size_t waiters() const noexcept { return state_->core().waiters(); }
    bool is_closed() const noexcept { return state_->core().is_closed(); }

private:
    static void check_weight(std::size_t weight);

    std::shared_ptr<detail::rate_state> state_;
    detail::own_executor<executor_type> executor_;
};

using rate_limiter = basic_rate_limiter<>;

} // namespace weir

#include <weir/policy/detail/rate_impl.hpp>
