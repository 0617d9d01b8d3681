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

/// The part of a stage that does not depend on types: who works, how far it is, and how it ends.
///
/// Workers pull an item, call and deliver, again and again, while there is room; one that finds
/// none parks. At most one helper at a time is started or woken, and looks for work when it runs:
/// where calls end at once the first worker has done it all by then, and where they wait the others
/// follow one by one.
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

    struct worker {
        boost::asio::cancellation_signal signal;
        std::uint64_t number = none; // of the item it is at; none: between two
        bool running = false;        // the signal reaches a coroutine that exists
        std::list<std::shared_ptr<worker>>::iterator place;
    };

    /// Says that a worker runs, also when its context destroys it.
    class presence {
    public:
        presence(stage_state& stage, worker& w) : stage_(stage), worker_(w) { w.running = true; }
        presence(const presence&) = delete;
        presence& operator=(const presence&) = delete;
        ~presence() { stage_.left(worker_); }

    private:
        stage_state& stage_;
        worker& worker_;
    };

    /// Says that a worker is at the source, whatever ends that.
    class at_source {
    public:
        explicit at_source(stage_state& stage) : stage_(stage) { stage_.pulling_ = true; }
        at_source(const at_source&) = delete;
        at_source& operator=(const at_source&) = delete;
        ~at_source() { stage_.pulling_ = false; }

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
    bool wants_helper() const noexcept
    {
        return !helper_coming_ && may_pull() && (live_ < limit_ || !idle_.empty());
    }
    /// The outcome of the call for this item is nobody's any more.
    bool is_dropped(std::uint64_t number) const noexcept
    {
        return stopped_ || (error_ && !(ordered_ && number < error_at_));
    }

    std::shared_ptr<worker> enter();
    void end_of_source();
    /// Cancels the calls that do not come before `number` in what is delivered, and who waits for
    /// an item.
    void cancel_after(std::uint64_t number);
    void cancel_all();

    const std::size_t limit_;
    const std::size_t window_;
    const bool ordered_;
    bool ended_ = false;         // the source has
    bool stopped_ = false;       // nothing more is delivered, and what was under way is cancelled
    bool pulling_ = false;       // a worker is at the source: one at a time, so that order is kept
    bool helper_coming_ = false; // started or woken, and has not run yet
    cancel_reason reason_ = cancel_reason::none;
    std::size_t live_ = 0; // workers
    std::uint64_t entered_ = 0;
    std::uint64_t finished_ = 0; // as completed: results are numbered as they come
    std::uint64_t delivered_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t error_at_ = none; // the number of the first result that is not to be had
    std::exception_ptr error_;
    parking idle_;
    parking consumer_; // waits for a result, or for the last worker to leave

private:
    void left(worker& w) noexcept;
    template <class Which>
    void cancel(Which which);

    std::list<std::shared_ptr<worker>> workers_;
};

} // namespace weir::detail
