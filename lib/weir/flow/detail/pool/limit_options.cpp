#include <weir/flow/detail/pool/limit_options.hpp>

#include <weir/flow/detail/pool/limited_jobs.hpp>
#include <weir/flow/pool_options.hpp>

// The settings of a pool's limits, which bring in the code that keeps them: a program whose pools
// have none links neither.

#include <memory>
#include <stdexcept>

namespace weir {
namespace detail {
namespace {

std::shared_ptr<job_limits> make_limits(pool_state& owner, const limit_options& options)
{
    return std::make_shared<limited_jobs>(owner, options);
}

} // namespace
} // namespace detail

// Each setting makes its own copy: copies of the options share what was set before.
detail::limit_options& pool_options::change_limits()
{
    make_limits_ = detail::make_limits;
    auto changed = limits_ ? std::make_shared<detail::limit_options>(*limits_)
                           : std::make_shared<detail::limit_options>();
    limits_ = changed;
    return *changed;
}

pool_options& pool_options::per_key(limit running)
{
    if (running.is_paused())
        throw std::invalid_argument("weir::pool_options: per_key must be at least 1");
    change_limits().per_key = running;
    return *this;
}

pool_options& pool_options::key_share(double share)
{
    if (!(share > 0 && share <= 1))
        throw std::invalid_argument("weir::pool_options: key_share must be above 0, and at most 1");
    change_limits().key_share = share;
    return *this;
}

pool_options& pool_options::bytes(limit most)
{
    if (most.is_paused())
        throw std::invalid_argument("weir::pool_options: bytes must be at least 1");
    change_limits().bytes = most;
    return *this;
}

pool_options& pool_options::rate(const weir::rate& starts, std::uint64_t burst)
{
    (void)detail::gcra_rule(starts, burst); // throws what it has to say
    change_limits().rate = detail::limit_options::starts{starts, burst};
    return *this;
}

pool_options& pool_options::retry(const retry_policy& policy)
{
    change_limits().retry = policy;
    retries_ = true;
    return *this;
}

pool_options& pool_options::breaker(const breaker_options& options)
{
    change_limits().breaker = options;
    return *this;
}

} // namespace weir
