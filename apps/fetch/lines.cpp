#include "lines.hpp"

#include <algorithm>
#include <utility>

namespace weir_fetch {

void line_cutter::feed(std::string_view part)
{
    fed_.assign(part);
    at_ = 0;
}

void line_cutter::finish()
{
    finished_ = true;
}

std::optional<std::string> line_cutter::next()
{
    static constexpr std::string_view mark = "\xEF\xBB\xBF";
    while (auto line = raw_line()) {
        if (std::exchange(first_, false) && line->compare(0, mark.size(), mark) == 0)
            line->erase(0, mark.size());
        const auto begin = line->find_first_not_of(" \t\r");
        if (begin == std::string::npos || (*line)[begin] == '#')
            continue;
        const auto end = line->find_last_not_of(" \t\r");
        return line->substr(begin, end - begin + 1);
    }
    return std::nullopt;
}

std::optional<std::string> line_cutter::raw_line()
{
    const auto end = fed_.find('\n', at_);
    const bool whole = end != std::string::npos;
    const auto piece = std::string_view(fed_).substr(at_, whole ? end - at_ : end);
    partial_ += piece.substr(0, longest - std::min(longest, partial_.size()));
    at_ = whole ? end + 1 : fed_.size();
    if (!whole && !(finished_ && !partial_.empty()))
        return std::nullopt;
    return std::exchange(partial_, std::string());
}

} // namespace weir_fetch
