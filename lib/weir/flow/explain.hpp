#pragma once

#include <iosfwd>

namespace weir {
namespace detail {

class pool_state;

/// Lets `explain` look into a pool.
struct pool_access {
    template <class Pool>
    static const pool_state& state(const Pool& p) noexcept
    {
        return *p.state_;
    }
};

void explain(const pool_state& state, std::ostream& os);

} // namespace detail

/// Writes what a pool is doing, for a person who wonders why nothing moves: its limit and its
/// ledger, how many submitters wait for a place and how many results for a receiver, what its other
/// limits do (jobs in line, asleep, keys at their limit, held or refused, the rate), and each
/// running job with its name, its age, and whether it is on its thread or suspended (known for
/// plain jobs, and for coroutines in a pool with `on_stuck`).
///
/// Threads: from any thread. The figures are read one after another, while the pool goes on.
template <class Pool>
void explain(const Pool& p, std::ostream& os)
{
    detail::explain(detail::pool_access::state(p), os);
}

} // namespace weir
