#include <weir/flow/pool_options.hpp>

#include <weir/flow/worker_pool.hpp>

#include <stdexcept>
#include <utility>

namespace weir {

pool_options::pool_options(limit workers) : workers_(workers) {}

pool_options& pool_options::queue(std::size_t capacity)
{
    queue_ = capacity;
    return *this;
}

pool_options& pool_options::when_full(overflow rule)
{
    when_full_ = rule;
    return *this;
}

pool_options& pool_options::results(std::size_t capacity)
{
    results_ = capacity;
    return *this;
}

pool_options& pool_options::discard_results()
{
    discard_results_ = true;
    return *this;
}

pool_options& pool_options::timeout(duration limit)
{
    if (limit <= duration::zero())
        throw std::invalid_argument("weir::pool_options: the time-out must be above zero");
    timeout_ = limit;
    return *this;
}

pool_options& pool_options::grace(duration length)
{
    if (length < duration::zero())
        throw std::invalid_argument("weir::pool_options: the grace must not be negative");
    grace_ = length;
    return *this;
}

pool_options& pool_options::timings()
{
    timings_ = true;
    return *this;
}

pool_options& pool_options::on_stuck(std::function<void(const stuck_job&)> report)
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
