#include <weir/flow/worker_pool_options.hpp>

#include <stdexcept>

namespace weir {

worker_pool_options::worker_pool_options(std::size_t workers) : workers_(workers)
{
    if (workers == 0)
        throw std::invalid_argument("weir::worker_pool_options: at least one worker is needed");
}

worker_pool_options& worker_pool_options::queue(std::size_t capacity)
{
    queue_ = capacity;
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

} // namespace weir
