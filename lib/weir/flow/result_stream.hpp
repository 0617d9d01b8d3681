#pragma once

#include <weir/detail/uninterrupted.hpp>
#include <weir/flow/detail/stage/called_stage.hpp>
#include <weir/flow/detail/stage/range_source.hpp>
#include <weir/flow/stage_options.hpp>
#include <weir/run/cancel.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

namespace detail {

template <class Stage>
class stage_source;

} // namespace detail

/// The results of `map` and of a `pipeline`, taken one at a time:
/// `while (auto result = co_await results.next())`.
///
/// Shape: nothing is pulled before the first result is asked for. From then on calls run ahead of
///        the consumer, the coroutine that takes the results, as far as the limit allows. A
///        function that returns no awaitable is called when its result is asked for.
/// Errors: `next` throws the first error once, when all calls have ended; after it comes the end.
///         The error stops the pulling and cancels the stages before, and the calls whose results
///         would come after it. With `order::kept` the results of all earlier items come before
///         the error, with `order::as_completed` the results that were ready.
/// Cancellation: cancelling `next` cancels all calls, waits until they have ended, and throws
///               `operation_aborted`. If a result is ready, `next` returns it.
/// Handler: everything runs on the executor of the coroutine that asks. To use other threads, let
///          the function await the result of a pool or of a lane.
/// Threads: none of its own. That executor must be serial: one thread or a strand.
/// Lifetime: destroying the stream cancels the running calls but does not wait for them; what they
///           refer to must live until they have ended. `for_each` and `stop` wait. An lvalue range
///           must live until the end; the stream keeps an rvalue range and the function.
/// Memory: one coroutine per running call, and one place per waiting result. Items not pulled yet
///         cost nothing.
template <class Stage>
class [[nodiscard]] result_stream {
public:
    using value_type = typename Stage::result_type;

    explicit result_stream(std::shared_ptr<Stage> stage) : stage_(std::move(stage)) {}
    result_stream(result_stream&&) noexcept = default;
    result_stream& operator=(result_stream&& other) noexcept
    {
        std::swap(stage_, other.stage_);
        return *this;
    }
    ~result_stream()
    {
        if (stage_)
            stage_->stop(cancel_reason::requested);
    }

    /// The next result; empty at the end.
    ///
    /// Threads: one call at a time.
    boost::asio::awaitable<std::optional<value_type>> next() { return Stage::next(stage_); }

    /// Takes every result: calls `sink(result)` for one after another and awaits what it returns if
    /// that is an awaitable. All calls have ended when `for_each` ends, also when a call or the
    /// sink throws, and when it is cancelled.
    template <class Sink>
    boost::asio::awaitable<void> for_each(Sink sink) &
    {
        return drain(stage_, std::move(sink));
    }
    template <class Sink>
    boost::asio::awaitable<void> for_each(Sink sink) &&
    {
        return drain_own(std::move(*this), std::move(sink));
    }

    /// The same with up to `limit` calls of the sink at a time, in the order of completion.
    template <class Sink>
    boost::asio::awaitable<void> for_each(weir::limit limit, Sink sink) &&;

    /// Cancels the running calls, drops the results that wait, and waits until all calls have
    /// ended. After it, `next` gives the end.
    boost::asio::awaitable<void> stop(cancel_reason reason = cancel_reason::requested)
    {
        return detail::uninterrupted(end(stage_, reason));
    }

    /// Adds a stage that calls `function` for each result of this one, `limit` at a time. The new
    /// stream owns this one.
    template <class Function>
    auto then(weir::limit limit, Function function,
              const stage_options& options = stage_options()) &&;

    /// The counts of every stage, first to last.
    std::vector<stage_counts> counts() const
    {
        std::vector<stage_counts> all;
        stage_->append_counts(all);
        return all;
    }

private:
    friend class detail::stage_source<Stage>;

    template <class Sink>
    static boost::asio::awaitable<void> drain(std::shared_ptr<Stage> stage, Sink sink);
    // For a temporary, which is gone before the awaitable starts.
    template <class Sink>
    static boost::asio::awaitable<void> drain_own(result_stream own, Sink sink)
    {
        co_await drain(own.stage_, std::move(sink));
    }
    static boost::asio::awaitable<void> end(std::shared_ptr<Stage> stage, cancel_reason reason);

    std::shared_ptr<Stage> stage_;
};

// -------------------------------------------------------------------------------------------------

namespace detail {

/// A stage as the source of the next one.
template <class Stage>
class stage_source {
public:
    static constexpr bool pulls_at_once = false;
    using item_type = typename Stage::result_type;

    explicit stage_source(result_stream<Stage>&& stream) : stage_(std::move(stream.stage_)) {}

    boost::asio::awaitable<std::optional<item_type>> next() { return Stage::next(stage_); }
    void stop(cancel_reason reason) { stage_->stop(reason); }
    boost::asio::awaitable<void> join() { return Stage::join(stage_); }
    void append_counts(std::vector<stage_counts>& all) const { stage_->append_counts(all); }

private:
    std::shared_ptr<Stage> stage_;
};

template <bool Collects, class Source, class Function>
auto make_stage(Source source, weir::limit limit, Function function, const stage_options& options)
{
    using made = stage_for<Source, Function, Collects>;
    if (limit.is_paused())
        throw std::invalid_argument(
            "weir: a stage with a paused limit never gives a result: use a limit of 1 or more");
    return result_stream<made>(
        std::make_shared<made>(std::move(source), limit, std::move(function), options));
}

} // namespace detail

template <class Stage>
template <class Function>
auto result_stream<Stage>::then(weir::limit limit, Function function,
                                const stage_options& options) &&
{
    detail::stage_source<Stage> before(std::move(*this));
    return detail::make_stage<false>(std::move(before), limit, std::move(function), options);
}

template <class Stage>
template <class Sink>
boost::asio::awaitable<void> result_stream<Stage>::for_each(weir::limit limit, Sink sink) &&
{
    const stage_options options = stage_options().order(order::as_completed);
    const auto nothing = [](std::monostate) {};
    return std::move(*this).then(limit, std::move(sink), options).for_each(nothing);
}

template <class Stage>
boost::asio::awaitable<void> result_stream<Stage>::end(std::shared_ptr<Stage> stage,
                                                       cancel_reason reason)
{
    stage->stop(reason);
    co_await Stage::join(stage);
}

template <class Stage>
template <class Sink>
boost::asio::awaitable<void> result_stream<Stage>::drain(std::shared_ptr<Stage> stage, Sink sink)
{
    std::exception_ptr error;
    try {
        while (auto result = co_await Stage::next(stage)) {
            if constexpr (detail::is_awaitable<std::invoke_result_t<Sink&, value_type>>) {
                auto operation = sink(std::move(*result));
                co_await std::move(operation);
            } else {
                sink(std::move(*result));
            }
        }
    } catch (...) {
        error = std::current_exception();
    }
    if (!error)
        co_return;
    // Not `uninterrupted`: a coroutine that was cancelled would throw where it awaits that, and
    // leave the calls running.
    const bool throwing = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await end(stage, cancel_reason::sibling_failed);
    co_await boost::asio::this_coro::throw_if_cancelled(throwing);
    std::rethrow_exception(error);
}

} // namespace weir
