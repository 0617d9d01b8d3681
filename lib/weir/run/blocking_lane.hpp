#pragma once

#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/run/detail/lane_state.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
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

/// What a callable gives, by value.
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

/// Where callables go that block or compute for long, so that they keep no runner from its other
/// work: `auto sum = co_await lane.async_run([&] { return hash(file); });`
///
/// Shape: a lane has threads of its own, or runs over any executor: a `boost::asio::thread_pool`'s,
///        or one of a simulation. At most so many callables run at a time; the others wait.
/// Units: `threads` from 1, `most` from 1 or `unlimited`. No default: for what computes it is about
///        the number of cores, for what blocks it is what the disk or the database can bear.
///        `most_waiting`: how many may wait beside those that run; no bound unless given, for who
///        waits is bounded already by whatever bounds the coroutines.
/// Threads: safe from any thread, but for the destructor.
/// Lifetime: destroying it closes it. One with threads of its own waits for the callables that have
///           begun, unless one of these destroys it; one over an executor does not wait. The
///           executor's context may go first: the lane is then closed. The context of who awaits
///           may go first: a callable that has begun may use what its coroutine holds, so the
///           context's destructor waits for it. A callable must not destroy that context itself
///           (asserted).
/// Fairness: first come, first served.
/// Memory: one allocation by the handler's allocator, with callable and result in it; one more, by
///         the executor, for each turn there.
class blocking_lane {
public:
    using executor_type = boost::asio::any_io_executor;
    static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

    /// With threads of its own. Throws `std::invalid_argument` for none, `std::system_error` when
    /// one cannot be started (those already started are ended).
    explicit blocking_lane(std::size_t threads, std::size_t most_waiting = unbounded);
    /// Over an executor. Throws `std::invalid_argument` for `paused`: nothing would ever run.
    blocking_lane(executor_type executor, limit most, std::size_t most_waiting = unbounded);
    blocking_lane(const blocking_lane&) = delete;
    blocking_lane& operator=(const blocking_lane&) = delete;
    ~blocking_lane();

    /// Where callables run, and the handlers that have no executor of their own.
    executor_type get_executor() const { return core_->executor(); }

    /// Calls a callable on the lane and completes with what it returned, or threw.
    ///
    /// Shape: the callable takes nothing, may be move-only, is called once at most, and is no
    ///        coroutine. What it returns can be default-constructed (nothing else could be
    ///        delivered beside an error). It is destroyed where it ran, before the completion; one
    ///        that was not called, where its awaiter goes on.
    /// Completion: `void(std::exception_ptr, R)`, or `void(std::exception_ptr)` when it returns
    ///             nothing.
    /// Errors: what the callable threw. A `system_error` when it was not called: `errc::closed`;
    ///         `errc::full` when as many wait as may; `boost::asio::error::operation_aborted` when
    ///         cancelled.
    /// Cancellation: terminal, partial and total, until the callable has begun. Afterwards it
    ///               cannot be interrupted: the operation waits for it and completes with what came
    ///               of it.
    /// Handler: by its associated executor, never inside this call. The token is `use_awaitable`
    ///          when none is given: Boost 1.81 cannot await a `deferred` one of this signature.
    template <class Function, class Token = boost::asio::use_awaitable_t<executor_type>>
    auto async_run(Function function, Token&& token = Token())
    {
        using R = detail::lane_value<Function>;
        static_assert(detail::is_lane_result<R>,
                      "weir::blocking_lane: the callable returns nothing, or what can be "
                      "default-constructed (an optional can); it is no coroutine");
        return boost::asio::async_initiate<Token, typename detail::lane_signature<R>::type>(
            initiate_run<R>(core_), token, std::move(function));
    }

    /// Nothing new is taken in, and who waits completes with `errc::closed`. What has begun goes
    /// on.
    void close() noexcept { core_->close(); }

    /// Closes when the operation starts, and completes when no callable runs any more.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total end the wait; the lane stays closed.
    /// Handler: by its associated executor, never inside this call nor where the last one ends.
    template <class Token = default_token<executor_type>>
    auto async_close(Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(error_code)>(initiate_close(core_), token);
    }

    bool is_closed() const { return core_->is_closed(); }
    /// How many callables run now.
    std::size_t running() const { return core_->running(); }
    /// How many have not begun.
    std::size_t queued() const { return core_->queued(); }

private:
    struct initiate {
        using executor_type = blocking_lane::executor_type;

        explicit initiate(std::shared_ptr<detail::lane_state> c) : core(std::move(c)) {}
        executor_type get_executor() const { return core->executor(); }

        std::shared_ptr<detail::lane_state> core;
    };

    template <class R>
    struct initiate_run : initiate {
        using initiate::initiate;

        template <class Handler, class Function>
        void operator()(Handler&& handler, Function&& function) const
        {
            using operation =
                detail::lane_operation<std::decay_t<Function>, R, std::decay_t<Handler>>;
            std::decay_t<Handler> own(std::forward<Handler>(handler));
            std::decay_t<Function> called(std::forward<Function>(function));
            operation::create(std::move(own), this->core->executor(), std::move(called), this->core)
                ->start();
        }
    };

    struct initiate_close : initiate {
        using initiate::initiate;

        template <class Handler>
        void operator()(Handler&& handler) const
        {
            using operation = detail::lane_close_operation<std::decay_t<Handler>>;
            std::decay_t<Handler> own(std::forward<Handler>(handler));
            operation::create(std::move(own), core->executor(), core)->start();
        }
    };

    std::shared_ptr<detail::lane_threads> threads_; // none over an executor
    std::shared_ptr<detail::lane_state> core_;
};

} // namespace weir
