#pragma once

#include <weir/detail/time_service.hpp>
#include <weir/detail/turn.hpp>
#include <weir/flow/detail/stage/stage.hpp>
#include <weir/flow/detail/stage/stage_call.hpp>
#include <weir/flow/detail/stage/stage_item.hpp>
#include <weir/flow/stage_options.hpp>
#include <weir/run/cancel.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace weir::detail {

/// A stage whose calls do not suspend: the consumer makes each one when it asks for the result, so
/// nothing runs ahead of it.
template <class Source, class Function, bool Collects>
class called_stage {
    using call = stage_call<Source, Function, Collects>;
    using item_type = typename Source::item_type;
    using maybe_item = std::optional<stage_item<item_type>>;

public:
    using result_type = typename call::result_type;
    using pointer = std::shared_ptr<called_stage>;

    called_stage(Source source, limit, Function function, const stage_options&)
        : source_(std::move(source)), function_(std::move(function))
    {
    }

    /// As `stage::next`.
    static boost::asio::awaitable<std::optional<result_type>> next(pointer s)
    {
        std::optional<result_type> result;
        if (s->stopped_)
            co_return result;
        std::exception_ptr error;
        try {
            if (!s->turn_ || s->turn_->is_over(*s->clock_)) {
                const auto executor = co_await boost::asio::this_coro::executor;
                if (s->turn_)
                    co_await boost::asio::post(executor, boost::asio::use_awaitable);
                s->clock_ = &time_service::of(executor);
                s->turn_.emplace(*s->clock_);
            }
            maybe_item item;
            if constexpr (Source::pulls_at_once)
                pull_at_once(s->source_, item, [] {});
            else
                item = co_await s->source_.next();
            if (item)
                s->call_for(static_cast<item_type&&>(*item), result);
            else
                s->stopped_ = true;
        } catch (...) {
            error = std::current_exception();
        }
        if (error) {
            s->stop(cancel_reason::sibling_failed);
            // Not `uninterrupted`: a coroutine that was cancelled would throw where it awaits that.
            const bool throwing = co_await boost::asio::this_coro::throw_if_cancelled();
            co_await boost::asio::this_coro::throw_if_cancelled(false);
            co_await join(s);
            co_await boost::asio::this_coro::throw_if_cancelled(throwing);
            std::rethrow_exception(error);
        }
        co_return result;
    }

    void stop(cancel_reason reason)
    {
        if (std::exchange(stopped_, true))
            return;
        counts_.reason = reason;
        source_.stop(reason);
    }

    static boost::asio::awaitable<void> join([[maybe_unused]] pointer s)
    {
        if constexpr (!Source::pulls_at_once)
            co_await s->source_.join();
        co_return;
    }

    void append_counts(std::vector<stage_counts>& all) const
    {
        source_.append_counts(all);
        all.push_back(counts_);
    }

private:
    void call_for(item_type&& item, std::optional<result_type>& result)
    {
        const std::uint64_t number = counts_.entered++;
        if (stopped_) { // while the item was awaited
            ++counts_.dropped;
            return;
        }
        try {
            if constexpr (call::is_void) {
                function_(static_cast<item_type&&>(item));
                result.emplace(call::succeeded(number, std::monostate()));
            } else {
                result.emplace(call::succeeded(number, function_(static_cast<item_type&&>(item))));
            }
        } catch (...) {
            if constexpr (!Collects) {
                ++counts_.failed;
                throw;
            } else {
                result.emplace(call::failed(number, std::current_exception()));
            }
        }
        ++counts_.delivered;
    }

    Source source_;
    Function function_;
    stage_counts counts_;
    const time_service* clock_ = nullptr;
    std::optional<turn> turn_;
    bool stopped_ = false; // nothing more is delivered
};

/// The stage for this function.
template <class Source, class Function, bool Collects>
using stage_for =
    std::conditional_t<stage_call<Source, Function, Collects>::suspends,
                       stage<Source, Function, Collects>, called_stage<Source, Function, Collects>>;

} // namespace weir::detail
