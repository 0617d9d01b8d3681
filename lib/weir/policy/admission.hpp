#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/policy/admission_limits.hpp>
#include <weir/policy/admission_pass.hpp>
#include <weir/policy/detail/admission_state.hpp>
#include <weir/rate.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace weir {

/// Takes several limits at once, all or nothing: a place, 5 MB, one of the 4 uploads of this
/// customer, and a token of 20 requests a second. A caller that takes them one after the other
/// holds some while it waits for the rest: two such callers can wait for each other forever, and
/// what they hold meanwhile is missing elsewhere.
///
/// Shape: owns its limits, see `admission_limits`. A request names its share of each it needs and
///        gets one pass. Tokens of the rate are taken last, in the same step as all others. `Hash`
///        must not throw.
/// Units: counts are in whatever unit the caller chooses; limits as in `semaphore`, burst and rate
///        as in `rate_limiter`.
/// Threads: safe from any thread. The executor of a handler need not be serial, even with a
///          deadline. There is one lock.
/// Lifetime: destroying it closes it. Passes may outlive it. It may outlive the context of its
///           executor, which closes it; with a rate, that context must be run.
/// Fairness: each limit has its own order of arrival. A request passes when it fits, in each limit
///           it asks for, after the claims of all that wait there and came earlier. So no request
///           starves, and one that waits for a rate, or for its key, does not stop those that ask
///           for other things. It keeps its claims on the counts and tokens that it asks for:
///           newcomers get what is left after them. So a key with many waiters can keep others from
///           places that are free, and with a burst of 1 from every token. Where that hurts, take
///           the key from a `keyed_semaphore` first, and then the rest from an `admission`.
/// Memory: an `async_acquire` costs one allocation by the handler's allocator, whether or not it
///         has to wait. A key costs an entry in a hash table while it is in use, or waited for.
///         All waiters share one timer.
template <class Key = std::string, class Hash = std::hash<Key>,
          class Executor = boost::asio::any_io_executor>
class basic_admission {
public:
    using executor_type = Executor;
    using key_type = Key;
    using request = admission_request<Key>;
    using pass = admission_pass<Key, Hash>;

    basic_admission(executor_type executor, const admission_limits& given);
    basic_admission(const basic_admission&) = delete;
    basic_admission& operator=(const basic_admission&) = delete;
    ~basic_admission() { state_->close(); }

    /// Precondition: the executor's context is still there, unless it is a bare `io_context`.
    executor_type get_executor() const noexcept { return executor_.get(); }

    /// A pass when the request fits at once, after the claims of all that wait; otherwise an empty
    /// one. Never waits. Throws `std::invalid_argument` as `async_acquire` does, and
    /// `std::bad_alloc` where there is no memory for a new key.
    pass try_acquire(const request& asked);

    /// Waits for a pass. Throws `std::invalid_argument` when the request asks for nothing, or for
    /// what this admission does not have: a count of another one, a key, or a rate.
    ///
    /// Completion: `void(error_code, admission_pass<Key, Hash>)`
    /// Errors: `errc::closed` when it was closed before the grant; `errc::too_large` when a share
    ///         is above its limit or the burst (at once, or when that is lowered while waiting; a
    ///         paused limit is none to exceed); `boost::asio::error::operation_aborted` when
    ///         cancelled; a system error when the clock cannot be set for a request that waits for
    ///         tokens, or `no_memory`.
    /// Cancellation: terminal, partial and total; takes nothing. A pass that was already granted is
    ///               delivered. If its context is destroyed before the handler runs, all goes back
    ///               but the tokens, which are spent.
    /// Handler: by its associated executor, never inside this call nor where something is given
    ///          back.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire(request asked, Token&& token = Token());

    /// As `async_acquire`, until `deadline`; then `errc::timed_out`, and nothing is taken.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire_until(time_point deadline, request asked,
                                                      Token&& token = Token());

    /// Another limit for a count. Lowering it revokes nothing: `in_use` may exceed the limit until
    /// it falls. Takes time in proportion to the waiters that have to wait again. Throws
    /// `std::invalid_argument` for a count of another admission.
    void resize(admission_count which, weir::limit most);
    /// The same for all keys. Throws `std::invalid_argument` when there was no limit for them.
    void resize_keys(weir::limit most);
    /// Another rate and another burst, as `rate_limiter::change`. Throws `std::invalid_argument`
    /// when `burst` is 0, or when there was no rate.
    void change(weir::rate each, std::size_t burst);

    /// Nothing new passes, and every waiting acquire completes with `errc::closed`. Passes that
    /// were already granted stay valid.
    void close() noexcept
    {
        const auto kept = state_; // a waiter may destroy this object before `close` returns
        kept->close();
    }

    /// Of a count. These two throw `std::invalid_argument` for a count of another admission.
    weir::limit limit(admission_count which) const
    {
        return weir::limit::of_count(state_->core().limit(place_of(which)));
    }
    std::size_t in_use(admission_count which) const
    {
        return state_->core().in_use(place_of(which));
    }
    std::size_t in_use(const Key& key) const { return state_->core().in_use_of_key(key); }
    /// Of each key. `unlimited` when it was made without a limit for them.
    weir::limit key_limit() const noexcept
    {
        return weir::limit::of_count(state_->core().key_limit());
    }
    /// Empty when it was made without a rate.
    std::optional<weir::rate> rate() const noexcept;
    /// 0 when it was made without a rate.
    std::size_t burst() const noexcept
    {
        return state_->core().has_rate() ? state_->core().rule().burst() : 0;
    }
    /// The number of tokens that are there. 0 when it was made without a rate.
    std::size_t available_tokens() const noexcept { return state_->available(); }
    /// The number of keys that are in use, or waited for.
    std::size_t keys() const noexcept { return state_->core().keys(); }
    /// The number of waiting acquires.
    std::size_t waiters() const noexcept { return state_->core().waiters(); }
    bool is_closed() const noexcept { return state_->core().is_closed(); }

private:
    void check(const request& asked) const;
    std::size_t place_of(admission_count which) const;

    bool has_keys_;
    std::shared_ptr<detail::admission_state<Key, Hash>> state_;
    detail::own_executor<executor_type> executor_;
};

template <class Key = std::string, class Hash = std::hash<Key>>
using admission = basic_admission<Key, Hash>;

} // namespace weir

#include <weir/policy/detail/admission_impl.hpp>
