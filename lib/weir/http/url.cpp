#include <weir/http/url.hpp>

#include <weir/http/detail/url_encoding.hpp>
#include <weir/http/detail/url_parser.hpp>

#include <openssl/evp.h>

#include <utility>
#include <vector>

namespace weir::http {
namespace {

std::string base64(std::string_view in)
{
    std::vector<unsigned char> out(4 * ((in.size() + 2) / 3) + 1);
    const auto* from = reinterpret_cast<const unsigned char*>(in.data());
    const int n = EVP_EncodeBlock(out.data(), from, static_cast<int>(in.size()));
    return std::string(out.begin(), out.begin() + n);
}

/// What people leave out: `http:`, `http://` or nothing. Fails for a text that cannot be http.
result<std::string> missing_start(std::string_view text)
{
    const auto scheme = detail::ascii_lower(detail::scheme_of(text));
    if (scheme == "http" || scheme == "https")
        return std::string();
    if (!scheme.empty()) {
        // `example.com:8080` and `user:password@host` look like a scheme as well.
        const auto behind = text.substr(scheme.size() + 1);
        if (detail::slashes_at_start(behind) >= 2 || scheme == "mailto")
            return detail::bad_url("the scheme " + scheme + " is not supported: use http or https");
        return std::string("http://");
    }
    const auto slashes = detail::slashes_at_start(text);
    if (slashes != 0 && slashes != 2)
        return detail::bad_url("there is no host name in the URL: write http://host/");
    return std::string(slashes == 2 ? "http:" : "http://");
}

} // namespace

url::parts url::parts_of(std::string_view text, const detail::url_record& record)
{
    parts made;
    made.text = text;
    made.scheme = record.scheme;
    made.host = record.host.text;
    made.target = record.path;
    if (record.query)
        made.target += "?" + *record.query;
    made.username = record.username;
    made.password = record.password;
    made.fragment = record.fragment;
    made.port = record.port.value_or(detail::default_port(record.scheme));
    made.secure = record.scheme == "https";
    made.host_is_address = record.host.kind != detail::url_host::form::name;
    made.host_header = detail::bracketed(record.host);
    made.origin = made.scheme + "://" + made.host_header + ":" + std::to_string(made.port);
    if (made.port != detail::default_port(made.scheme))
        made.host_header += ":" + std::to_string(made.port);
    if (!made.username.empty() || !made.password.empty())
        made.authorization = "Basic " + base64(detail::percent_decode(made.username) + ":" +
                                               detail::percent_decode(made.password));
    return made;
}

result<url> url::parse(std::string_view text, dot_segments dots)
{
    const auto trimmed = detail::trim(text);
    if (trimmed.size() > max_length)
        return detail::bad_url("the URL is longer than 64 KiB");
    const auto clean = detail::without_line_breaks(trimmed);
    if (clean.empty())
        return detail::bad_url("the URL is empty");
    auto full = missing_start(clean);
    if (!full)
        return full.error();
    *full += clean;
    const auto parts = detail::parse_url(*full, nullptr, dots);
    if (!parts)
        return parts.error();
    return url(parts_of(trimmed, *parts));
}

result<url> url::resolve(std::string_view reference) const
{
    const auto trimmed = detail::trim(reference);
    if (trimmed.size() > max_length)
        return detail::bad_url("the new URL is longer than 64 KiB");
    const auto base = record();
    const auto clean = detail::without_line_breaks(trimmed);
    auto next = detail::parse_url(clean, &base, dot_segments::remove);
    if (!next)
        return next.error();
    if (!next->fragment)
        next->fragment = parts_->fragment;
    parts made = parts_of({}, *next);
    if (made.authorization.empty() && made.origin == parts_->origin) {
        made.username = parts_->username;
        made.password = parts_->password;
        made.authorization = parts_->authorization;
    }
    made.text = made.scheme + "://" + made.host_header + made.target;
    return url(std::move(made));
}

detail::url_record url::record() const
{
    detail::url_record out;
    out.scheme = parts_->scheme;
    out.username = parts_->username;
    out.password = parts_->password;
    out.host.text = parts_->host;
    if (parts_->host_is_address)
        out.host.kind = parts_->host.find(':') == std::string::npos ? detail::url_host::form::ipv4
                                                                    : detail::url_host::form::ipv6;
    if (parts_->port != detail::default_port(parts_->scheme))
        out.port = parts_->port;
    const auto mark = parts_->target.find('?');
    out.path = parts_->target.substr(0, mark);
    if (mark != std::string::npos)
        out.query = parts_->target.substr(mark + 1);
    out.fragment = parts_->fragment;
    return out;
}

std::string url::str() const
{
    return parts_->scheme + "://" + parts_->host_header + parts_->target;
}

std::string url::href() const
{
    std::string out = parts_->scheme + "://" + parts_->username;
    if (!parts_->password.empty())
        out += ":" + parts_->password;
    if (!parts_->authorization.empty())
        out += "@";
    out += parts_->host_header + parts_->target;
    if (parts_->fragment)
        out += "#" + *parts_->fragment;
    return out;
}

} // namespace weir::http
