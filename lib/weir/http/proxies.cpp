#include <weir/http/proxies.hpp>

#include <weir/http/detail/host_port.hpp>
#include <weir/http/detail/no_proxy.hpp>
#include <weir/http/detail/url_encoding.hpp>
#include <weir/http/detail/url_parser.hpp>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace weir::http {
namespace {

[[noreturn]] void refuse(const std::string& why)
{
    throw std::invalid_argument("weir::http::proxies: " + why);
}

/// Whether a port stands in the URL, be it the default of its scheme.
bool names_port(std::string_view text)
{
    const auto slashes = text.find("//");
    if (slashes != text.npos)
        text.remove_prefix(slashes + 2);
    text = text.substr(0, text.find_first_of("/\\?#"));
    text.remove_prefix(text.rfind('@') + 1); // nothing where there is none
    text.remove_prefix(text.rfind(']') + 1); // the colons of an IPv6 address
    const auto colon = text.find(':');
    return colon != text.npos && colon + 1 < text.size();
}

std::optional<proxy> parse(std::string_view text)
{
    text = detail::trim(text);
    if (text.empty())
        return std::nullopt;
    const auto scheme = detail::ascii_lower(detail::scheme_of(text));
    if (text.find("://") != text.npos && scheme != "http" && scheme != "https")
        refuse("a proxy must begin with http:// or https://; SOCKS is not supported");
    const auto read = url::parse(text);
    if (!read)
        refuse("not the URL of a proxy: " + read.error().text());
    proxy made;
    made.host = read->host();
    made.port = names_port(text) || read->secure() ? read->port() : 1080;
    made.authorization = read->authorization();
    made.name = detail::text_of(made.host, made.port);
    if (read->secure())
        made.secured = url::parse("https://" + made.name + "/").value();
    return made;
}

/// The first of the variables that is set, be it empty.
const char* first_of(const proxies::variables& read, std::initializer_list<const char*> names)
{
    for (const char* name : names)
        if (const char* found = read(name))
            return found;
    return nullptr;
}

} // namespace

proxies proxies::from_environment()
{
    return from_environment([](const char* name) -> const char* { return std::getenv(name); });
}

proxies proxies::from_environment(const variables& read)
{
    proxies made;
    if (const char* found = first_of(read, {"http_proxy", "all_proxy", "ALL_PROXY"}))
        made.http(found);
    if (const char* found =
            first_of(read, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}))
        made.https(found);
    if (const char* found = first_of(read, {"no_proxy", "NO_PROXY"}))
        made.except(found);
    return made;
}

proxies& proxies::http(std::string_view proxy_url)
{
    http_ = parse(proxy_url);
    return *this;
}

proxies& proxies::https(std::string_view proxy_url)
{
    https_ = parse(proxy_url);
    return *this;
}

proxies& proxies::all(std::string_view proxy_url)
{
    return http(proxy_url).https(proxy_url);
}

proxies& proxies::except(std::string_view hosts)
{
    except_ = hosts;
    return *this;
}

const proxy* proxies::of(const url& target) const
{
    const auto& one = target.secure() ? https_ : http_;
    return one && !detail::names_host(except_, target) ? &*one : nullptr;
}

} // namespace weir::http
