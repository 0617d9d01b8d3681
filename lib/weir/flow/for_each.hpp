#pragma once

#include <weir/detail/awaited.hpp>
#include <weir/detail/time_service.hpp>
#include <weir/detail/turn.hpp>
#include <weir/error.hpp>
#include <weir/flow/detail/stage/range_source.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weir {

/// Calls `function` for each item of a range, at most `limit` at a time:
/// `co_await for_each(urls, 8, fetch)`.
///
/// Shape: a sliding window: the next item starts as soon as a call has ended. Items start in the
///        order of the range and end in any order. An item is pulled only when there is room for
///        it, so the range may be endless, or an input range (whose items are moved out).
///        `function(item)` returns an awaitable, or anything else and is then called in place.
/// Units: `limit` in calls, from 1, or `unlimited`; throws `std::invalid_argument` for `paused`.
///        There is no default: what the other side can bear is yours to say.
/// Errors: the first error cancels the other calls, stops the pulling, and is thrown when all calls
///         have ended.
/// Cancellation: cancels the running calls; no further item is pulled. Throws what a call threw.
///               If no call threw, it throws `operation_aborted`, unless the range was seen to
///               have ended before.
/// Threads: everything runs on the caller's executor, one call at a time (in a strand over it,
///          unless it is known to be serial). To use more than one thread, and for other
///          limits, make the calls jobs of a pool: `as_jobs`.
/// Lifetime: an lvalue range must live until the end; an rvalue range and the function are kept.
/// Memory: one coroutine per running call. Items not pulled yet cost nothing.
template <class Range, class Function>
boost::asio::awaitable<void> for_each(Range&& range, weir::limit limit, Function function);

// -------------------------------------------------------------------------------------------------

namespace detail {

template <class Range, class Function>
class for_each_run {
public:
    for_each_run(Range&& range, std::size_t limit, Function& function, scope& children,
                 const time_service& clock)
        : source_(std::forward<Range>(range)), limit_(limit), function_(function),
          children_(children), clock_(clock)
    {
    }

    /// One more puller, if there is an item for it. Each puller starts the next one, so there are
    /// never more pullers than items.
    void grow()
    {
        if (pullers_ < limit_ && !children_.cancelled() && source_.ready())
            children_.spawn(pull(pullers_++ == 0));
    }

    /// Whether a call threw. Else what a puller threw comes from its cancellation between calls.
    bool has_failed() const noexcept { return failed_; }

    /// All calls may have succeeded although they were cancelled, but not the items never pulled.
    void check_all_done()
    {
        if (children_.cancelled() && !source_.has_ended())
            throw system_error(boost::asio::error::operation_aborted);
    }

private:
    using item_type = typename range_source<Range>::item_type;
    static_assert(std::is_invocable_v<Function&, item_type>,
                  "weir::for_each: the function is called with an item of the range");
    using returned = typename invoke_result_or_void<Function&, item_type>::type;

    boost::asio::awaitable<void> pull(bool is_first)
    {
        // It was started inside another puller, on whose stack the next one would start, and so on.
        // It goes on after that one, and after whatever else waits for its turn.
        if (!is_first)
            co_await boost::asio::post(boost::asio::use_awaitable);
        turn my_turn(clock_);
        while (!children_.cancelled() && source_.ready()) {
            item_type item = source_.take();
            if (pullers_ < limit_)
                grow();
            try {
                if constexpr (is_awaitable<returned>) {
                    auto operation = function_(static_cast<item_type&&>(item));
                    co_await std::move(operation);
                } else {
                    function_(static_cast<item_type&&>(item));
                }
            } catch (...) {
                failed_ = true;
                throw;
            }
            // What a call did to its cancellation state ends with the call.
            if constexpr (is_awaitable<returned>)
                co_await boost::asio::this_coro::reset_cancellation_state();
            if (my_turn.is_over(clock_) && !children_.cancelled()) {
                co_await boost::asio::post(boost::asio::use_awaitable);
                my_turn.begin(clock_);
            }
        }
    }

    range_source<Range> source_;
    std::size_t limit_;
    std::size_t pullers_ = 0;
    bool failed_ = false;
    Function& function_;
    scope& children_;
    const time_service& clock_;
};

template <class Range, class Function>
boost::asio::awaitable<void> run_for_each(Range range, std::size_t limit, Function function)
{
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    scope children(executor);
    for_each_run<Range, Function> run(std::forward<Range>(range), limit, function, children,
                                      time_service::of(executor));
    const auto start = [&]() -> scope& {
        run.grow();
        return children;
    };
    try {
        co_await joined(start);
    } catch (const system_error& e) {
        if (run.has_failed() || e.code() != boost::asio::error::operation_aborted)
            throw;
    }
    run.check_all_done();
}

} // namespace detail

template <class Range, class Function>
boost::asio::awaitable<void> for_each(Range&& range, weir::limit limit, Function function)
{
    if (limit.is_paused())
        throw std::invalid_argument(
            "weir::for_each: with a paused limit it never ends: use a limit of 1 or more");
    return detail::run_for_each<Range, Function>(std::forward<Range>(range), limit.count(),
                                                 std::move(function));
}

} // namespace weir
