#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/error.hpp>
#include <weir/run/detail/lane/lane_operation.hpp>
#include <weir/run/detail/lane/lane_state.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir {

namespace detail {

class lane_threads;

template <class R>
inline constexpr bool is_lane_result = std::is_void_v<R> || std::default_initializable<R>;
template <class T, class Executor>
inline constexpr bool is_lane_result<boost::asio::awaitable<T, Executor>> = false;

template <class R>
inline constexpr bool is_moved_without_throwing = std::is_void_v<R> ||
                                                  (std::is_nothrow_move_constructible_v<R> &&
                                                   std::is_nothrow_destructible_v<R>);

/// What a callable returns, by value.
template <class Function>
using lane_value = std::decay_t<std::invoke_result_t<Function>>;

template <class R>
struct lane_signature {
    using type = void(std::exception_ptr, R);
};
template <>
struct lane_signature<void> {
    using type = void(std::exception_ptr);
};

} // namespace detail

/// Runs callables that block, or compute for long, off the runners, so that a runner's other work
/// goes on: `auto sum = co_await lane.async_run([&] { return hash(file); });`
///
/// Shape: a lane has threads of its own, or runs over any executor: that of a
///        `boost::asio::thread_pool`, or of a simulation. A limited number of callables run at a
///        time; the others are queued.
/// Units: `threads` from 1; `running`, the limit over an executor, from 1 or `unlimited`. No
///        default: for callables that compute it is about the number of cores, for those that block
///        it is what the disk or the database can bear. `queue`: how many may be queued beside
///        those that run, from 0. `unbounded` unless given, because what limits the coroutines that
///        wait limits the queue too.
/// Threads: safe from any thread, but for the destructor.
/// Lifetime: destroying a lane closes it. A lane with threads of its own then waits for the
///           callables that have begun, unless one of these destroys it; a lane over an executor
///           does not wait. The executor's context may go first: the lane is then closed. The
///           caller's context may go first: a callable that has begun may use what the calling
///           coroutine holds, so the context's destructor waits for it. A callable must not destroy
///           its caller's context (asserted).
/// Fairness: first come, first served.
/// Memory: one allocation by the handler's allocator, with callable and result in it; one more, by
///         the executor, for each function posted to it.
class blocking_lane {
public:
    using executor_type = boost::asio::any_io_executor;
    static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

    /// With threads of its own. Throws `std::invalid_argument` for zero threads, and
    /// `std::system_error` when one cannot be started (those already started are ended).
    explicit blocking_lane(std::size_t threads, std::size_t queue = unbounded);
    /// Over an executor. Throws `std::invalid_argument` for `paused`: nothing would ever run.
    blocking_lane(executor_type executor, limit at_once, std::size_t queue = unbounded);
    blocking_lane(const blocking_lane&) = delete;
    blocking_lane& operator=(const blocking_lane&) = delete;
    ~blocking_lane();

    /// Where callables run, and handlers that have no executor of their own.
    executor_type get_executor() const { return state_->get_executor(); }

    /// Calls a callable on the lane and completes with what it returned or threw.
    ///
    /// Shape: the callable takes no arguments, may be move-only, is called at most once, and is no
    ///        coroutine. Its result moves without throwing, and is default-constructible, because
    ///        the handler gets an `R` with an error too; a default constructor that throws does so
    ///        in this call. The callable is destroyed where it ran, before the completion; one that
    ///        was not called is destroyed on the handler's executor.
    /// Completion: `void(std::exception_ptr, R)`, or `void(std::exception_ptr)` when it returns
    ///             nothing.
    /// Errors: what the callable threw. A `system_error` when it was not called: `errc::closed`;
    ///         `errc::full` when the queue is full; `boost::asio::error::operation_aborted` when
    ///         cancelled.
    /// Cancellation: terminal, partial and total, until the callable has begun. It cannot be
    ///               interrupted after that: the operation waits for it and completes with its
    ///               result.
    /// Handler: by its associated executor, never inside this call. The token is `use_awaitable`
    ///          when none is given: Boost 1.81 cannot await a `deferred` one of this signature.
    template <class Function, class Token = boost::asio::use_awaitable_t<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_run(Function function, Token&& token = Token())
    {
        using R = detail::lane_value<Function>;
        static_assert(detail::is_lane_result<R>,
                      "weir::blocking_lane: the callable returns nothing, or what can be "
                      "default-constructed (an optional can); it is no coroutine");
        static_assert(detail::is_moved_without_throwing<R>,
                      "weir::blocking_lane: what the callable returns moves without throwing, or "
                      "its caller could wait forever (a unique_ptr to it can)");
        // A deferred operation may outlive the lane: it keeps the state.
        using spare_value = detail::lane_default<R>;
        const auto start = [state = state_](const auto&, auto&& handler, auto&& called,
                                            spare_value spare) {
            using operation = detail::lane_operation<Function, R, std::decay_t<decltype(handler)>>;
            Function own(std::forward<decltype(called)>(called));
            if (state->serves(handler))
                operation::begin(std::move(handler), state->fallback(), std::move(own),
                                 std::move(spare), std::shared_ptr<detail::lane_state>(state));
        };
        return detail::initiate<typename detail::lane_signature<R>::type>(
            *state_, token, start, std::move(function), spare_value());
    }

    /// Takes in nothing new; what is queued completes with `errc::closed`. What has begun goes on.
    void close() noexcept { state_->close(); }

    /// Closes the lane when the operation starts, and completes when no callable runs any more.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total end the wait; the lane stays closed.
    /// Handler: by its associated executor, never inside this call nor where the last callable
    ///          ends.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_close(Token&& token = Token())
    {
        const auto start = [state = state_](const auto&, auto&& handler) {
            using operation = detail::lane_close_operation<std::decay_t<decltype(handler)>>;
            if (state->serves(handler))
                operation::begin(std::move(handler), state->fallback(),
                                 std::shared_ptr<detail::lane_state>(state));
        };
        return detail::initiate<void(error_code)>(*state_, token, start);
    }

    bool is_closed() const { return state_->is_closed(); }
    /// How many callables run now.
    std::size_t running() const { return state_->running(); }
    /// How many have not begun.
    std::size_t queued() const { return state_->queued(); }

private:
    std::shared_ptr<detail::lane_threads> threads_; // none over an executor
    std::shared_ptr<detail::lane_state> state_;
};

} // namespace weir
