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
    /// An empty folder is that of TMPDIR, else /tmp.
    explicit spill_file(std::string directory);
    spill_file(const spill_file&) = delete;
    spill_file& operator=(const spill_file&) = delete;
    ~spill_file();

    error_code write(std::uint64_t at, std::string_view bytes);
    /// Reads as many bytes as `into` has. Fewer are an error.
    error_code read(std::uint64_t at, std::string& into) const;

private:
    error_code open();

    std::string directory_;
    int descriptor_ = -1;
};

} // namespace weir::http::detail
