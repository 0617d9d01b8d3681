#pragma once

#include <weir/detail/time_service.hpp>
#include <weir/detail/turn.hpp>
#include <weir/error.hpp>
#include <weir/flow/detail/stage/result_window.hpp>
#include <weir/flow/detail/stage/stage_call.hpp>
#include <weir/flow/detail/stage/stage_item.hpp>
#include <weir/flow/detail/stage/stage_state.hpp>
#include <weir/flow/stage_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace weir::detail {

/// A stage whose calls suspend: its pullers run ahead of the consumer, the coroutine that takes the
/// results.
///
/// Lifetime: shared by its pullers and its stream. When the stream is destroyed in the middle, the
///           stage lives until the last call has ended.
template <class Source, class Function, bool Collects>
class stage : public stage_state {
    using call = stage_call<Source, Function, Collects>;
    using item_type = typename Source::item_type;
    using maybe_item = std::optional<stage_item<item_type>>;

public:
    using result_type = typename call::result_type;
    using pointer = std::shared_ptr<stage>;

    stage(Source source, limit limit, Function function, const stage_options& options)
        : stage_state(limit, options), source_(std::move(source)), function_(std::move(function))
    {
    }

    /// The next result; empty at the end. Throws the first error in its place among the results,
    /// and `operation_aborted` when cancelled. In these three cases every call has ended.
    static boost::asio::awaitable<std::optional<result_type>> next(pointer s)
    {
        if (!s->has_result()) {
            const bool has_one = co_await wait(s);
            if (!has_one)
                co_return std::nullopt;
        }
        std::optional<result_type> taken(s->results_.take(s->delivered_++));
        if (s->wants_puller()) {
            const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
            try {
                s->send_puller(s, executor);
            } catch (const std::bad_alloc&) { // the next wait tries again
            }
        }
        co_return taken;
    }

    /// Cancels the running calls and drops the results that wait, here and in the stages before.
    void stop(cancel_reason reason)
    {
        if (stopped_)
            return;
        stopped_ = true;
        if (reason_ == cancel_reason::none && !(ended_ && delivered_ == entered_))
            reason_ = reason;
        dropped_ += results_.drop(delivered_, ordered_ ? entered_ : finished_);
        source_.stop(reason);
        cancel_all();
    }

    /// Waits until every call has ended, here and in the stages before.
    /// Precondition: stopped, and the calling coroutine has `throw_if_cancelled(false)`.
    static boost::asio::awaitable<void> join(pointer s)
    {
        const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
        while (s->live_ != 0)
            co_await s->consumer_.async_park(executor,
                                             boost::asio::as_tuple(boost::asio::use_awaitable));
        if constexpr (!Source::pulls_at_once)
            co_await s->source_.join();
    }

    void append_counts(std::vector<stage_counts>& all) const
    {
        source_.append_counts(all);
        all.push_back(counts());
    }

private:
    bool has_result() const noexcept { return results_.has(delivered_); }

    static boost::asio::awaitable<bool> wait(pointer s);
    static boost::asio::awaitable<void> pull(pointer s, std::shared_ptr<puller> me);

    /// One more puller, if there may be an item for it.
    void grow(const pointer& s, const boost::asio::any_io_executor& executor)
    {
        if (wants_puller())
            send_puller(s, executor);
    }

    void send_puller(const pointer& s, const boost::asio::any_io_executor& executor)
    {
        if (idle_.wake_one()) {
            puller_coming_ = true;
            return;
        }
        auto p = add_puller();
        std::optional<boost::asio::awaitable<void>> pulling;
        try {
            pulling.emplace(pull(s, p));
        } catch (...) {
            remove_puller(*p);
            throw;
        }
        puller_coming_ = true;
        auto on_end = [s](std::exception_ptr error) {
            if (error) // out of memory, outside any call
                s->fail(s->entered_, std::move(error));
        };
        boost::asio::co_spawn(
            executor, std::move(*pulling),
            boost::asio::bind_cancellation_slot(p->signal.slot(), std::move(on_end)));
    }

    void take_in(puller& me)
    {
        results_.reach(delivered_, entered_);
        me.number = entered_++;
    }

    /// Before the call for an item; there may be room for one more puller. False: there was no
    /// item, and the source has ended.
    bool begin_call(const pointer& s, bool has_item, const boost::asio::any_io_executor& executor)
    {
        if (!has_item) {
            source_ended();
            return false;
        }
        if (is_over()) // since the item was asked for
            throw system_error(boost::asio::error::operation_aborted);
        grow(s, executor);
        return true;
    }

    /// After the call for an item, or after the source has failed.
    void end_call(puller& me, std::exception_ptr error)
    {
        const std::uint64_t number = me.number == none ? entered_ : me.number;
        me.number = none;
        if (error)
            fail(number, std::move(error));
    }

    void finish(std::uint64_t number, result_type&& result) noexcept
    {
        if (is_dropped(number)) {
            ++dropped_;
            return;
        }
        const std::uint64_t place = ordered_ ? number : finished_++;
        results_.put(place, std::move(result));
        if (place == delivered_)
            consumer_.wake_all();
    }

    /// `number` is that of an item, or of the next one when the source has failed.
    void fail(std::uint64_t number, std::exception_ptr error)
    {
        const bool entered = number < entered_;
        if (is_dropped(number)) {
            dropped_ += entered ? 1 : 0;
            return;
        }
        if (entered && Collects)
            return finish(number, call::failed(number, std::move(error)));
        failed_ += entered ? 1 : 0;
        error_ = std::move(error);
        error_at_ = ordered_ ? number : finished_;
        reason_ = cancel_reason::sibling_failed;
        source_.stop(reason_);
        cancel_after(number);
    }

    Source source_;
    Function function_;
    result_window<result_type> results_;
};

// -------------------------------------------------------------------------------------------------

template <class Source, class Function, bool Collects>
boost::asio::awaitable<bool> stage<Source, Function, Collects>::wait(pointer s)
{
    namespace asio = boost::asio;
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const bool throwing = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    // The request may have come before there was anything to cancel.
    const auto asked = co_await asio::this_coro::cancellation_state;
    bool cancelled = throwing && asked.cancelled() != asio::cancellation_type::none;
    while (!cancelled && !s->has_result() && !s->is_settled()) {
        s->grow(s, executor);
        const auto parked =
            co_await s->consumer_.async_park(executor, asio::as_tuple(asio::use_awaitable));
        cancelled = static_cast<bool>(std::get<0>(parked));
    }
    if (!cancelled && s->has_result()) {
        co_await asio::this_coro::throw_if_cancelled(throwing);
        co_return true;
    }
    const bool finished_before = s->stopped_;
    s->stop(cancel_reason::requested);
    co_await join(s);
    co_await asio::this_coro::throw_if_cancelled(throwing);
    if (s->error_ && !finished_before)
        std::rethrow_exception(s->error_);
    if (cancelled)
        throw system_error(asio::error::operation_aborted);
    co_return false;
}

template <class Source, class Function, bool Collects>
boost::asio::awaitable<void> stage<Source, Function, Collects>::pull(pointer s,
                                                                     std::shared_ptr<puller> me)
{
    namespace asio = boost::asio;
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    // It was spawned inside another puller, or inside the consumer: it goes on after them.
    co_await asio::post(executor, asio::use_awaitable);
    const running_guard running(*s, *me);
    const time_service& clock = time_service::of(executor);
    turn my_turn(clock);
    s->puller_coming_ = false;
    while (!s->is_over()) {
        if (!s->may_pull()) {
            co_await s->idle_.async_park(executor, asio::as_tuple(asio::use_awaitable));
            s->puller_coming_ = false;
            my_turn.begin(clock);
            continue;
        }
        std::exception_ptr error;
        try {
            maybe_item item;
            if constexpr (Source::pulls_at_once) {
                pull_at_once(s->source_, item, [&] { s->take_in(*me); });
            } else {
                const pulling_guard only_one(*s);
                item = co_await s->source_.next();
                if (item)
                    s->take_in(*me);
            }
            if (!s->begin_call(s, item.has_value(), executor))
                break;
            auto operation = s->function_(static_cast<item_type&&>(*item));
            if constexpr (call::is_void) {
                co_await std::move(operation);
                s->finish(me->number, call::succeeded(me->number, std::monostate()));
            } else {
                auto value = co_await std::move(operation);
                s->finish(me->number, call::succeeded(me->number, std::move(value)));
            }
        } catch (...) {
            error = std::current_exception();
        }
        s->end_call(*me, std::move(error));
        // What a call did to its cancellation state ends with the call.
        co_await asio::this_coro::reset_cancellation_state();
        co_await asio::this_coro::throw_if_cancelled(true);
        if (!s->is_over() && my_turn.is_over(clock)) {
            co_await asio::post(executor, asio::use_awaitable);
            my_turn.begin(clock);
        }
    }
}

} // namespace weir::detail
