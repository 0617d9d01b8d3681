#pragma once

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

/// The results of `map` and of a `pipeline`, to be taken one at a time:
/// `while (auto result = co_await results.next())`.
///
/// Shape: nothing is pulled before the first is asked for; from then on calls run ahead of whoever
///        takes the results, as far as the limit allows. A function that returns no awaitable is
///        called when its result is asked for.
/// Errors: the first error is thrown by `next` after the results before it (with `order::kept`
///         exactly after those of the items before; with `order::as_completed` after those that
///         were there). It cancels the calls for the items behind it, the pulling and the stages
///         before. It is thrown when all calls have ended, and once: after it comes the end.
/// Cancellation: a `next` that is cancelled cancels all there is, waits for it, and throws
///               `operation_aborted`. One that has a result already returns it.
/// Handler: everything runs on the executor of the coroutine that asks. For other threads let the
///          function await a pool's or a lane's result.
/// Threads: none of its own; that executor is serial (one thread or a strand).
/// Lifetime: destroyed in the middle it cancels the calls under way, which end by themselves; what
///           they refer to must live until then. `for_each` and `stop` wait for them.
///           An lvalue range must live until the end; an rvalue and the function are kept.
/// Memory: a coroutine a call under way, and a place a result that waits; items that wait have
///         neither.
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

    /// The next result; empty at the end. One at a time.
    boost::asio::awaitable<std::optional<value_type>> next() { return Stage::next(stage_); }

    /// Takes every result: `sink(result)`, which may return an awaitable, is called for one after
    /// another. However it ends, by an error of a call or of the sink or by cancellation, every
    /// call has ended then.
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

    /// The same, for up to `limit` at a time and as they are ready.
    template <class Sink>
    boost::asio::awaitable<void> for_each(weir::limit limit, Sink sink) &&;

    /// Cancels what is under way, drops the results that wait, and waits until all calls have
    /// ended. The stream is at its end then.
    boost::asio::awaitable<void> stop(cancel_reason reason = cancel_reason::requested)
    {
        return stop(stage_, reason);
    }

    /// One more stage: `function` is called for each result of this one, `limit` at a time.
    /// It takes this stream over.
    template <class Function>
    auto then(weir::limit limit, Function function,
              const stage_options& options = stage_options()) &&;

    /// The account of every stage, in their order.
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
    /// For a temporary, which is gone before the awaitable starts.
    template <class Sink>
    static boost::asio::awaitable<void> drain_own(result_stream own, Sink sink)
    {
        co_await drain(own.stage_, std::move(sink));
    }
    static boost::asio::awaitable<void> stop(std::shared_ptr<Stage> stage, cancel_reason reason);

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
            "weir: a stage whose limit is paused would never give a result: use 1 or more");
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
boost::asio::awaitable<void> result_stream<Stage>::stop(std::shared_ptr<Stage> stage,
                                                        cancel_reason reason)
{
    namespace asio = boost::asio;
    stage->stop(reason);
    const bool throwing = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await Stage::join(stage);
    co_await asio::this_coro::throw_if_cancelled(throwing);
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
    // A cancelled coroutine would throw here, and leave the calls under way.
    const bool throwing = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await stop(stage, cancel_reason::sibling_failed);
    co_await boost::asio::this_coro::throw_if_cancelled(throwing);
    std::rethrow_exception(error);
}

} // namespace weir
