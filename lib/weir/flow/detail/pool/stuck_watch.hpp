#pragma once

#include <weir/duration.hpp>
#include <weir/flow/outcome.hpp>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace weir::detail {

/// Which jobs are past their time and were not reported yet. A pure rule.
class overdue_rule {
public:
    struct running {
        job_id id;
        time_point since;
        std::string name;
    };

    explicit overdue_rule(duration allowed) : allowed_(allowed) {}

    /// Gives each overdue job once.
    std::vector<running> look(time_point now, const std::vector<running>& jobs);

private:
    duration allowed_;
    std::set<job_id> reported_; // among the jobs that were running at the last look
};

/// A thread that looks at the running jobs, and reports those past their time. It has to be a
/// thread of its own: a blocked thread cannot report itself.
class stuck_watch {
public:
    using look = std::function<std::vector<overdue_rule::running>()>;
    using tell = std::function<void(const overdue_rule::running&, duration age)>;

    /// Looks four times per `allowed`, but at least once a second and at most once a millisecond.
    stuck_watch(duration allowed, look list_running, tell report);
    stuck_watch(const stuck_watch&) = delete;
    stuck_watch& operator=(const stuck_watch&) = delete;
    ~stuck_watch();

private:
    void run();

    const duration allowed_;
    const look look_;
    const tell tell_;
    overdue_rule rule_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false;
    std::thread thread_;
};

} // namespace weir::detail
