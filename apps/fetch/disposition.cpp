#include "disposition.hpp"

#include <weir/http/headers.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>

namespace weir_fetch {
namespace {

using weir::http::same_token;

constexpr std::string_view blanks = " \t";

std::string_view without_blanks(std::string_view text)
{
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// Takes a quoted string from the front of `rest`, without its marks and backslashes.
std::string take_quoted(std::string_view& rest)
{
    std::string out;
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() != '"') {
        if (rest.front() == '\\' && rest.size() > 1)
            rest.remove_prefix(1);
        out += rest.front();
        rest.remove_prefix(1);
    }
    return out;
}

/// Takes all before the next semicolon that is not in a quoted string.
std::string_view take_parameter(std::string_view& rest)
{
    bool is_quoted = false;
    std::size_t end = 0;
    for (; end != rest.size() && (is_quoted || rest[end] != ';'); ++end) {
        if (is_quoted && rest[end] == '\\' && end + 1 != rest.size())
            ++end;
        else if (rest[end] == '"')
            is_quoted = !is_quoted;
    }
    const auto out = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return out;
}

int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/// Undoes percent-encoding; nothing when it is not one.
std::optional<std::string> decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
            return std::nullopt;
        out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
    }
    return out;
}

/// Each byte as the character of that number, in UTF-8.
std::string from_latin_1(std::string_view text)
{
    std::string out;
    for (const char each : text) {
        const auto byte = static_cast<unsigned char>(each);
        if (byte >= 0x80)
            out += static_cast<char>(0xc0 | byte >> 6);
        out += static_cast<char>(byte < 0x80 ? byte : 0x80 | (byte & 0x3f));
    }
    return out;
}

/// `UTF-8'en'a%20name`; nothing when it is not of this form.
std::optional<std::string> extended(std::string_view value)
{
    const auto first = value.find('\'');
    if (first == std::string_view::npos)
        return std::nullopt;
    const auto second = value.find('\'', first + 1);
    if (second == std::string_view::npos)
        return std::nullopt;
    const auto charset = value.substr(0, first);
    auto name = decoded(value.substr(second + 1));
    if (name && same_token(charset, "ISO-8859-1"))
        return from_latin_1(*name);
    return same_token(charset, "UTF-8") ? name : std::nullopt;
}

/// With every byte that is not ASCII percent-encoded.
std::string in_ascii(std::string_view text)
{
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char each : text) {
        const auto byte = static_cast<unsigned char>(each);
        if (byte < 0x80)
            out += each;
        else
            ((out += '%') += digits[byte >> 4]) += digits[byte & 15];
    }
    return out;
}

} // namespace

std::string disposition_name(std::string_view value)
{
    std::string plain;
    std::optional<std::string> best;
    take_parameter(value); // `attachment` or `inline`
    while (!value.empty()) {
        const auto parameter = take_parameter(value);
        const auto equals = parameter.find('=');
        if (equals == std::string_view::npos)
            continue;
        const auto name = without_blanks(parameter.substr(0, equals));
        auto text = without_blanks(parameter.substr(equals + 1));
        if (same_token(name, "filename*") && !best)
            best = extended(text);
        else if (same_token(name, "filename") && plain.empty())
            plain = text.starts_with('"') ? take_quoted(text) : std::string(text);
    }
    return in_ascii(best ? *best : plain);
}

} // namespace weir_fetch
