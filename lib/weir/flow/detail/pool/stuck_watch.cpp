#include <weir/flow/detail/pool/stuck_watch.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace weir::detail {

std::vector<overdue_rule::running> overdue_rule::look(time_point now,
                                                      const std::vector<running>& jobs)
{
    std::vector<running> overdue;
    std::set<job_id> seen;
    for (const running& job : jobs)
        if (now - job.since >= allowed_) {
            if (!reported_.contains(job.id))
                overdue.push_back(job);
            seen.insert(job.id);
        }
    reported_ = std::move(seen);
    return overdue;
}

stuck_watch::stuck_watch(duration allowed, look list_running, tell report)
    : allowed_(allowed), look_(std::move(list_running)), tell_(std::move(report)), rule_(allowed),
      thread_([this] { run(); })
{
}

stuck_watch::~stuck_watch()
{
    {
        std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void stuck_watch::run()
{
    const duration shortest = std::chrono::milliseconds(1);
    const duration longest = std::chrono::seconds(1);
    const duration pause = std::clamp<duration>(allowed_ / 4, shortest, longest);
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, pause, [this] { return over_; })) {
        lock.unlock();
        const time_point now = std::chrono::steady_clock::now();
        for (const overdue_rule::running& job : rule_.look(now, look_()))
            tell_(job, now - job.since);
        lock.lock();
    }
}

} // namespace weir::detail
