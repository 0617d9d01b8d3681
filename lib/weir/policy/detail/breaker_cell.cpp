#include <weir/policy/detail/breaker_cell.hpp>

#include <bit>
#include <new>
#include <utility>

namespace weir::detail {

std::optional<breaker_ticket> breaker_cell::enter(time_point now, const breaker_options& options,
                                                  std::uint64_t& numbers) noexcept
{
    if (state_ == breaker_state::closed)
        return breaker_ticket{now, 0};
    if (refuses(now, options))
        return std::nullopt;
    // A probe that hangs would keep the key broken forever: others go in place of those that should
    // have ended.
    if (is_full(options))
        std::erase_if(out_, [now](const probe& p) { return p.until <= now; });
    try {
        out_.push_back({numbers + 1, saturating_add(now, options.open_for())});
    } catch (const std::bad_alloc&) {
        return std::nullopt;
    }
    ++numbers;
    if (std::exchange(state_, breaker_state::half_open) == breaker_state::open)
        first_ = numbers;
    return breaker_ticket{now, numbers};
}

bool breaker_cell::refuses(time_point now, const breaker_options& options) const noexcept
{
    if (state_ == breaker_state::half_open && !is_full(options))
        return false;
    return state_ != breaker_state::closed && now < until();
}

// False: it is none of those that are out.
bool breaker_cell::leave(std::uint64_t number) noexcept
{
    return std::erase_if(out_, [number](const probe& p) { return p.number == number; }) != 0;
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
    if (state_ == breaker_state::open || ticket.probe < first_)
        return;
    const bool is_out = leave(ticket.probe);
    if (result == breaker_result::unknown)
        return; // another may go in its place
    if (result == breaker_result::failed || slow) {
        if (is_out) // else another went in its place, and says more
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
    succeeded_ = 0;
    out_ = {};
    state_ = breaker_state::open;
    until_ = saturating_add(now, options.open_for());
}

bool is_slow(const breaker_ticket& ticket, time_point now, const breaker_options& options) noexcept
{
    return options.slow() != duration::max() && now >= saturating_add(ticket.began, options.slow());
}

} // namespace weir::detail
