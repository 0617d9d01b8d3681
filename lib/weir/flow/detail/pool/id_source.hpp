#pragma once

#include <weir/flow/detail/job_record.hpp>

#include <atomic>
#include <cstdint>

namespace weir::detail {

/// Numbers from 1, each given once. A thread takes a block of them at a time, so that threads that
/// number jobs of one pool do not contend.
class id_source {
public:
    job_id next() noexcept
    {
        if (block_.source != serial_ || block_.next == block_.end) {
            block_.source = serial_;
            block_.next = taken_.fetch_add(block_size, std::memory_order_relaxed) + 1;
            block_.end = block_.next + block_size;
        }
        return block_.next++;
    }

private:
    static constexpr job_id block_size = 64;

    struct block {
        std::uint64_t source; // not an address, which another source may reuse
        job_id next;
        job_id end;
    };

    static inline constinit thread_local block block_{};
    static inline std::atomic<std::uint64_t> serials_{0};

    const std::uint64_t serial_ = serials_.fetch_add(1, std::memory_order_relaxed) + 1;
    std::atomic<job_id> taken_{0};
};

} // namespace weir::detail
