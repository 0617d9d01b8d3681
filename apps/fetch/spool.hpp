#pragma once

#include <weir/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weir_fetch {

/// A body that is held until it may be printed: a short one in memory, a longer one in a file
/// without a name, which is gone with this object.
///
/// Memory: `in_memory` bytes.
class spool {
public:
    /// How long a body is that needs no file. Most pages are shorter.
    static constexpr std::size_t in_memory = 64 * 1024;

    /// Files are made in `folder`.
    explicit spool(std::string folder) : folder_(std::move(folder)) {}
    spool(const spool&) = delete;
    spool& operator=(const spool&) = delete;
    ~spool();

    weir::error_code write(std::string_view part);

    /// Once all is written: the next part, from the beginning; empty at the end, or after an error.
    /// It is valid until the next call.
    std::string_view read(weir::error_code& error);

private:
    weir::error_code open();
    weir::error_code write_file(std::string_view part) const;

    std::string folder_;
    std::string held_; // the whole body, or the part that was read from the file
    int descriptor_ = -1;
    std::uint64_t read_ = 0;
};

} // namespace weir_fetch
