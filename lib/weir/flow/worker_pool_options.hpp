#pragma once

#include <weir/time/clock.hpp>

#include <chrono>
#include <cstddef>

namespace weir {

/// How a `worker_pool` is made. Each setter returns the object, so that they may be chained.
class worker_pool_options {
public:
    /// How many jobs run at a time, from 1. No default: for jobs that compute it is about the
    /// number of cores, for jobs that wait it is what the other side can bear.
    /// Throws `std::invalid_argument` for zero.
    explicit worker_pool_options(std::size_t workers);

    /// How many jobs may wait. Default 1,024: deep enough that workers are not kept waiting by a
    /// sender's turn, shallow enough that a burst is felt by who sends it. 0 hands each job from
    /// hand to hand.
    worker_pool_options& queue(std::size_t capacity);

    /// How many outcomes may wait to be received. Default 1,024. When nobody receives them the
    /// workers wait, then the queue fills, then submitters wait: nothing piles up.
    worker_pool_options& results(std::size_t capacity);

    /// Outcomes are counted in the ledger and not delivered: for jobs run for what they do.
    /// `results()` is then closed from the start.
    worker_pool_options& discard_results();

    /// How long a job may run, counted from its start. Default: no limit. Then it is cancelled. For
    /// coroutine jobs: a plain callable cannot be interrupted.
    worker_pool_options& time_out(duration limit);

    /// How long a cancelled job may take to end before it is abandoned. Default one second: long
    /// enough for a connection to be closed in good order, short enough for a shutdown.
    worker_pool_options& grace(duration length);

    std::size_t workers() const noexcept { return workers_; }
    std::size_t queue() const noexcept { return queue_; }
    std::size_t results() const noexcept { return results_; }
    bool discards_results() const noexcept { return discard_results_; }
    duration time_out() const noexcept { return time_out_; }
    duration grace() const noexcept { return grace_; }

private:
    std::size_t workers_;
    std::size_t queue_ = 1024;
    std::size_t results_ = 1024;
    bool discard_results_ = false;
    duration time_out_ = duration::max();
    duration grace_ = std::chrono::seconds(1);
};

} // namespace weir
