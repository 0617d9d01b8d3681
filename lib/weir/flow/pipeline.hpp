#pragma once

#include <weir/flow/detail/stage/channel_source.hpp>
#include <weir/flow/detail/stage/range_source.hpp>
#include <weir/flow/result_stream.hpp>
#include <weir/flow/stage_options.hpp>
#include <weir/sync/limit.hpp>

#include <utility>

namespace weir {

/// The start of a pipeline: what goes into its first stage.
template <class Source>
class [[nodiscard]] pipeline_start {
public:
    explicit pipeline_start(Source source) : source_(std::move(source)) {}

    /// The first stage. The result has `then` too, and is taken with `next` or `for_each`.
    template <class Function>
    auto then(weir::limit limit, Function function,
              const stage_options& options = stage_options()) &&
    {
        return detail::make_stage<false>(std::move(source_), limit, std::move(function), options);
    }

private:
    Source source_;
};

/// Stages in a row, each with its own limit:
/// `co_await pipeline(urls).then(8, fetch).then(2, parse).for_each(store)`.
///
/// Shape: each stage pulls from the one before as `map` pulls from its range, and runs ahead as far
///        as its limit allows: what is between two stages is bounded, and a slow one slows down
///        those before it. Each keeps the order, or not (`stage_options`).
///        Closing flows down: when the source has ended, each stage finishes what it has, and then
///        the next. Cancelling flows up: when a stage fails, or whoever takes the results goes
///        away, the stages before are cancelled.
/// Units: `limit` from 1, or `unlimited`: calls under way and results that wait, together.
/// Errors: the first one, once, after the results before it: see `result_stream`. What became of
///         every item `result_stream::counts` tells, stage for stage.
/// Cancellation: see `result_stream`.
template <class Range>
auto pipeline(Range&& range)
{
    using source = detail::range_source<Range>;
    return pipeline_start<source>(source(std::forward<Range>(range)));
}

/// The same from a channel, to the end of its stream. What is not pulled stays in the channel.
///
/// Lifetime: the channel lives until the pipeline has ended.
template <class T, class Executor>
auto pipeline(channel<T, Executor>& from)
{
    using source = detail::channel_source<channel<T, Executor>>;
    return pipeline_start<source>(source(from));
}

} // namespace weir
