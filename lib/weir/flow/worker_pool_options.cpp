#include <weir/flow/worker_pool_options.hpp>

#include <weir/flow/worker_pool.hpp>

#include <stdexcept>
#include <utility>

namespace weir {

worker_pool_options::worker_pool_options(limit workers) : workers_(workers) {}

worker_pool_options& worker_pool_options::queue(std::size_t capacity)
{
    queue_ = capacity;
    return *this;
}

worker_pool_options& worker_pool_options::when_full(overflow rule)
{
    when_full_ = rule;
    return *this;
}

worker_pool_options& worker_pool_options::results(std::size_t capacity)
{
    results_ = capacity;
    return *this;
}

worker_pool_options& worker_pool_options::discard_results()
{
    discard_results_ = true;
    return *this;
}

worker_pool_options& worker_pool_options::time_out(duration limit)
{
    if (limit <= duration::zero())
        throw std::invalid_argument("weir::worker_pool_options: the time-out must be above zero");
    time_out_ = limit;
    return *this;
}

worker_pool_options& worker_pool_options::grace(duration length)
{
    if (length < duration::zero())
        throw std::invalid_argument("weir::worker_pool_options: the grace must not be negative");
    grace_ = length;
    return *this;
}

worker_pool_options& worker_pool_options::timings()
{
    timings_ = true;
    return *this;
}

worker_pool_options& worker_pool_options::on_stuck(std::function<void(const stuck_job&)> report)
{
    on_stuck_ = std::move(report);
    return *this;
}

limit detail::bounded(limit workers)
{
    if (workers.is_unlimited())
        throw std::invalid_argument(
            "weir::worker_pool: a worker is a coroutine: say how many there may be at most");
    return workers;
}

} // namespace weir
