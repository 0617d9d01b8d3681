#pragma once

#include <weir/flow/detail/stage/range_source.hpp>
#include <weir/flow/result_stream.hpp>
#include <weir/flow/stage_options.hpp>
#include <weir/sync/limit.hpp>

#include <utility>

namespace weir {

/// Calls `function` for each item of a range, several at a time, and gives the results as a stream:
/// `auto pages = map(urls, 8, fetch); while (auto page = co_await pages.next())`.
///
/// Shape: one result per item, in the order of the range or as completed. The window slides: an
///        item is pulled only when it fits into the limit beside the running calls and the
///        results that wait to be taken. So a call that takes long holds the others back, and
///        memory never grows. The range may be endless, or an input range (whose items are moved
///        out). `function(item)` returns an awaitable, or anything else and is then called in
///        place; where it returns nothing, the result is `std::monostate`. Results move; they need
///        no copy and no default.
/// Units: `limit` counts running calls and results not yet taken, together; from 1, or
///        `unlimited`. Throws `std::invalid_argument` for `paused`.
///        There is no default: what the other side can bear is yours to say. The default order is
///        `order::kept`: it is what a loop does.
/// Errors: the first error ends the stream, after the results before it: see `result_stream`.
/// Cancellation: see `result_stream`.
/// Lifetime: a result that holds a permit keeps it until the result is taken. If the consumer
///           acquires from the same semaphore, it may then wait forever: release permits inside
///           `function`. (What `function` acquires and releases itself is safe: calls go on while
///           the consumer does something else.) For the rest, see `result_stream`.
/// Memory: see `result_stream`.
template <class Range, class Function>
auto map(Range&& range, weir::limit limit, Function function, order o = order::kept)
{
    detail::range_source<Range> source(std::forward<Range>(range));
    return detail::make_stage<false>(std::move(source), limit, std::move(function),
                                     stage_options().order(o));
}

/// As `map`, but an error is a result like any other: gives one `outcome` per item, whose `id` is
/// the number of the item, from 1.
///
/// Errors: an error of the range ends the stream; an error of a call is in its outcome.
template <class Range, class Function>
auto map_outcomes(Range&& range, weir::limit limit, Function function, order o = order::kept)
{
    detail::range_source<Range> source(std::forward<Range>(range));
    return detail::make_stage<true>(std::move(source), limit, std::move(function),
                                    stage_options().order(o));
}

} // namespace weir
