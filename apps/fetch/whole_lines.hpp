#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace weir_fetch {

/// Cuts a text that comes in parts behind its line ends: what is passed on has no torn line.
///
/// Memory: one line; of a longer one than 1 MiB, which is no URL, a part is passed on.
class whole_lines {
public:
    /// The lines that are whole now.
    std::string feed(std::string part)
    {
        constexpr std::size_t longest = 1024 * 1024;
        held_ += part;
        const auto last = held_.rfind('\n');
        if (last == std::string::npos && held_.size() <= longest)
            return {};
        const std::size_t size = last == std::string::npos ? held_.size() : last + 1;
        std::string rest = held_.substr(size);
        held_.resize(size);
        return std::exchange(held_, std::move(rest));
    }

    /// At the end: the last line needs no line end.
    std::string rest() { return std::exchange(held_, std::string()); }

private:
    std::string held_;
};

} // namespace weir_fetch
