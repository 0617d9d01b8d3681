#pragma once

#include <weir/detail/executor_hook.hpp>
#include <weir/duration.hpp>
#include <weir/flow/job_id.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

namespace weir::detail {

/// What a watcher on another thread may see of a worker: which job it runs, since when, and whether
/// that is on the thread now. As the hook of the worker's executor it hears when the worker's
/// coroutine goes on, and when it suspends.
class watched_job final : public executor_hook {
public:
    struct sight {
        job_id id = 0;
        time_point since;
        bool on_thread = false;
    };

    /// `always`: jobs never suspend, and no executor has to say that they are on the thread.
    explicit watched_job(bool always) noexcept : inside_(always ? 1 : 0) {}

    void enters() noexcept override { inside_.fetch_add(1, std::memory_order_relaxed); }
    void leaves() noexcept override { inside_.fetch_sub(1, std::memory_order_relaxed); }
    bool is_serial() const noexcept override { return true; }

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
        const bool on_thread = inside_.load(std::memory_order_relaxed) != 0;
        return {id_.load(std::memory_order_relaxed) == id ? id : 0, since, on_thread};
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
    std::atomic<unsigned> inside_;
    std::atomic<job_id> id_{0};
    std::atomic<duration::rep> since_{0};
    mutable std::mutex mutex_;
    std::string name_;
};

} // namespace weir::detail
