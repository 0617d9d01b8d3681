#include <weir/policy/retry_budget.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace weir {

retry_budget_options& retry_budget_options::ratio(double retries)
{
    if (!std::isfinite(retries) || retries < 0)
        throw std::invalid_argument("weir::retry_budget: the ratio must be 0 or more");
    ratio_ = retries;
    return *this;
}

retry_budget_options& retry_budget_options::floor(std::size_t retries)
{
    floor_ = retries;
    return *this;
}

retry_budget_options& retry_budget_options::window(duration length)
{
    if (length <= duration::zero())
        throw std::invalid_argument("weir::retry_budget: the window must be above zero");
    window_ = length;
    return *this;
}

// Rounded up, so that ten parts are never shorter than the window.
sliding_retry_budget::sliding_retry_budget(retry_budget_options options)
    : options_(options), length_((options.window() - duration(1)) / parts + duration(1))
{
}

void sliding_retry_budget::deposit(time_point now) noexcept
{
    std::lock_guard lock(mutex_);
    move_to(now);
    ++newest().deposits;
    ++sum_.deposits;
}

bool sliding_retry_budget::try_withdraw(time_point now) noexcept
{
    std::lock_guard lock(mutex_);
    move_to(now);
    const double allowed = options_.ratio() * static_cast<double>(sum_.deposits) +
                           static_cast<double>(options_.floor());
    if (static_cast<double>(sum_.retries + 1) > allowed) {
        ++refused_;
        return false;
    }
    ++newest().retries;
    ++sum_.retries;
    ++withdrawn_;
    return true;
}

std::uint64_t sliding_retry_budget::withdrawn() const noexcept
{
    std::lock_guard lock(mutex_);
    return withdrawn_;
}

std::uint64_t sliding_retry_budget::refused() const noexcept
{
    std::lock_guard lock(mutex_);
    return refused_;
}

void sliding_retry_budget::move_to(time_point now) noexcept
{
    // Counted from the first point in time there is: a simulated clock may show one before zero.
    const std::uint64_t since_first =
        static_cast<std::uint64_t>(now.time_since_epoch().count()) -
        static_cast<std::uint64_t>(std::numeric_limits<duration::rep>::min());
    const std::uint64_t part_now = since_first / static_cast<std::uint64_t>(length_.count());
    if (!begun_) {
        begun_ = true;
        newest_ = part_now;
    }
    if (part_now <= newest_)
        return;
    if (part_now - newest_ >= ring) {
        parts_.fill(part());
        sum_ = part();
        newest_ = part_now;
        return;
    }
    while (newest_ < part_now) {
        ++newest_;
        sum_.retries -= newest().retries;
        newest() = part();
        // The oldest part of the eleven counts for retries alone.
        sum_.deposits -= parts_[static_cast<std::size_t>((newest_ + 1) % ring)].deposits;
    }
}

} // namespace weir
