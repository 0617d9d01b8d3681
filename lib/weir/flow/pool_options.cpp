#include <weir/flow/pool_options.hpp>

#include <stdexcept>

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

pool_options& pool_options::timeout(duration length)
{
    if (length <= duration::zero())
        throw std::invalid_argument("weir::pool_options: the timeout must be above zero");
    timeout_ = length;
    return *this;
}

pool_options& pool_options::grace(duration length)
{
    if (length < duration::zero())
        throw std::invalid_argument("weir::pool_options: the grace must not be negative");
    grace_ = length;
    return *this;
}

pool_options& pool_options::inline_on_runners()
{
    inline_ = true;
    return *this;
}

pool_options& pool_options::keep_jobs()
{
    keep_jobs_ = true;
    return *this;
}

pool_options& pool_options::reject_late()
{
    reject_late_ = true;
    return *this;
}

pool_options& pool_options::timings()
{
    timings_ = true;
    return *this;
}

} // namespace weir
