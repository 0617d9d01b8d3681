#pragma once

#include <weir/duration.hpp>
#include <weir/flow/job_id.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

namespace weir::detail {

/// What a watcher on another thread may see of a worker: which job it runs, and since when.
class watched_job {
public:
    struct sight {
        job_id id = 0;
        time_point since;
    };

    void begin(job_id id, time_point since) noexcept
    {
        since_.store(since.time_since_epoch().count(), std::memory_order_relaxed);
        id_.store(id, std::memory_order_release);
    }
    void end() noexcept { id_.store(0, std::memory_order_release); }

    /// The id is 0 when the worker runs no job, or went on to another one meanwhile.
    sight look() const noexcept
    {
        const job_id id = id_.load(std::memory_order_acquire);
        const time_point since{duration(since_.load(std::memory_order_acquire))};
        return {id_.load(std::memory_order_relaxed) == id ? id : 0, since};
    }

    void set_name(std::string_view name)
    {
        std::lock_guard lock(mutex_);
        name_ = name;
    }
    std::string name() const
    {
        std::lock_guard lock(mutex_);
        return name_;
    }

private:
    std::atomic<job_id> id_{0};
    std::atomic<duration::rep> since_{0};
    mutable std::mutex mutex_;
    std::string name_;
};

} // namespace weir::detail
