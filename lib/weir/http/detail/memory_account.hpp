#pragma once

#include <cstddef>

namespace weir::http::detail {

/// Counts the memory of several parts, and refuses what would be more than their common limit.
///
/// Threads: one at a time.
class memory_account {
public:
    /// What it counts is counted by `whole`, too, if there is one; that outlives it.
    explicit memory_account(std::size_t limit, memory_account* whole = nullptr) noexcept
        : limit_(limit), whole_(whole)
    {
    }
    memory_account(const memory_account&) = delete;
    memory_account& operator=(const memory_account&) = delete;
    ~memory_account();

    /// Whether the bytes are within the limits; they are counted then.
    bool take(std::size_t bytes) noexcept;
    void give_back(std::size_t bytes) noexcept;

    /// Memory that counts itself, for libraries in C that ask for an allocator; null beyond the
    /// limit, and where the system has none. `account` is a `memory_account`.
    static void* allocate(void* account, std::size_t bytes) noexcept;
    /// Null is allowed.
    static void release(void* account, void* block) noexcept;

    std::size_t limit() const noexcept { return limit_; }
    std::size_t used() const noexcept { return used_; }
    /// The most that was used at a time.
    std::size_t peak() const noexcept { return peak_; }
    /// Whether anything was beyond the limit.
    bool refused() const noexcept { return refused_; }
    /// The account that had no room for what this one was asked for; null when both had.
    const memory_account* full_whole() const noexcept
    {
        return refused_by_whole_ ? whole_ : nullptr;
    }

private:
    std::size_t limit_;
    memory_account* whole_;
    std::size_t used_ = 0;
    std::size_t peak_ = 0;
    bool refused_ = false;
    bool refused_by_whole_ = false;
};

} // namespace weir::http::detail
