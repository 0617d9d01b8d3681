#include <weir/flow/detail/pool/pool_accounts.hpp>

#include <cstddef>
#include <utility>

namespace weir::detail {

void pool_accounts::add_counts_to(ledger& sum) const noexcept
{
    for (std::size_t i = 0; i < elsewhere_.size(); ++i)
        add(sum, static_cast<status>(i), elsewhere_[i].load(std::memory_order_acquire));
}

void pool_accounts::add_times(const job_timings& times)
{
    std::lock_guard lock(mutex_);
    queue_wait_.add(times.waited());
    run_time_.add(times.ran());
}

void pool_accounts::add_times_to(pool_stats& stats) const
{
    std::lock_guard lock(mutex_);
    stats.queue_wait = queue_wait_.snapshot();
    stats.run_time = run_time_.snapshot();
}

void pool_accounts::note_unfinished(job_id id, const job_record* record, status s,
                                    std::optional<duration> age)
{
    unfinished_job u;
    u.id = id;
    u.name = name_of(record);
    u.key = key_of(record);
    u.status = s;
    u.age = age;
    std::lock_guard lock(mutex_);
    unfinished_.push_back(std::move(u));
}

std::vector<unfinished_job> pool_accounts::unfinished() const
{
    std::lock_guard lock(mutex_);
    return unfinished_;
}

} // namespace weir::detail
