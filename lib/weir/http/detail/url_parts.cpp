#include <weir/http/detail/url_parts.hpp>

#include <algorithm>
#include <cstddef>

namespace weir::http::detail {
namespace {

bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_scheme_char(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

bool is_unreserved(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/// Whether a character may stand in a path, query or fragment, separators included.
bool is_legal_after_authority(char c)
{
    static constexpr std::string_view others = "-._~!$&'()*+,;=:@/?#";
    return is_letter(c) || (c >= '0' && c <= '9') || others.find(c) != std::string_view::npos;
}

/// Removes `mark` and what follows it from `text`, and returns what follows.
std::optional<std::string_view> cut_behind(std::string_view& text, char mark)
{
    const auto at = text.find(mark);
    if (at == std::string_view::npos)
        return std::nullopt;
    const auto behind = text.substr(at + 1);
    text = text.substr(0, at);
    return behind;
}

} // namespace

url_parts split_url(std::string_view text)
{
    url_parts parts;
    parts.fragment = cut_behind(text, '#');
    parts.query = cut_behind(text, '?');
    const auto colon = text.find_first_of(":/");
    if (colon != std::string_view::npos && text[colon] == ':' && colon > 0 && is_letter(text[0])) {
        const auto head = text.substr(0, colon);
        if (std::all_of(head.begin(), head.end(), is_scheme_char)) {
            parts.scheme = head;
            text.remove_prefix(colon + 1);
        }
    }
    if (text.substr(0, 2) == "//") {
        text.remove_prefix(2);
        const auto end = std::min(text.find('/'), text.size());
        parts.authority = text.substr(0, end);
        text.remove_prefix(end);
    }
    parts.path = text;
    return parts;
}

authority_parts split_authority(std::string_view authority)
{
    authority_parts parts;
    const auto at = authority.rfind('@');
    if (at != std::string_view::npos) {
        parts.userinfo = authority.substr(0, at);
        authority.remove_prefix(at + 1);
    }
    const auto bracket = authority.rfind(']');
    const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    parts.host = authority.substr(0, colon);
    if (colon != std::string_view::npos)
        parts.port = authority.substr(colon + 1);
    return parts;
}

std::string encode_illegal(std::string_view text)
{
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool escape = c == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                            hex_value(text[i + 2]) >= 0;
        if (escape || is_legal_after_authority(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

std::string normalise_escapes(std::string_view text)
{
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '%' && i + 2 < text.size();
        const int high = escape ? hex_value(text[i + 1]) : -1;
        const int low = escape ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            out += text[i];
            continue;
        }
        const char plain = static_cast<char>(high * 16 + low);
        if (is_unreserved(plain)) {
            out += plain;
        } else {
            out += '%';
            out += digits[static_cast<unsigned>(high)];
            out += digits[static_cast<unsigned>(low)];
        }
        i += 2;
    }
    return out;
}

std::string remove_dot_segments(std::string_view path)
{
    std::string out;
    out.reserve(path.size());
    while (!path.empty()) {
        // Takes a segment with the slash before it, so the output always begins with a slash.
        if (path.front() == '/')
            path.remove_prefix(1);
        const auto end = std::min(path.find('/'), path.size());
        const auto segment = path.substr(0, end);
        const bool last = end == path.size();
        path.remove_prefix(end);
        if (segment == "..")
            out.resize(out.empty() ? 0 : out.rfind('/'));
        if (segment == "." || segment == "..") {
            if (last)
                out += '/';
            continue;
        }
        out += '/';
        out += segment;
    }
    return out;
}

std::string merge_paths(std::string_view base, std::string_view reference)
{
    const auto slash = base.rfind('/');
    std::string out(slash == std::string_view::npos ? "/" : base.substr(0, slash + 1));
    out += reference;
    return out;
}

} // namespace weir::http::detail
