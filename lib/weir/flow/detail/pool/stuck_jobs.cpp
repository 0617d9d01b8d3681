#include <weir/detail/hooked_executor.hpp>
#include <weir/flow/detail/pool/pool_state.hpp>
#include <weir/flow/detail/pool/stuck_watch.hpp>
#include <weir/flow/pool_options.hpp>

// Which jobs count as stuck. A part of `pool_state`, in a file of its own: a program that does not
// ask for it links neither this nor the thread that watches.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace weir {
namespace detail {

class stuck_jobs final : public job_watch {
public:
    explicit stuck_jobs(pool_state& state)
        : watch_(
              allowed(state.options_), [&state] { return on_threads(state); },
              [&state](const overdue_rule::running& job, duration age) {
                  state.accounts_.found_stuck();
                  state.options_.on_stuck()({job.id, job.name, age});
              })
    {
    }

    worker_pointer new_worker(pool_state& state, worker::role role,
                              boost::asio::any_io_executor home) override
    {
        const bool always = state.always_on_thread_;
        auto watched = std::make_shared<watched_job>(always);
        if (!always)
            home = hooked_executor(std::move(home), watched);
        worker_pointer made = state.make_worker(role, std::move(home));
        made->let_watch(std::move(watched));
        return made;
    }

private:
    static duration allowed(const pool_options& options)
    {
        return saturating_add(time_point(options.timeout()), options.grace()).time_since_epoch();
    }

    // A job that is suspended blocks no thread, however late it is: what would cancel it waits for
    // the thread, as it does itself.
    static std::vector<overdue_rule::running> on_threads(const pool_state& state)
    {
        std::vector<overdue_rule::running> jobs;
        const auto look = [&jobs](const worker& w) {
            if (w.watched() == nullptr)
                return;
            const watched_job::sight job = w.watched()->look();
            if (job.id != 0 && job.on_thread)
                jobs.push_back({job.id, job.since, w.watched()->name()});
        };
        std::lock_guard lock(state.mutex_);
        state.residents_.for_each(look);
        state.temporaries_.for_each(look);
        return jobs;
    }

    stuck_watch watch_;
};

std::shared_ptr<job_watch> pool_state::watch_for_stuck_jobs(pool_state& state)
{
    return std::make_shared<stuck_jobs>(state);
}

} // namespace detail

pool_options& pool_options::on_stuck(std::function<void(const stuck_job&)> report)
{
    on_stuck_ = std::move(report);
    watch_ = on_stuck_ ? detail::pool_state::watch_for_stuck_jobs : nullptr;
    return *this;
}

} // namespace weir
