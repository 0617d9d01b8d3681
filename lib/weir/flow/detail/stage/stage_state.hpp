#pragma once

#include <weir/flow/detail/stage/parking.hpp>
#include <weir/flow/stage_options.hpp>
#include <weir/run/cancel.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <list>
#include <memory>

namespace weir::detail {

/// The part of a stage that does not depend on types: its pullers, its progress, and how it ends.
///
/// A puller is a coroutine that pulls an item, calls the function and delivers the result, again
/// and again while there is room; without room it parks. At most one more puller at a time is
/// started or woken, and it looks for an item only when it runs. Where calls end at once, the first
/// puller has done all the work by then; where calls wait, the other pullers follow one by one.
///
/// Threads: all on one serial executor.
class stage_state {
public:
    stage_state(limit limit, const stage_options& options);
    stage_state(const stage_state&) = delete;
    stage_state& operator=(const stage_state&) = delete;

    stage_counts counts() const noexcept
    {
        return {entered_, delivered_, failed_, dropped_, reason_};
    }

protected:
    static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();

    struct puller {
        boost::asio::cancellation_signal signal;
        std::uint64_t number = none; // of the item in its call; none: between two items
        bool running = false;        // the signal reaches a coroutine that exists
        bool to_cancel = false;
        std::list<std::shared_ptr<puller>>::iterator place;
    };

    /// Marks a puller as running until its coroutine ends or its context destroys it.
    class running_guard {
    public:
        running_guard(stage_state& stage, puller& p) : stage_(stage), puller_(p)
        {
            p.running = true;
        }
        running_guard(const running_guard&) = delete;
        running_guard& operator=(const running_guard&) = delete;
        ~running_guard() { stage_.puller_ended(puller_); }

    private:
        stage_state& stage_;
        puller& puller_;
    };

    /// Marks the source as busy while one puller waits for its next item, whatever ends the wait.
    class pulling_guard {
    public:
        explicit pulling_guard(stage_state& stage) : stage_(stage) { stage_.pulling_ = true; }
        pulling_guard(const pulling_guard&) = delete;
        pulling_guard& operator=(const pulling_guard&) = delete;
        ~pulling_guard() { stage_.pulling_ = false; }

    private:
        stage_state& stage_;
    };

    ~stage_state() = default;

    /// Nothing is pulled any more.
    bool is_over() const noexcept { return stopped_ || error_ || ended_; }
    /// Nothing is delivered any more.
    bool is_settled() const noexcept
    {
        return stopped_ || delivered_ == error_at_ || (ended_ && delivered_ == entered_);
    }
    bool may_pull() const noexcept
    {
        return !is_over() && !pulling_ && entered_ - delivered_ < window_;
    }
    bool wants_puller() const noexcept
    {
        return !puller_coming_ && may_pull() && (live_ < limit_ || !idle_.empty());
    }
    /// The result of the call for this item is no longer wanted.
    bool is_dropped(std::uint64_t number) const noexcept
    {
        return stopped_ || (error_ && !(ordered_ && number < error_at_));
    }

    std::shared_ptr<puller> add_puller();
    /// Its coroutine could not be made.
    void remove_puller(puller& p) noexcept { puller_ended(p); }
    void source_ended();
    /// After the error of item `number`: cancels each call whose result is no longer wanted, and
    /// the puller that waits for an item.
    void cancel_after(std::uint64_t number);
    void cancel_all();

    const std::size_t limit_;
    const std::size_t window_;
    const bool ordered_;
    bool ended_ = false;         // the source has no more items
    bool stopped_ = false;       // nothing more is delivered, and running calls were cancelled
    bool pulling_ = false;       // a puller waits for an item: one at a time, to keep the order
    bool puller_coming_ = false; // one was started or woken, and has not run yet
    cancel_reason reason_ = cancel_reason::none;
    std::size_t live_ = 0; // pullers
    std::uint64_t entered_ = 0;
    std::uint64_t finished_ = 0; // as completed, results are numbered as they come
    std::uint64_t delivered_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t error_at_ = none; // the number of the first result that there will not be
    std::exception_ptr error_;
    parking idle_;     // pullers without room
    parking consumer_; // waits for a result, or for the last puller to end

private:
    void puller_ended(puller& p) noexcept;
    template <class Which>
    void cancel(Which which);

    // Shared with their coroutines. One whose coroutine never begins stays until the stage ends.
    std::list<std::shared_ptr<puller>> pullers_;
};

} // namespace weir::detail
