#pragma once

#include <weir/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir_fetch {

/// A file that is only appended to. Tests put one in its place that loses what a crash would lose.
class journal_file {
public:
    virtual ~journal_file() = default;

    /// Reads up to `size` bytes at `at`; 0 at the end.
    virtual std::size_t read(std::uint64_t at, char* to, std::size_t size,
                             weir::error_code& error) = 0;
    /// Appends all of it, or a part and fails.
    virtual weir::error_code append(std::string_view bytes) = 0;
    virtual weir::error_code truncate(std::uint64_t size) = 0;
    /// Returns when all that was appended survives a loss of power.
    virtual weir::error_code sync() = 0;
};

/// What is at `path`, made if there is nothing, and locked against other programs.
///
/// Errors: throws boost::system::system_error; code `resource_unavailable_try_again` when another
///         program has it, `invalid_argument` for what is no regular file.
std::unique_ptr<journal_file> open_journal_file(const std::string& path);

} // namespace weir_fetch
