#include <weir/http/detail/field_section.hpp>

#include <weir/http/detail/message_lines.hpp>

#include <string>

namespace weir::http::detail {

field_section::field_section(std::string_view name, std::size_t most_bytes,
                             std::size_t most_fields) noexcept
    : name_(name), most_bytes_(most_bytes), most_fields_(most_fields), room_(most_bytes)
{
}

void field_section::add(const text_line& line) noexcept
{
    room_ -= line.bytes;
    tolerated_ = tolerated_ || line.bare_lf;
}

failure field_section::too_large() const
{
    return failure(error_class::too_large, "the response's " + std::string(name_) +
                                               " is larger than the limit of " +
                                               std::to_string(most_bytes_) + " bytes");
}

result<field_section::state> field_section::read(line_splitter& lines, std::string_view& bytes,
                                                 headers& into)
{
    for (;;) {
        const auto found = lines.next(bytes, room_);
        if (found == line_splitter::state::more)
            return state::more;
        if (found == line_splitter::state::too_long)
            return too_large();
        add(lines.line());
        auto now = take(lines.line().text, into);
        if (!now || *now == state::end)
            return now;
    }
}

result<field_section::state> field_section::take(std::string_view line, headers& into)
{
    if (line.empty())
        return state::end;
    if (line[0] == ' ' || line[0] == '\t') {
        if (into.empty())
            return invalid("the first header field begins with a blank");
        const auto more = trimmed(line);
        if (!is_field_value(more))
            return invalid("the value of a header field holds CR or NUL");
        tolerated_ = true;
        if (!more.empty())
            into.extend_last(more);
        return state::more;
    }
    const auto field = read_field_line(line);
    if (!field)
        return field.error();
    if (into.size() == most_fields_)
        return failure(error_class::too_large, "the response's " + std::string(name_) +
                                                   " has more than " +
                                                   std::to_string(most_fields_) + " fields");
    tolerated_ = tolerated_ || field->blank_before_colon;
    into.append(field->name, field->value);
    return state::more;
}

} // namespace weir::http::detail
