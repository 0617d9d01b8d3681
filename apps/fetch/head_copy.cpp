#include "head_copy.hpp"

namespace weir_fetch {

void head_copy::begin()
{
    held_.clear();
    line_ = 0;
    over_ = false;
}

std::string head_copy::take(std::string_view bytes)
{
    std::string out;
    while (!over_ && !bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto part = bytes.substr(0, end == bytes.npos ? bytes.size() : end + 1);
        held_ += part;
        bytes.remove_prefix(part.size());
        if (end == bytes.npos)
            break;
        const auto line = std::string_view(held_).substr(line_);
        line_ = held_.size();
        if (line != "\n" && line != "\r\n")
            continue;
        over_ = is_final();
        out += held_;
        held_.clear();
        line_ = 0;
    }
    return out;
}

/// Whether no other header follows: `HTTP/1.1 1` begins one that announces another.
bool head_copy::is_final() const
{
    const auto blank = held_.find(' ');
    return blank == held_.npos || held_.compare(blank, 2, " 1") != 0;
}

} // namespace weir_fetch
