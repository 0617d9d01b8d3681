#include <weir/http/url.hpp>

#include <weir/http/detail/url_encoding.hpp>
#include <weir/http/detail/url_parser.hpp>

#include <openssl/evp.h>

#include <utility>
#include <vector>

namespace weir::http {
namespace {

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
            return bad_url("the scheme " + scheme + " is not supported: use http or https");
        return std::string("http://");
    }
    const auto slashes = detail::slashes_at_start(text);
    if (slashes != 0 && slashes != 2)
        return bad_url("there is no host name in the URL: write http://host/");
    return std::string(slashes == 2 ? "http:" : "http://");
}

} // namespace

url::url(std::string_view text, const detail::url_record& parts)
    : text_(text), scheme_(parts.scheme), host_(parts.host.text), target_(parts.path),
      username_(parts.username), password_(parts.password), fragment_(parts.fragment),
      port_(parts.port.value_or(default_port(parts.scheme))),
      host_is_address_(parts.host.kind != detail::url_host::form::name)
{
    if (parts.query)
        target_ += "?" + *parts.query;
    origin_ = scheme_ + "://" + detail::bracketed(parts.host) + ":" + std::to_string(port_);
    if (!username_.empty() || !password_.empty())
        authorization_ = "Basic " + base64(detail::percent_decode(username_) + ":" +
                                           detail::percent_decode(password_));
}

result<url> url::parse(std::string_view text, dot_segments dots)
{
    const auto trimmed = detail::trim(text);
    if (trimmed.size() > max_length)
        return bad_url("the URL is longer than 64 KiB");
    const auto clean = detail::without_line_breaks(trimmed);
    if (clean.empty())
        return bad_url("the URL is empty");
    auto full = missing_start(clean);
    if (!full)
        return full.error();
    *full += clean;
    const auto parts = detail::parse_url(*full, nullptr, dots);
    if (!parts)
        return parts.error();
    return url(trimmed, *parts);
}

result<url> url::resolve(std::string_view reference) const
{
    const auto trimmed = detail::trim(reference);
    if (trimmed.size() > max_length)
        return bad_url("the new URL is longer than 64 KiB");
    const auto base = parts();
    const auto clean = detail::without_line_breaks(trimmed);
    auto next = detail::parse_url(clean, &base, dot_segments::remove);
    if (!next)
        return next.error();
    if (!next->fragment)
        next->fragment = fragment_;
    url made("", *next);
    if (made.authorization_.empty() && made.origin_ == origin_) {
        made.username_ = username_;
        made.password_ = password_;
        made.authorization_ = authorization_;
    }
    made.text_ = made.str();
    return made;
}

detail::url_record url::parts() const
{
    detail::url_record out;
    out.scheme = scheme_;
    out.username = username_;
    out.password = password_;
    out.host.text = host_;
    if (host_is_address_)
        out.host.kind = host_.find(':') == std::string::npos ? detail::url_host::form::ipv4
                                                             : detail::url_host::form::ipv6;
    if (port_ != default_port(scheme_))
        out.port = port_;
    const auto mark = target_.find('?');
    out.path = target_.substr(0, mark);
    if (mark != std::string::npos)
        out.query = target_.substr(mark + 1);
    out.fragment = fragment_;
    return out;
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

std::string url::href() const
{
    std::string out = scheme_ + "://" + username_;
    if (!password_.empty())
        out += ":" + password_;
    if (!authorization_.empty())
        out += "@";
    out += host_header() + target_;
    if (fragment_)
        out += "#" + *fragment_;
    return out;
}

} // namespace weir::http
