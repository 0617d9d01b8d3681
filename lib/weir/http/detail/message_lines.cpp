#include <weir/http/detail/message_lines.hpp>

#include <weir/http/detail/digits.hpp>
#include <weir/http/detail/token_chars.hpp>
#include <weir/http/headers.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

namespace weir::http::detail {
namespace {

constexpr std::string_view protocol = "HTTP/1.";
constexpr std::string_view blanks = " \t";

} // namespace

failure invalid(std::string_view how)
{
    return failure(error_class::protocol, "the answer is not valid HTTP: " + std::string(how));
}

std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

bool may_be_status_line(std::size_t at, std::string_view bytes) noexcept
{
    const auto wanted = protocol.substr(std::min(at, protocol.size()), bytes.size());
    const auto may_be_one_of = [&](std::string_view these, std::size_t place) {
        return place < at || place - at >= bytes.size() ||
               these.find(bytes[place - at]) != std::string_view::npos;
    };
    return bytes.starts_with(wanted) && may_be_one_of("01", protocol.size()) &&
           may_be_one_of(" ", protocol.size() + 1);
}

result<status_line> read_status_line(std::string_view line)
{
    // HTTP/1.x SP 3DIGIT [SP reason]
    constexpr std::size_t digits = protocol.size() + 2;
    if (!line.starts_with(protocol))
        return invalid("it does not begin with HTTP/1.1 or HTTP/1.0");
    if (line.size() < digits || (line[digits - 2] != '1' && line[digits - 2] != '0') ||
        line[digits - 1] != ' ')
        return invalid("its version is not 1.1 or 1.0");
    const auto code = line.substr(digits, 3);
    const auto reason = line.substr(digits + code.size());
    if (code.size() != 3 || code[0] == '0' || !is_digit(code[0]) || !is_digit(code[1]) ||
        !is_digit(code[2]) || (!reason.empty() && reason[0] != ' '))
        return invalid("its status is not a number from 100 to 999");
    if (!is_field_value(reason))
        return invalid("its reason phrase holds CR or NUL");
    const auto value = [&](std::size_t at) { return static_cast<unsigned>(code[at] - '0'); };
    return status_line{value(0) * 100 + value(1) * 10 + value(2), line[digits - 2] == '1'};
}

result<field_line> read_field_line(std::string_view line)
{
    field_line field;
    field.name = token_at_start(line);
    std::size_t colon = field.name.size();
    if (field.name.empty() || colon == line.size() || line[colon] != ':') { // hardly ever
        colon = line.find(':');
        if (colon == std::string_view::npos)
            return invalid("a header field has no colon");
        const auto before = line.substr(0, colon);
        field.name = before.substr(0, before.find_last_not_of(blanks) + 1);
        field.blank_before_colon = field.name.size() != before.size();
        if (!is_field_name(field.name))
            return invalid(
                "the name of a header field is empty, or holds a character that it must not");
    }
    field.value = trimmed(line.substr(colon + 1));
    if (!is_field_value(field.value))
        return invalid("the value of a header field holds CR or NUL");
    return field;
}

result<chunk_line> read_chunk_line(std::string_view line)
{
    constexpr std::size_t most_digits = 16; // of 64 bits
    chunk_line chunk;
    const char* const end = line.data() + line.size();
    const auto number = std::from_chars(line.data(), end, chunk.size, 16);
    if (number.ec == std::errc::result_out_of_range)
        return invalid("the size of a chunk is too large for a number of 64 bits");
    if (number.ec != std::errc{})
        return invalid("a chunk does not begin with its size");
    const auto digits = static_cast<std::size_t>(number.ptr - line.data());
    const auto rest = line.substr(digits);
    const auto extension = rest.substr(std::min(rest.find_first_not_of(blanks), rest.size()));
    if (!extension.empty() && extension[0] != ';')
        return invalid("the size of a chunk is followed by something else than an extension");
    if (!is_field_value(extension))
        return invalid("a chunk extension holds CR or NUL");
    chunk.extension = line.size() - std::min(digits, most_digits);
    chunk.blank_after_size = extension.size() != rest.size();
    return chunk;
}

std::optional<std::uint64_t> read_length(std::string_view digits) noexcept
{
    std::uint64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto number = std::from_chars(digits.data(), end, value);
    if (number.ec != std::errc{} || number.ptr != end)
        return std::nullopt;
    return value;
}

} // namespace weir::http::detail
