#include <weir/flow/detail/pool/pool_state.hpp>
#include <weir/flow/detail/pool/stuck_watch.hpp>
#include <weir/flow/pool_options.hpp>

// Which jobs count as stuck. A part of `pool_state`, in a file of its own: a program that does not
// ask for it links neither this nor the thread that watches.

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace weir {
namespace detail {

std::shared_ptr<void> pool_state::watch_for_stuck_jobs(pool_state& state)
{
    const auto running = [&state] {
        std::vector<overdue_rule::running> jobs;
        const auto look = [&jobs](const worker& w) {
            if (w.watched() == nullptr)
                return;
            if (const watched_job::sight job = w.watched()->look(); job.id != 0)
                jobs.push_back({job.id, job.since, w.watched()->name()});
        };
        std::lock_guard lock(state.mutex_);
        state.residents_.for_each(look);
        state.temporaries_.for_each(look);
        return jobs;
    };
    const auto report = [&state](const overdue_rule::running& job, duration age) {
        state.accounts_.found_stuck();
        state.options_.on_stuck()({job.id, job.name, age});
    };
    const duration limit =
        saturating_add(time_point(state.options_.timeout()), state.options_.grace())
            .time_since_epoch();
    return std::make_shared<stuck_watch>(limit, running, report);
}

} // namespace detail

pool_options& pool_options::on_stuck(std::function<void(const stuck_job&)> report)
{
    on_stuck_ = std::move(report);
    watch_ = on_stuck_ ? detail::pool_state::watch_for_stuck_jobs : nullptr;
    return *this;
}

} // namespace weir
