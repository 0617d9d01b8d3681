#include <weir/flow/detail/pool/pool_accounts.hpp>

#include <new>
#include <utility>

// What is noted. What is read is in pool_drain.cpp: most programs do not link that.

namespace weir::detail {

void pool_accounts::add_times(const job_timings& times)
{
    std::lock_guard lock(mutex_);
    queue_wait_.add(times.waited());
    run_time_.add(times.ran());
}

// Without memory the report does not name it; it is counted all the same.
void pool_accounts::note_unfinished(job_id id, const job_record* record, status s,
                                    std::optional<duration> age) noexcept
{
    try {
        auto u = std::make_unique<unfinished_job>();
        u->id = id;
        u->name = name_of(record);
        u->key = key_of(record);
        u->status = s;
        u->age = age;
        std::lock_guard lock(mutex_);
        unfinished_.push_back(std::move(u));
    } catch (const std::bad_alloc&) {
    }
}

} // namespace weir::detail
