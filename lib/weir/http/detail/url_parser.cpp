#include <weir/http/detail/url_parser.hpp>

#include <weir/http/detail/digits.hpp>
#include <weir/http/detail/url_encoding.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace weir::http::detail {
namespace {

constexpr std::string_view slashes = "/\\";

bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string encoded(std::string_view text, url_place place)
{
    std::string out;
    append_encoded(out, text, place);
    return out;
}

/// Removes `mark` and what follows it from `text`, and returns what follows, encoded.
std::optional<std::string> cut_behind(std::string_view& text, char mark, url_place place)
{
    const auto at = text.find(mark);
    if (at == std::string_view::npos)
        return std::nullopt;
    const auto behind = text.substr(at + 1);
    text = text.substr(0, at);
    return encoded(behind, place);
}

/// The number of dots that a segment stands for, where it is a dot segment; otherwise 0.
int dots_in(std::string_view segment)
{
    int dots = 0;
    while (!segment.empty() && dots < 3) {
        const auto third = segment.substr(0, 3);
        const bool escaped = third == "%2e" || third == "%2E";
        if (!escaped && segment.front() != '.')
            return 0;
        segment.remove_prefix(escaped ? 3 : 1);
        ++dots;
    }
    return dots < 3 ? dots : 0;
}

void remove_last_segment(std::string& path)
{
    path.resize(path.empty() ? 0 : path.rfind('/'));
}

/// Adds the segments of `text`, which has no slash before its first, to `path`.
void append_segments(std::string& path, std::string_view text, dot_segments how)
{
    for (bool last = false; !last;) {
        const auto end = std::min(text.find_first_of(slashes), text.size());
        const auto segment = text.substr(0, end);
        last = end == text.size();
        text.remove_prefix(last ? end : end + 1);
        const int dots = how == dot_segments::remove ? dots_in(segment) : 0;
        if (dots == 2)
            remove_last_segment(path);
        if (dots > 0 && !last)
            continue;
        path += '/';
        if (dots == 0)
            append_encoded(path, segment, url_place::path);
    }
}

/// Reads a URL part by part. A function that fails returns false and leaves the reason in `fault`.
class url_reader {
public:
    explicit url_reader(dot_segments dots) : dots_(dots) {}

    bool read(std::string_view text, const url_record* base);

    url_record made;
    failure fault;

private:
    bool scheme(std::string_view text, std::string_view behind);
    bool behind_slashes(std::string_view text);
    bool authority(std::string_view text);
    bool port(std::string_view text);
    bool fail(std::string text);
    void userinfo(std::string_view text);
    void relative(std::string_view text, const url_record& base);

    const dot_segments dots_;
};

bool url_reader::fail(std::string text)
{
    fault = bad_url(std::move(text));
    return false;
}

bool url_reader::read(std::string_view text, const url_record* base)
{
    made.fragment = cut_behind(text, '#', url_place::fragment);
    made.query = cut_behind(text, '?', url_place::query);
    const auto written = scheme_of(text);
    if (!written.empty()) {
        text.remove_prefix(written.size() + 1);
        if (!scheme(written, text))
            return false;
    } else if (base == nullptr) {
        return fail("there is no scheme in the URL: write http://host/");
    } else {
        made.scheme = base->scheme;
    }
    // `http:x` is relative to an http URL, and stands for http://x where there is none.
    const bool absolute = base == nullptr || base->scheme != made.scheme;
    if (absolute || slashes_at_start(text) >= 2)
        return behind_slashes(text);
    relative(text, *base);
    return true;
}

bool url_reader::scheme(std::string_view text, std::string_view behind)
{
    made.scheme = ascii_lower(text);
    if (made.scheme == "http" || made.scheme == "https")
        return true;
    // `user:password@host` has a scheme by the letter.
    const auto name = slashes_at_start(behind) < 2 ? std::string() : made.scheme + " ";
    return fail("the scheme " + name + "is not supported: use http or https");
}

/// Reads the authority and the path; it does not matter how many slashes come before them.
bool url_reader::behind_slashes(std::string_view text)
{
    text.remove_prefix(slashes_at_start(text));
    const auto end = std::min(text.find_first_of(slashes), text.size());
    if (!authority(text.substr(0, end)))
        return false;
    text.remove_prefix(std::min(end + 1, text.size()));
    append_segments(made.path, text, dots_);
    return true;
}

bool url_reader::authority(std::string_view text)
{
    const auto at = text.rfind('@');
    if (at != std::string_view::npos) {
        userinfo(text.substr(0, at));
        text.remove_prefix(at + 1);
    }
    const auto bracket = text.rfind(']');
    const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    auto host = parse_host(text.substr(0, colon));
    if (!host) {
        fault = host.error();
        return false;
    }
    made.host = std::move(*host);
    return colon == std::string_view::npos || port(text.substr(colon + 1));
}

void url_reader::userinfo(std::string_view text)
{
    const auto colon = text.find(':');
    made.username = encoded(text.substr(0, colon), url_place::userinfo);
    if (colon != std::string_view::npos)
        made.password = encoded(text.substr(colon + 1), url_place::userinfo);
}

bool url_reader::port(std::string_view text)
{
    unsigned value = 0;
    for (const char c : text) {
        if (!is_digit(c))
            return fail("the port is not a number: write digits after the colon, or no colon");
        value = value * 10 + static_cast<unsigned>(c - '0');
        if (value > 65535)
            return fail("the port is above 65535: write the number of a port");
    }
    if (!text.empty() && value != default_port(made.scheme))
        made.port = static_cast<std::uint16_t>(value);
    return true;
}

void url_reader::relative(std::string_view text, const url_record& base)
{
    made.username = base.username;
    made.password = base.password;
    made.host = base.host;
    made.port = base.port;
    if (text.empty()) {
        made.path = base.path;
        if (!made.query)
            made.query = base.query;
        return;
    }
    if (slashes_at_start(text) == 1) {
        text.remove_prefix(1);
    } else {
        made.path = base.path;
        remove_last_segment(made.path);
    }
    append_segments(made.path, text, dots_);
}

} // namespace

std::string_view trim(std::string_view text)
{
    const auto is_content = [](char c) { return static_cast<unsigned char>(c) > 0x20; };
    const auto first = std::find_if(text.begin(), text.end(), is_content);
    text.remove_prefix(static_cast<std::size_t>(first - text.begin()));
    const auto last = std::find_if(text.rbegin(), text.rend(), is_content);
    text.remove_suffix(static_cast<std::size_t>(last - text.rbegin()));
    return text;
}

std::string without_line_breaks(std::string_view text)
{
    std::string out(text);
    std::erase_if(out, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
    return out;
}

std::string_view scheme_of(std::string_view text)
{
    const auto is_part = [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    };
    const auto colon = std::find_if_not(text.begin(), text.end(), is_part);
    if (text.empty() || !is_letter(text.front()) || colon == text.end() || *colon != ':')
        return {};
    return text.substr(0, static_cast<std::size_t>(colon - text.begin()));
}

std::uint16_t default_port(std::string_view scheme)
{
    return scheme == "https" ? 443 : 80;
}

std::size_t slashes_at_start(std::string_view text)
{
    return std::min(text.find_first_not_of(slashes), text.size());
}

result<url_record> parse_url(std::string_view text, const url_record* base, dot_segments dots)
{
    url_reader reader(dots);
    if (!reader.read(text, base))
        return std::move(reader.fault);
    return std::move(reader.made);
}

} // namespace weir::http::detail
