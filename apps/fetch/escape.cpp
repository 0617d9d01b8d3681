#include "escape.hpp"

#include <cstddef>
#include <cstdint>

namespace weir_fetch {
namespace {

/// A UTF-8 character and its length in bytes; length 0 when the bytes are not UTF-8.
struct character {
    std::uint32_t code = 0;
    std::size_t length = 0;
};

character first_character(std::string_view s)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    character c;
    if (byte(0) < 0x80) {
        c.code = byte(0);
        c.length = 1;
        return c;
    }
    std::size_t length = 0;
    std::uint32_t least = 0;
    if ((byte(0) & 0xe0) == 0xc0) {
        length = 2;
        least = 0x80;
    } else if ((byte(0) & 0xf0) == 0xe0) {
        length = 3;
        least = 0x800;
    } else if ((byte(0) & 0xf8) == 0xf0) {
        length = 4;
        least = 0x10000;
    }
    if (length == 0 || s.size() < length)
        return c;
    std::uint32_t code = byte(0) & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80)
            return c;
        code = code << 6 | (byte(i) & 0x3f);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < least || code > 0x10ffff || surrogate)
        return c;
    c.code = code;
    c.length = length;
    return c;
}

/// How many characters at the front JSON, and a terminal, take as they are.
std::size_t plain_prefix(std::string_view text)
{
    const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    std::size_t count = 0;
    while (count != text.size() && is_plain(text[count]))
        ++count;
    return count;
}

/// Whether a character moves the cursor, hides what follows, or reverses the writing direction.
bool is_harmful(std::uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

void append_hex(std::string& out, std::string_view bytes)
{
    static constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char each : bytes) {
        const auto byte = static_cast<unsigned char>(each);
        out += "\\x";
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
}

/// `\uHHHH`, for a character below 0x10000.
void append_unit(std::string& out, std::uint32_t code)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
        out += digits[code >> shift & 15];
}

} // namespace

std::string escaped(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const character c = first_character(text);
        const auto taken = text.substr(0, c.length == 0 ? 1 : c.length);
        if (c.length == 0 || is_harmful(c.code) || c.code == '\\')
            append_hex(out, taken);
        else
            out += taken;
        text.remove_prefix(taken.size());
    }
    return out;
}

void append_json(std::string& out, std::string_view text)
{
    out += '"';
    for (;;) {
        const std::size_t plain = plain_prefix(text);
        out += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty())
            break;
        const character c = first_character(text);
        if (c.length == 0)
            out += "\xEF\xBF\xBD";
        else if (c.code == '"' || c.code == '\\')
            (out += '\\') += text.front();
        else if (is_harmful(c.code))
            append_unit(out, c.code);
        else
            out += text.substr(0, c.length);
        text.remove_prefix(c.length == 0 ? 1 : c.length);
    }
    out += '"';
}

} // namespace weir_fetch
