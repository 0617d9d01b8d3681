#include <weir/policy/detail/breaker_cell.hpp>

#include <bit>

namespace weir::detail {

std::optional<breaker_ticket> breaker_cell::enter(time_point now, const breaker_options& options,
                                                  std::uint64_t& epochs) noexcept
{
    if (state_ == breaker_state::closed)
        return breaker_ticket{now, 0};
    if (refuses(now, options))
        return std::nullopt;
    if (state_ == breaker_state::open) {
        state_ = breaker_state::half_open;
        admitted_ = 0;
        succeeded_ = 0;
        epoch_ = ++epochs;
    } else if (admitted_ == options.probes()) {
        // A probe that hangs would keep the key broken forever: others go in place of those that
        // have not ended, which do not count any more.
        admitted_ = succeeded_;
        epoch_ = ++epochs;
    }
    ++admitted_;
    until_ = saturating_add(now, options.open_for());
    return breaker_ticket{now, epoch_};
}

bool breaker_cell::refuses(time_point now, const breaker_options& options) const noexcept
{
    if (state_ == breaker_state::half_open && admitted_ != options.probes())
        return false;
    return state_ != breaker_state::closed && now < until_;
}

void breaker_cell::left(const breaker_ticket& ticket, breaker_result result, time_point now,
                        const breaker_options& options) noexcept
{
    const bool slow = is_slow(ticket, now, options);
    if (state_ == breaker_state::closed) {
        if (ticket.probe == 0 && result != breaker_result::unknown)
            count(result == breaker_result::failed, slow, now, options);
        return;
    }
    if (state_ == breaker_state::open || ticket.probe != epoch_)
        return;
    if (result == breaker_result::unknown) {
        --admitted_;
    } else if (result == breaker_result::failed || slow) {
        open(now, options);
    } else if (++succeeded_ == options.probes()) {
        *this = breaker_cell();
    }
}

void breaker_cell::count(bool failed, bool slow, time_point now,
                         const breaker_options& options) noexcept
{
    const std::uint64_t window = ~std::uint64_t{0} >> (64 - options.window());
    failed_ = ((failed_ << 1) | (failed ? 1 : 0)) & window;
    slow_ = ((slow_ << 1) | (slow ? 1 : 0)) & window;
    if (static_cast<std::size_t>(std::popcount(failed_)) >= options.failures() ||
        static_cast<std::size_t>(std::popcount(slow_)) >= options.slow_calls())
        open(now, options);
}

void breaker_cell::open(time_point now, const breaker_options& options) noexcept
{
    failed_ = 0;
    slow_ = 0;
    state_ = breaker_state::open;
    until_ = saturating_add(now, options.open_for());
}

bool is_slow(const breaker_ticket& ticket, time_point now, const breaker_options& options) noexcept
{
    return options.slow() != duration::max() && now >= saturating_add(ticket.began, options.slow());
}

} // namespace weir::detail
