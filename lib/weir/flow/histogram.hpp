#pragma once

#include <weir/duration.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

namespace detail {

/// Which bucket a length of time belongs to. A bucket is one nanosecond wide below 16 ns, and above
/// that a sixteenth of the power of two it lies in.
struct histogram_scale {
    static constexpr unsigned linear_bits = 4;
    static constexpr std::uint64_t linear = std::uint64_t{1} << linear_bits;
    static constexpr unsigned largest_bits = 47;
    static constexpr std::uint64_t largest = (std::uint64_t{1} << largest_bits) - 1;
    static constexpr std::size_t size = (largest_bits - linear_bits + 1) * linear;

    static std::uint64_t nanoseconds(duration d) noexcept
    {
        const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(d).count();
        return ns > 0 ? static_cast<std::uint64_t>(ns) : 0;
    }

    static constexpr std::size_t index(std::uint64_t ns) noexcept
    {
        if (ns > largest)
            ns = largest;
        if (ns < linear)
            return static_cast<std::size_t>(ns);
        const auto shift = static_cast<unsigned>(std::bit_width(ns)) - linear_bits - 1;
        return static_cast<std::size_t>(shift * linear + (ns >> shift));
    }

    /// The longest time in the bucket.
    static constexpr std::uint64_t upper(std::size_t index) noexcept
    {
        if (index < linear)
            return index;
        const auto shift = static_cast<unsigned>(index / linear) - 1;
        return ((index % linear + linear + 1) << shift) - 1;
    }
};

} // namespace detail

/// A distribution of lengths of time: counts, quantiles, and buckets to export.
///
/// Shape: a plain value. A `histogram_recorder` counts, its `snapshot` returns one of these.
/// Units: from 0 to 39 hours. A negative time counts as 0; a longer one counts into the last
///        bucket, while `min`, `max` and `sum` stay exact (a sum ends at `duration::max()`, 292
///        years). A quantile is too long by a sixteenth at most: enough to tell 10 ms from 11, and
///        the buckets stay in the cache.
/// Threads: one object by one thread at a time.
/// Memory: 5.6 KB from the first addition on, however many follow; nothing before.
/// Source: HdrHistogram (Gil Tene), with its precision fixed.
class histogram {
public:
    struct bucket {
        duration upper; ///< the longest time in the bucket
        std::uint64_t count;
    };

    histogram() = default;
    histogram(const histogram&) = default;
    /// Leaves `other` empty.
    histogram(histogram&& other) noexcept : histogram() { swap(other); }
    histogram& operator=(histogram other) noexcept
    {
        swap(other);
        return *this;
    }
    ~histogram() = default;

    void swap(histogram& other) noexcept;

    void add(duration d);
    /// Adds the counts of `other`.
    void merge(const histogram& other);

    std::uint64_t count() const noexcept { return count_; }
    bool empty() const noexcept { return count_ == 0; }
    /// Exact, as are `min` and `max`. Zero while the histogram is empty.
    duration sum() const noexcept { return sum_; }
    duration min() const noexcept { return empty() ? duration::zero() : min_; }
    duration max() const noexcept { return max_; }
    duration mean() const noexcept;

    /// The time that a share `q` of the counted times did not exceed: 0.5 is the median, 0 the
    /// shortest, 1 the longest. Zero while the histogram is empty.
    /// Precondition: `q` is from 0 to 1.
    duration quantile(double q) const noexcept;

    /// How many times were at most `bound`, rounded up to the end of its bucket. A Prometheus
    /// bucket `le` counts this.
    std::uint64_t count_up_to(duration bound) const noexcept;

    /// The buckets that are not empty, shortest times first.
    std::vector<bucket> buckets() const;

private:
    friend class histogram_recorder;
    using scale = detail::histogram_scale;

    std::vector<std::uint64_t> counts_; // empty, or one per bucket
    std::uint64_t count_ = 0;
    duration sum_ = duration::zero();
    duration min_ = duration::max();
    duration max_ = duration::zero();
};

/// Counts lengths of time on one thread while other threads read them.
///
/// Threads: calls of `add` come one after another, from one thread or under a lock; `snapshot` and
///          `add_to` from any thread, at any time.
/// Memory: 5.6 KB in place. `add` takes a few nanoseconds and no locked instruction.
class histogram_recorder {
public:
    histogram_recorder() = default;
    histogram_recorder(const histogram_recorder&) = delete;
    histogram_recorder& operator=(const histogram_recorder&) = delete;

    void add(duration d) noexcept
    {
        const duration length = d > duration::zero() ? d : duration::zero();
        raise(counts_[scale::index(scale::nanoseconds(length))]);
        const duration before(sum_.load(std::memory_order_relaxed));
        sum_.store(saturating_add(before, length).count(), std::memory_order_relaxed);
        if (length.count() < min_.load(std::memory_order_relaxed))
            min_.store(length.count(), std::memory_order_relaxed);
        if (length.count() > max_.load(std::memory_order_relaxed))
            max_.store(length.count(), std::memory_order_relaxed);
    }

    /// The counts so far. While another thread adds, its last additions may be in the counts and
    /// not yet in the sum.
    histogram snapshot() const;
    /// Adds the counts so far to `sum`: recorders of several threads make one histogram.
    void add_to(histogram& sum) const;

private:
    using scale = detail::histogram_scale;

    // There is one writer, which reads what it wrote itself.
    static void raise(std::atomic<std::uint64_t>& number) noexcept
    {
        number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    std::array<std::atomic<std::uint64_t>, scale::size> counts_{};
    std::atomic<duration::rep> sum_{0};
    std::atomic<duration::rep> min_{duration::max().count()};
    std::atomic<duration::rep> max_{0};
};

} // namespace weir
