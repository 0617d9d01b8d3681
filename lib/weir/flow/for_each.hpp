#pragma once

#include <weir/flow/detail/is_awaitable.hpp>
#include <weir/run/scope.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/turn.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <iterator>
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
/// Units: `limit` from 1 (`std::invalid_argument` otherwise). No default: it is what the other side
///        can bear.
/// Errors: the first error cancels the others, stops the pulling, and is thrown when all have
///         ended.
/// Cancellation: reaches the calls under way; no further item is pulled.
/// Handler: everything runs on the caller's executor. To use more than one thread, use a
///          `worker_pool`.
/// Lifetime: an lvalue range must live until the end; an rvalue is kept.
/// Memory: a coroutine for each item under way, none for those that wait.
template <class Range, class Function>
boost::asio::awaitable<void> for_each(Range&& range, std::size_t limit, Function function);

// -------------------------------------------------------------------------------------------------

namespace detail {

template <class Range, class Function>
class for_each_run {
public:
    for_each_run(Range& range, std::size_t limit, Function& function, scope& children,
                 const time_service& clock)
        : next_(begin_of(range)), end_(end_of(range)), limit_(limit), function_(function),
          children_(children), clock_(clock)
    {
    }

    /// One more worker, if there is an item for it. Each starts the next, so there are never more
    /// than items.
    void grow()
    {
        if (workers_ < limit_ && next_ != end_ && !children_.cancelled()) {
            ++workers_;
            children_.spawn(work());
        }
    }

private:
    static auto begin_of(Range& range)
    {
        using std::begin;
        return begin(range);
    }
    static auto end_of(Range& range)
    {
        using std::end;
        return end(range);
    }

    using iterator = decltype(begin_of(std::declval<Range&>()));
    using sentinel = decltype(end_of(std::declval<Range&>()));
    using reference = decltype(*std::declval<iterator&>());

    // Input iterators go stale when the next item is pulled: their item is taken out first.
    static constexpr bool stays =
        std::is_lvalue_reference_v<reference> && std::forward_iterator<iterator>;
    using item_type = std::conditional_t<stays, reference, std::remove_cvref_t<reference>>;

    boost::asio::awaitable<void> work()
    {
        turn my_turn(clock_);
        while (next_ != end_ && !children_.cancelled()) {
            item_type item = static_cast<item_type>(*next_);
            ++next_;
            grow();
            if constexpr (is_awaitable<std::invoke_result_t<Function&, item_type>>) {
                auto operation = function_(static_cast<item_type&&>(item));
                co_await std::move(operation);
            } else {
                function_(static_cast<item_type&&>(item));
            }
            if (my_turn.is_over(clock_)) {
                co_await boost::asio::post(boost::asio::use_awaitable);
                my_turn.begin(clock_);
            }
        }
    }

    iterator next_;
    sentinel end_;
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
    for_each_run<std::remove_reference_t<Range>, Function> run(range, limit, function, children,
                                                               time_service::of(executor));
    run.grow();
    co_await children.join();
}

} // namespace detail

template <class Range, class Function>
boost::asio::awaitable<void> for_each(Range&& range, std::size_t limit, Function function)
{
    if (limit == 0)
        throw std::invalid_argument("weir::for_each: the limit must be at least 1");
    return detail::run_for_each<Range, Function>(std::forward<Range>(range), limit,
                                                 std::move(function));
}

} // namespace weir
