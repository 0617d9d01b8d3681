#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// Bytes, first in, first out, in one piece.
///
/// Memory: at most four times what it holds, and nothing when it is empty.
class byte_queue {
public:
    std::size_t size() const noexcept { return bytes_.size() - begin_; }
    bool empty() const noexcept { return size() == 0; }
    std::string_view view() const noexcept { return std::string_view(bytes_).substr(begin_); }

    void append(std::string_view more) { bytes_.append(more); }
    void prepend(std::string_view more)
    {
        bytes_.replace(0, begin_, more);
        begin_ = 0;
    }
    /// Takes the first bytes out.
    void drop(std::size_t count)
    {
        begin_ += count;
        if (begin_ <= size())
            return;
        bytes_.erase(0, begin_);
        begin_ = 0;
        if (bytes_.capacity() / 4 > bytes_.size())
            bytes_.shrink_to_fit();
    }
    /// Takes all but the first bytes out.
    std::string split(std::size_t first)
    {
        std::string rest = bytes_.substr(begin_ + first);
        bytes_.resize(begin_ + first);
        if (bytes_.capacity() / 4 > bytes_.size())
            bytes_.shrink_to_fit();
        return rest;
    }

private:
    std::string bytes_;
    std::size_t begin_ = 0;
};

} // namespace weir::http::detail
