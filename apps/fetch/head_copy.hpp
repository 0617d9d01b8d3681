#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir_fetch {

/// Copies the headers out of what exchanges receive, byte for byte: those with a status 1xx, and
/// the final one.
///
/// Memory: one header.
class head_copy {
public:
    /// An exchange begins. A header of the last one that did not end is dropped.
    void begin();
    /// What was received. Returns the headers that end in it, each with its empty line.
    std::string take(std::string_view bytes);

private:
    bool is_final() const;

    std::string held_;
    std::size_t line_ = 0; // where the last line of it begins
    bool over_ = true;
};

} // namespace weir_fetch
