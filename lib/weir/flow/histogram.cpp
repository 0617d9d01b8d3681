#include <weir/flow/histogram.hpp>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace weir {

void histogram::swap(histogram& other) noexcept
{
    counts_.swap(other.counts_);
    std::swap(count_, other.count_);
    std::swap(sum_, other.sum_);
    std::swap(min_, other.min_);
    std::swap(max_, other.max_);
}

void histogram::add(duration d)
{
    counts_.resize(scale::size);
    const duration length = std::max(d, duration::zero());
    ++counts_[scale::index(scale::nanoseconds(length))];
    ++count_;
    sum_ = saturating_add(sum_, length);
    min_ = std::min(min_, length);
    max_ = std::max(max_, length);
}

void histogram::merge(const histogram& other)
{
    if (other.empty())
        return;
    counts_.resize(scale::size);
    for (std::size_t i = 0; i < scale::size; ++i)
        counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ = saturating_add(sum_, other.sum_);
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
}

duration histogram::mean() const noexcept
{
    return empty() ? duration::zero() : sum_ / static_cast<duration::rep>(count_);
}

duration histogram::quantile(double q) const noexcept
{
    assert(q >= 0 && q <= 1);
    if (empty())
        return duration::zero();
    if (q <= 0)
        return min();
    const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        // The last bucket has no end: times in it may be longer than its upper bound.
        if (seen >= wanted && i + 1 < scale::size)
            return std::clamp<duration>(std::chrono::nanoseconds(scale::upper(i)), min(), max());
    }
    return max();
}

std::uint64_t histogram::count_up_to(duration bound) const noexcept
{
    if (bound < duration::zero() || empty())
        return 0;
    const std::size_t last = scale::index(scale::nanoseconds(bound));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i <= last; ++i)
        seen += counts_[i];
    return seen;
}

std::vector<histogram::bucket> histogram::buckets() const
{
    std::vector<bucket> found;
    for (std::size_t i = 0; i < counts_.size(); ++i)
        if (counts_[i] != 0)
            found.push_back({std::chrono::nanoseconds(scale::upper(i)), counts_[i]});
    if (!found.empty() && max_ > found.back().upper)
        found.back().upper = max_; // the last bucket has no end
    return found;
}

histogram histogram_recorder::snapshot() const
{
    histogram taken;
    add_to(taken);
    return taken;
}

void histogram_recorder::add_to(histogram& sum) const
{
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < scale::size; ++i) {
        const std::uint64_t here = counts_[i].load(std::memory_order_relaxed);
        if (here == 0)
            continue;
        sum.counts_.resize(scale::size);
        sum.counts_[i] += here;
        count += here;
    }
    if (count == 0)
        return;
    sum.count_ += count;
    sum.sum_ = saturating_add(sum.sum_, duration(sum_.load(std::memory_order_relaxed)));
    // The first addition may be counted already, and its extremes not written yet.
    const duration shortest(min_.load(std::memory_order_relaxed));
    const duration longest(max_.load(std::memory_order_relaxed));
    sum.min_ = std::min(sum.min_, shortest);
    sum.max_ = std::max(sum.max_, longest);
    if (sum.min_ > sum.max_)
        sum.min_ = sum.max_;
}

} // namespace weir
