// expect: one of outcome<R>, not of R
#include <weir/flow/worker_pool.hpp>

using outcomes = weir::channel<weir::outcome<int>>;
using values = weir::channel<int>;
using job_queue = weir::channel<weir::detail::numbered_job<int>>;

std::size_t right(weir::worker_pool<int, int, job_queue, outcomes>& jobs)
{
    return jobs.stats().results;
}

#ifdef WEIR_MISUSE
std::size_t wrong(weir::worker_pool<int, int, job_queue, values>& jobs)
{
    return jobs.stats().results;
}
#endif
