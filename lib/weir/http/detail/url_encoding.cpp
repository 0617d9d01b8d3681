#include <weir/http/detail/url_encoding.hpp>

#include <array>
#include <cstddef>

namespace weir::http::detail {
namespace {

/// The characters that a place keeps.
class kept_set {
public:
    /// Encoded are `others`, controls, the space, and everything that is not ASCII.
    explicit constexpr kept_set(std::string_view others) noexcept
    {
        for (std::size_t c = 0x21; c < 0x7f; ++c)
            keeps_[c] = others.find(static_cast<char>(c)) == others.npos;
    }
    bool has(char c) const noexcept { return keeps_[static_cast<unsigned char>(c)]; }

private:
    std::array<bool, 256> keeps_{};
};

const kept_set& kept_in(url_place place)
{
    static constexpr kept_set userinfo("\"#<>?^`{}/:;=@[\\]|");
    static constexpr kept_set path("\"#<>?^`{}");
    static constexpr kept_set query("\"#<>'");
    static constexpr kept_set fragment("\"<>`");
    switch (place) {
    case url_place::fragment:
        return fragment;
    case url_place::query:
        return query;
    case url_place::path:
        return path;
    case url_place::userinfo:
        break;
    }
    return userinfo;
}

} // namespace

void append_encoded(std::string& out, std::string_view text, url_place place)
{
    static constexpr std::string_view digits = "0123456789ABCDEF";
    const kept_set& kept = kept_in(place);
    for (;;) {
        std::size_t plain = 0;
        while (plain != text.size() && kept.has(text[plain]))
            ++plain;
        out += text.substr(0, plain);
        if (plain == text.size())
            return;
        const auto byte = static_cast<unsigned char>(text[plain]);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
        text.remove_prefix(plain + 1);
    }
}

std::string percent_decode(std::string_view text)
{
    if (text.find('%') == text.npos)
        return std::string(text);
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
