#pragma once

#include <weir/flow/detail/stage/channel_source.hpp>
#include <weir/flow/detail/stage/range_source.hpp>
#include <weir/flow/result_stream.hpp>
#include <weir/flow/stage_options.hpp>
#include <weir/sync/limit.hpp>

#include <utility>

namespace weir {

/// The start of a pipeline: the source of its first stage.
template <class Source>
class [[nodiscard]] pipeline_start {
public:
    explicit pipeline_start(Source source) : source_(std::move(source)) {}

    /// Adds the first stage. Take the results with `next` or `for_each`, or add stages with `then`.
    template <class Function>
    auto then(weir::limit limit, Function function,
              const stage_options& options = stage_options()) &&
    {
        return detail::make_stage<false>(std::move(source_), limit, std::move(function), options);
    }

private:
    Source source_;
};

/// Passes items through several stages, each with its own limit:
/// `co_await pipeline(urls).then(8, fetch).then(2, parse).for_each(store)`.
///
/// Shape: each stage pulls from the one before as `map` pulls from its range, and runs ahead as far
///        as its limit allows. So what waits between two stages is bounded, and a slow stage slows
///        down those before it. Each stage keeps the order or does not (`stage_options`). The end
///        flows down: when the source has ended, each stage finishes its items, then the next one
///        ends. Cancellation flows up: when a stage fails, or the consumer of the results goes
///        away, the stages before are cancelled.
/// Units: `limit` from 1, or `unlimited`; it counts running calls and waiting results together.
///        `then` throws `std::invalid_argument` for `paused`.
/// Errors: the first error, once, after the results before it: see `result_stream`.
///         `result_stream::counts` says what became of the items of each stage.
/// Cancellation: see `result_stream`.
/// Lifetime: see `result_stream`.
/// Memory: see `result_stream`, for each stage.
template <class Range>
auto pipeline(Range&& range)
{
    using source = detail::range_source<Range>;
    return pipeline_start<source>(source(std::forward<Range>(range)));
}

/// The same with the values of a channel, until its end of stream. What is not pulled stays in the
/// channel.
///
/// Lifetime: the channel must live until the pipeline has ended.
template <class T, class Executor>
auto pipeline(channel<T, Executor>& from)
{
    using source = detail::channel_source<channel<T, Executor>>;
    return pipeline_start<source>(source(from));
}

} // namespace weir
