#pragma once

#include <weir/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// A file without a name, made by the first write. Every call may block.
///
/// Threads: one at a time.
class spill_file {
public:
    /// Opens a file without a name in this folder: a descriptor, or -1 and errno.
    using opener = int (*)(const char* directory);

    /// An empty folder is that of TMPDIR, else /tmp. Where the file system knows no file without a
    /// name, `unnamed` says so, and the file has a name for a moment.
    explicit spill_file(std::string directory, opener unnamed = open_unnamed);
    spill_file(const spill_file&) = delete;
    spill_file& operator=(const spill_file&) = delete;
    ~spill_file();

    error_code write(std::uint64_t at, std::string_view bytes);
    /// Reads as many bytes as `into` has. Fewer are an error.
    error_code read(std::uint64_t at, std::string& into) const;

private:
    static int open_unnamed(const char* directory);
    error_code open();

    std::string directory_;
    opener unnamed_;
    int descriptor_ = -1;
};

} // namespace weir::http::detail
