#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/sync/detail/semaphore_core.hpp>
#include <weir/sync/limit.hpp>
#include <weir/sync/permit.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace weir {

/// Lets at most `limit` through at a time; further acquires wait in line.
///
/// Shape: weighted. Every acquire takes `weight` of the limit, and its permit gives it back.
/// Units: `limit` is a number from 1, `unlimited` or `paused`. There is no default: only the caller
///        knows what a service can carry. `overtakers` is how many acquires may pass the first in
///        line while it waits for more than there is; 0 unless given, because each of them makes
///        the first wait longer. They are looked for among newcomers and the next 32 in line, so
///        that a release does not walk along a long line.
/// Threads: safe from any thread. The executor of a handler need not be serial, even with a
///          deadline.
/// Lifetime: destroying it closes it. Permits may outlive it. It may outlive the context of its
///           executor, which closes it, unless the executor is the bare one of an `io_context`. An
///           operation whose handler has no executor of its own is destroyed then; with a bare
///           `io_context` that is gone it must not be started.
/// Fairness: first come, first served, by weight. An acquire of a large weight holds back those
///           behind it until there is room for it, except for the `overtakers`. A `try_acquire`
///           overtakes no waiter.
/// Memory: an `async_acquire` costs one allocation by the handler's allocator, whether or not it
///         has to wait. A deadline costs none, nor does a `try_acquire`.
template <class Executor = boost::asio::any_io_executor>
class basic_semaphore {
public:
    using executor_type = Executor;

    basic_semaphore(executor_type executor, weir::limit limit, std::size_t overtakers = 0);
    basic_semaphore(const basic_semaphore&) = delete;
    basic_semaphore& operator=(const basic_semaphore&) = delete;
    ~basic_semaphore();

    /// Precondition: the executor's context is still there, unless it is a bare `io_context`.
    executor_type get_executor() const noexcept { return executor_.get(); }

    /// A permit when there is room and no acquire waits; otherwise an empty one. Never waits.
    /// Throws `std::invalid_argument` when `weight` is 0.
    permit try_acquire(std::size_t weight = 1);

    /// Waits for a permit. Throws `std::invalid_argument` when `weight` is 0.
    ///
    /// Completion: `void(error_code, permit)`
    /// Errors: `errc::closed` when the semaphore was closed before the grant; `errc::too_large`
    ///         when `weight` is above the limit (at once, or when the limit is lowered while
    ///         waiting; a paused semaphore has no limit to exceed);
    ///         `boost::asio::error::operation_aborted` when cancelled; `no_memory`.
    /// Cancellation: terminal, partial and total; takes no permit. A permit that was already
    ///               granted is delivered.
    /// Handler: by its associated executor, never inside this call nor inside a release.
    template <class Token = default_token<Executor>>
    requires(!std::integral<std::remove_cvref_t<Token>>) WEIR_NODISCARD_OPERATION
        auto async_acquire(Token&& token = Token());
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire(std::size_t weight, Token&& token = Token());

    /// As `async_acquire`, until `deadline`; then `errc::timed_out`, and no permit is taken.
    template <class Token = default_token<Executor>>
    requires(!std::integral<std::remove_cvref_t<Token>>) WEIR_NODISCARD_OPERATION
        auto async_acquire_until(time_point deadline, Token&& token = Token());
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire_until(time_point deadline, std::size_t weight,
                                                      Token&& token = Token());

    /// Nothing new passes, and every waiting acquire completes with `errc::closed`. Permits that
    /// were already granted stay valid.
    void close() noexcept
    {
        const auto kept = core_; // a waiter may destroy this object before `close` returns
        kept->close();
    }

    /// Changes the limit. Lowering it revokes nothing: `in_use` may exceed the limit until it
    /// falls.
    void resize(weir::limit limit) noexcept
    {
        const auto kept = core_;
        kept->resize(limit.count());
    }

    weir::limit limit() const noexcept { return weir::limit::of_count(core_->limit()); }
    std::size_t in_use() const noexcept { return core_->in_use(); }
    /// The number of waiting acquires.
    std::size_t waiters() const noexcept { return core_->waiters(); }
    bool is_closed() const noexcept { return core_->is_closed(); }

private:
    using core = detail::semaphore_core<>;

    static void check_weight(std::size_t weight);

    std::shared_ptr<core> core_;
    detail::own_executor<executor_type> executor_;
};

using semaphore = basic_semaphore<>;

} // namespace weir

#include <weir/sync/detail/semaphore_impl.hpp>
