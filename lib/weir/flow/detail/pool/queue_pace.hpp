#pragma once

#include <weir/duration.hpp>

#include <algorithm>
#include <cstddef>
#include <mutex>

namespace weir::detail {

/// How fast the queue of a pool has moved of late: for pools that refuse jobs it would make late.
///
/// Threads: safe from any thread.
class queue_pace {
public:
    /// A job starts that will run. One that came after the start before it did not wait for the
    /// queue to move, and says nothing of its pace.
    void started(time_point queued, time_point now) noexcept
    {
        std::lock_guard lock(mutex_);
        if (queued <= last_start_)
            average(interval_, now - last_start_);
        last_start_ = now;
    }
    /// A job has succeeded, after this length.
    void ran(duration length) noexcept
    {
        std::lock_guard lock(mutex_);
        average(run_, length);
    }

    /// How long until a newcomer would have ended, behind so many others. Starts come no faster
    /// than `least` apart.
    duration until_end(std::size_t ahead, duration least) const noexcept
    {
        std::lock_guard lock(mutex_);
        const double each = static_cast<double>(std::max(interval_.length, least).count());
        const double all =
            each * (static_cast<double>(ahead) + 1) + static_cast<double>(run_.length.count());
        constexpr auto most = duration::max() / 2;
        return all < static_cast<double>(most.count()) ? duration(static_cast<duration::rep>(all))
                                                       : most;
    }

private:
    struct mean {
        duration length{};
        bool any = false;
    };

    // Each sample counts for an eighth.
    static void average(mean& of, duration sample) noexcept
    {
        sample = std::max(sample, duration::zero());
        of.length = of.any ? of.length + (sample - of.length) / 8 : sample;
        of.any = true;
    }

    mutable std::mutex mutex_;
    time_point last_start_ = time_point::min();
    mean interval_; // between two starts, while jobs waited
    mean run_;
};

} // namespace weir::detail
