#include <weir/http/detail/url_encoding.hpp>

#include <cstddef>

namespace weir::http::detail {
namespace {

/// What is encoded in `place` beside controls, the space and everything that is not ASCII.
std::string_view encoded_in(url_place place)
{
    switch (place) {
    case url_place::fragment:
        return "\"<>`";
    case url_place::query:
        return "\"#<>'";
    case url_place::path:
        return "\"#<>?^`{}";
    case url_place::userinfo:
        break;
    }
    return "\"#<>?^`{}/:;=@[\\]|";
}

} // namespace

void append_encoded(std::string& out, std::string_view text, url_place place)
{
    static constexpr std::string_view digits = "0123456789ABCDEF";
    const auto encoded = encoded_in(place);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7f && encoded.find(c) == std::string_view::npos) {
            out += c;
            continue;
        }
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
}

std::string percent_decode(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '%' && text.size() - i > 2;
        const int high = escape ? hex_value(text[i + 1]) : -1;
        const int low = escape ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            out += text[i];
            continue;
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

int hex_value(char c) noexcept
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

std::string ascii_lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

} // namespace weir::http::detail
