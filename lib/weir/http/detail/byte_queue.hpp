#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http::detail {

/// Bytes, first in, first out, in blocks: what has left makes room, and what comes moves nothing.
///
/// Memory: a block at each end more than it holds, and at most about four times what it holds;
///         nothing when it is empty.
class byte_queue {
public:
    static constexpr std::size_t block_size = 4096;

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    /// A copy of `count` bytes, from `at` on. Precondition: it holds them.
    std::string copy(std::size_t at, std::size_t count) const;

    void append(std::string_view more);
    /// Takes all of `more`.
    void append(byte_queue&& more);
    void prepend(std::string_view more);
    /// Takes the first bytes out.
    void drop(std::size_t count);
    /// Takes all but the first bytes out.
    byte_queue split(std::size_t first);

    /// Bytes that its blocks have room for, used or not.
    std::size_t capacity() const noexcept;

private:
    using block = std::vector<char>;

    void trim_front();
    std::string_view front() const noexcept;

    std::list<block> blocks_; // none is empty
    std::size_t begin_ = 0;   // in the first block
    std::size_t size_ = 0;
};

} // namespace weir::http::detail
