#include <weir/http/url.hpp>

#include <weir/http/detail/url_parts.hpp>

#include <boost/url/decode_view.hpp>
#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>
#include <boost/url/pct_string_view.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>
#include <vector>

namespace weir::http {
namespace {

namespace urls = boost::urls;

bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_control(char c)
{
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool has_control(std::string_view s)
{
    return std::any_of(s.begin(), s.end(), is_control);
}

std::string_view trim(std::string_view s)
{
    static constexpr std::string_view spaces = " \t\r\n";
    const auto first = s.find_first_not_of(spaces);
    if (first == std::string_view::npos)
        return {};
    return s.substr(first, s.find_last_not_of(spaces) - first + 1);
}

std::string lower(std::string_view s)
{
    std::string out(s);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

failure bad_url(std::string text)
{
    return failure(error_class::bad_url, std::move(text));
}

std::string base64(std::string_view in)
{
    std::vector<unsigned char> out(4 * ((in.size() + 2) / 3) + 1);
    const auto* from = reinterpret_cast<const unsigned char*>(in.data());
    const int n = EVP_EncodeBlock(out.data(), from, static_cast<int>(in.size()));
    return std::string(out.begin(), out.begin() + n);
}

std::uint16_t default_port(std::string_view scheme)
{
    return scheme == "https" ? 443 : 80;
}

/// The port in `digits`; 0 when it is not one.
std::uint16_t port_number(std::string_view digits)
{
    unsigned value = 0;
    const auto* end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, value);
    if (parsed.ec != std::errc{} || parsed.ptr != end || value > 65535)
        return 0;
    return static_cast<std::uint16_t>(value);
}

bool is_host_name(std::string_view host)
{
    return host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
               return is_alnum(c) || c == '-' || c == '.' || c == '_';
           });
}

/// What is wrong with the part between `//` and the path; empty when it is valid.
std::string authority_fault(std::string_view authority)
{
    for (const char c : authority) {
        if (static_cast<unsigned char>(c) >= 0x80)
            return "the host name is not ASCII: write it in its xn-- form (punycode)";
        if (c == ' ')
            return "there is a space in the host name";
        if (c == '\\')
            return "there is a backslash in the host name";
    }
    return {};
}

/// Decodes %xx. A name or password that is not escaped correctly is taken as it is.
std::string decode(std::string_view escaped)
{
    const auto view = urls::make_pct_string_view(escaped);
    if (!view)
        return std::string(escaped);
    std::string out;
    for (const char c : **view)
        out += c;
    return out;
}

} // namespace

/// Builds a `url` part by part. A function that fails returns false and leaves a text in `fault_`.
class url_builder {
public:
    static result<url> build(std::string_view text, const detail::url_parts& parts);

private:
    bool scheme(std::string_view text);
    bool authority(std::string_view text);
    bool host(std::string_view text);
    bool port(std::string_view text);
    void userinfo(std::string_view text);
    void target(const detail::url_parts& parts);

    url made_;
    std::string bracketed_;
    std::string fault_;
};

result<url> url_builder::build(std::string_view text, const detail::url_parts& parts)
{
    url_builder b;
    b.made_.text_ = text;
    if (!b.scheme(parts.scheme) || !b.authority(parts.authority.value_or("")))
        return bad_url(std::move(b.fault_));
    b.target(parts);
    return std::move(b.made_);
}

bool url_builder::scheme(std::string_view text)
{
    made_.scheme_ = lower(text);
    if (made_.scheme_ == "http" || made_.scheme_ == "https")
        return true;
    fault_ = "the scheme " + made_.scheme_ + " is not supported: use http or https";
    return false;
}

bool url_builder::authority(std::string_view text)
{
    fault_ = authority_fault(text);
    if (!fault_.empty())
        return false;
    const auto parts = detail::split_authority(text);
    if (!host(parts.host) || !port(parts.port))
        return false;
    if (parts.userinfo)
        userinfo(*parts.userinfo);
    made_.origin_ = made_.scheme_ + "://" + bracketed_ + ":" + std::to_string(made_.port_);
    return true;
}

bool url_builder::host(std::string_view text)
{
    if (text.empty()) {
        fault_ = "there is no host name in the URL";
        return false;
    }
    if (text.front() == '[') {
        const auto inner = text.substr(1, text.size() < 2 ? 0 : text.size() - 2);
        const auto six = urls::parse_ipv6_address(inner);
        if (text.back() != ']' || !six) {
            fault_ = "the address in brackets is not an IPv6 address (a zone is not supported)";
            return false;
        }
        made_.host_ = lower(six->to_string());
        made_.host_is_address_ = true;
        bracketed_ = "[" + made_.host_ + "]";
        return true;
    }
    made_.host_ = lower(text);
    bracketed_ = made_.host_;
    if (!is_host_name(made_.host_)) {
        fault_ = "the host name holds a character that is not allowed";
        return false;
    }
    made_.host_is_address_ = urls::parse_ipv4_address(made_.host_).has_value();
    return true;
}

bool url_builder::port(std::string_view text)
{
    made_.port_ = text.empty() ? default_port(made_.scheme_) : port_number(text);
    if (made_.port_ == 0)
        fault_ = "the port is not a number from 1 to 65535";
    return made_.port_ != 0;
}

void url_builder::userinfo(std::string_view text)
{
    const auto colon = text.find(':');
    std::string pair = decode(text.substr(0, colon)) + ":";
    if (colon != std::string_view::npos)
        pair += decode(text.substr(colon + 1));
    made_.authorization_ = "Basic " + base64(pair);
}

void url_builder::target(const detail::url_parts& parts)
{
    const auto clean = [](std::string_view s) {
        return detail::normalise_escapes(detail::encode_illegal(s));
    };
    made_.target_ = detail::remove_dot_segments(clean(parts.path));
    if (made_.target_.empty())
        made_.target_ = "/";
    if (parts.query)
        made_.target_ += "?" + clean(*parts.query);
    if (parts.fragment)
        made_.fragment_ = clean(*parts.fragment);
}

result<url> url::parse(std::string_view text)
{
    const auto trimmed = trim(text);
    if (trimmed.empty())
        return bad_url("the URL is empty");
    if (trimmed.size() > max_length)
        return bad_url("the URL is longer than 64 KiB");
    if (has_control(trimmed))
        return bad_url("there is a control character in the URL");
    std::string full(trimmed);
    const auto parts = detail::split_url(trimmed);
    if (!parts.authority && (lower(parts.scheme) == "http" || lower(parts.scheme) == "https"))
        return bad_url("there is no host name in the URL: write " + lower(parts.scheme) +
                       "://host/");
    if (!parts.authority && lower(parts.scheme) == "mailto") // else read as user and password
        return bad_url("the scheme mailto is not supported: use http or https");
    if (parts.scheme.empty() || !parts.authority)
        full.insert(0, parts.authority ? "http:" : "http://");
    return url_builder::build(trimmed, detail::split_url(full));
}

result<url> url::resolve(std::string_view reference) const
{
    const auto trimmed = trim(reference);
    if (trimmed.size() > max_length)
        return bad_url("the new URL is longer than 64 KiB");
    if (has_control(trimmed))
        return bad_url("there is a control character in the new URL");
    auto parts = detail::split_url(trimmed);
    const auto base_text = str();
    const auto base = detail::split_url(base_text);
    std::string path;
    const bool whole = !parts.scheme.empty();
    if (!whole)
        parts.scheme = base.scheme;
    if (!whole && !parts.authority) {
        parts.authority = base.authority;
        if (parts.path.empty()) {
            parts.path = base.path;
            if (!parts.query)
                parts.query = base.query;
        } else if (parts.path.front() != '/') {
            path = detail::merge_paths(base.path, parts.path);
            parts.path = path;
        }
    }
    auto next = url_builder::build("", parts);
    if (!next)
        return next;
    next->text_ = next->str();
    if (!parts.fragment)
        next->fragment_ = fragment_;
    if (next->authorization_.empty() && next->origin_ == origin_)
        next->authorization_ = authorization_;
    return next;
}

std::string url::host_header() const
{
    auto value = origin_.substr(scheme_.size() + 3);
    if (port_ == default_port(scheme_))
        value.resize(value.rfind(':'));
    return value;
}

std::string url::str() const
{
    return scheme_ + "://" + host_header() + target_;
}

} // namespace weir::http
