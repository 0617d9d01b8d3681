#include "lines.hpp"

#include <utility>

namespace weir_fetch {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string utf16_fault()
{
    return "the input is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8";
}

} // namespace

void line_cutter::feed(std::string_view part)
{
    fed_.assign(part);
    at_ = 0;
}

void line_cutter::finish()
{
    finished_ = true;
}

std::optional<input_line> line_cutter::next()
{
    static constexpr std::string_view mark = "\xEF\xBB\xBF";
    while (auto line = raw_line()) {
        check(*line);
        std::string& text = line->text;
        if (line->number == 1 && text.starts_with(mark))
            text.erase(0, mark.size());
        const auto begin = text.find_first_not_of(blanks);
        if (begin == std::string::npos || text[begin] == '#')
            continue;
        text.erase(text.find_last_not_of(blanks) + 1);
        text.erase(0, begin);
        return line;
    }
    return std::nullopt;
}

/// Puts a line that is none back before it throws.
void line_cutter::check(const input_line& line)
{
    std::string fault;
    if (line.number == 1 &&
        (line.text.starts_with("\xFF\xFE") || line.text.starts_with("\xFE\xFF")))
        fault = utf16_fault();
    else if (line.number == 1 && line.text.starts_with("\x1F\x8B"))
        fault = "the input is compressed with gzip; unpack it: gzip -dc FILE | weir-fetch "
                "--input-file -";
    else if (line.text.find('\0') != std::string::npos)
        fault = "line " + std::to_string(line.number) +
                " holds a NUL byte: the input is no text, or it is UTF-16 (convert it: iconv -f "
                "UTF-16 -t UTF-8)";
    if (fault.empty())
        return;
    partial_ = line.text;
    if (at_ != 0 && !skipping_ && fed_[at_ - 1] == '\n')
        --at_;
    skipping_ = false;
    --number_;
    throw input_fault(fault);
}

std::string line_cutter::take_unread()
{
    skip_rest();
    std::string out = std::exchange(partial_, std::string());
    out += std::string_view(fed_).substr(at_);
    at_ = fed_.size();
    return out;
}

/// Skips to the end of a line that was cut; false when more must be fed.
bool line_cutter::skip_rest()
{
    if (!skipping_)
        return true;
    const auto end = fed_.find('\n', at_);
    skipping_ = end == std::string::npos;
    at_ = skipping_ ? fed_.size() : end + 1;
    return !skipping_;
}

std::optional<input_line> line_cutter::raw_line()
{
    if (!skip_rest())
        return std::nullopt;
    input_line line;
    const auto end = fed_.find('\n', at_);
    const bool whole = end != std::string::npos;
    const auto piece = std::string_view(fed_).substr(at_, whole ? end - at_ : end);
    const std::size_t room = longest - partial_.size();
    line.is_cut = piece.size() > room;
    partial_ += piece.substr(0, room);
    if (line.is_cut)
        at_ += room;
    else
        at_ = whole ? end + 1 : fed_.size();
    skipping_ = line.is_cut;
    const bool is_line = whole || line.is_cut || (finished_ && !partial_.empty());
    if (!is_line)
        return std::nullopt;
    line.number = ++number_;
    line.text = std::exchange(partial_, std::string());
    return line;
}

} // namespace weir_fetch
