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

/// Calls `function` for each item of a range, at most `limit` at a time: `co_await for_each(urls,
/// 8, fetch)`.
///
/// Shape: a sliding window: the next item starts as soon as one has ended, in the range's order;
///        they end in any order. The range is pulled lazily, one item when there is room for it, so
///        it may be endless or an input range (whose items are then moved out). `function(item)`
///        returns an awaitable, or anything else and is called in place.
/// Units: `limit` from 1, or `unlimited`; throws `std::invalid_argument` for `paused`. No default:
///        it is what the other side can bear.
/// Errors: the first error cancels the others, stops the pulling, and is thrown when all have
///         ended.
/// Cancellation: reaches the calls under way; no further item is pulled. Throws what a call threw,
///               or `operation_aborted` even if all of them succeeded, unless the range was seen
///               to have ended before.
/// Handler: everything runs on the caller's executor. To use more than one thread, use a
///          `worker_pool`.
/// Lifetime: an lvalue range must live until the end; an rvalue is kept.
/// Memory: a coroutine for each item under way, none for those that wait.
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

    /// One more worker, if there is an item for it. Each starts the next, so there are never more
    /// than items.
    void grow()
    {
        if (workers_ < limit_ && !children_.cancelled() && source_.ready()) {
            ++workers_;
            children_.spawn(work());
        }
    }

    /// A call that was cancelled may have succeeded all the same; the items behind it did not.
    void check_all_done()
    {
        if (children_.cancelled() && !source_.has_ended())
            throw system_error(boost::asio::error::operation_aborted);
    }

private:
    using item_type = typename range_source<Range>::item_type;

    boost::asio::awaitable<void> work()
    {
        turn my_turn(clock_);
        while (!children_.cancelled() && source_.ready()) {
            item_type item = source_.take();
            if (workers_ < limit_)
                grow();
            if constexpr (is_awaitable<std::invoke_result_t<Function&, item_type>>) {
                auto operation = function_(static_cast<item_type&&>(item));
                co_await std::move(operation);
                // What a call did to its cancellation stays with it.
                co_await boost::asio::this_coro::reset_cancellation_state();
            } else {
                function_(static_cast<item_type&&>(item));
            }
            if (my_turn.is_over(clock_) && !children_.cancelled()) {
                co_await boost::asio::post(boost::asio::use_awaitable);
                my_turn.begin(clock_);
            }
        }
    }

    range_source<Range> source_;
    std::size_t limit_;
    std::size_t workers_ = 0;
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
    run.grow();
    co_await children.join();
    run.check_all_done();
}

} // namespace detail

template <class Range, class Function>
boost::asio::awaitable<void> for_each(Range&& range, weir::limit limit, Function function)
{
    if (limit.is_paused())
        throw std::invalid_argument("weir::for_each: with a paused limit it would never end");
    return detail::run_for_each<Range, Function>(std::forward<Range>(range), limit.count(),
                                                 std::move(function));
}

} // namespace weir
