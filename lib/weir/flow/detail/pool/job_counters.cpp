#include <weir/flow/detail/pool/job_counters.hpp>

namespace weir::detail {

void add(ledger& sum, status s, std::uint64_t n) noexcept
{
    switch (s) {
    case status::ok:
        sum.ok += n;
        break;
    case status::failed:
        sum.failed += n;
        break;
    case status::cancelled:
        sum.cancelled += n;
        break;
    case status::timed_out:
        sum.timed_out += n;
        break;
    case status::dropped:
        sum.dropped += n;
        break;
    case status::abandoned:
        sum.abandoned += n;
        break;
    }
}

void job_counters::add_ends_to(ledger& sum) const noexcept
{
    for (std::size_t i = 0; i < ended_.size(); ++i)
        detail::add(sum, static_cast<status>(i), ended_[i].load(std::memory_order_acquire));
    sum.late += late_.load(std::memory_order_acquire);
}

} // namespace weir::detail
