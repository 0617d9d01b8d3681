#pragma once

#include <weir/flow/detail/stage/range_source.hpp>
#include <weir/flow/result_stream.hpp>
#include <weir/flow/stage_options.hpp>
#include <weir/sync/limit.hpp>

#include <utility>

namespace weir {

/// Calls `function` for each item of a range and gives the results as a stream:
/// `auto pages = map(urls, 8, fetch); while (auto page = co_await pages.next())`.
///
/// Shape: one result an item, in the order of the range or as completed. A sliding window: the
///        range is pulled lazily, an item only when it fits into the window beside the calls under
///        way and the results nobody has taken yet, so that one that takes long holds back the
///        others but never makes memory grow. It may be endless, or an input range (whose items are
///        moved out). `function(item)` returns an awaitable, or anything else and is called in
///        place; for nothing at all the result is `std::monostate`. Results move; they need not
///        copy nor have a default.
/// Units: `window` in items, from 1 or `unlimited`; throws `std::invalid_argument` for `paused`. No default: it is what
///        the other side can bear. The order is kept by default, for that is what people expect who
///        have written a loop before.
/// Errors: the first one ends it, after the results before it: see `result_stream`.
/// Cancellation: see `result_stream`.
///
/// A result that holds a permit keeps it until it is taken. With such results a consumer that
/// acquires from the same semaphore may wait for ever: give permits back in `function`. (What
/// `function` acquires and gives back itself is safe: calls go on while the consumer does
/// something else.)
template <class Range, class Function>
auto map(Range&& range, limit window, Function function, order o = order::kept)
{
    detail::range_source<Range> source(std::forward<Range>(range));
    return detail::make_stage<false>(std::move(source), window, std::move(function),
                                     stage_options().order(o));
}

/// As `map`, but an error is a result like others: a stream of `outcome`, one for each item, with
/// the item's number from 1 as `id`. Nothing but cancelling stops it (or an error of the range).
template <class Range, class Function>
auto map_outcomes(Range&& range, limit window, Function function, order o = order::kept)
{
    detail::range_source<Range> source(std::forward<Range>(range));
    return detail::make_stage<true>(std::move(source), window, std::move(function),
                                    stage_options().order(o));
}

} // namespace weir
