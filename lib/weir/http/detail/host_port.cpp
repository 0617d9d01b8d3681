#include <weir/http/detail/host_port.hpp>

#include <weir/http/detail/url_host.hpp>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace weir::http::detail {
namespace {

/// How much of `text` is the host; the rest is empty or begins with a colon.
std::size_t length_of_host(std::string_view text)
{
    if (text.starts_with('['))
        return std::min(text.find(']'), text.size() - 1) + 1;
    const bool one_colon = std::count(text.begin(), text.end(), ':') == 1;
    return one_colon ? text.find(':') : text.size(); // more are in an IPv6 address
}

/// The host as URLs write it; empty when it is none.
std::optional<std::string> normal_host(std::string_view host)
{
    if (host.empty() || host == "*")
        return std::string(host);
    const bool is_bare_v6 = host.front() != '[' && host.find(':') != host.npos;
    auto read = parse_host(is_bare_v6 ? "[" + std::string(host) + "]" : std::string(host));
    if (!read)
        return std::nullopt;
    return std::string(without_last_dot(read->text));
}

} // namespace

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0)
        return std::nullopt;
    return port;
}

std::optional<host_port> parse_host_port(std::string_view text)
{
    const auto length = length_of_host(text);
    auto host = normal_host(text.substr(0, length));
    if (!host)
        return std::nullopt;
    host_port out{std::move(*host), std::nullopt};
    if (length == text.size())
        return out;
    out.port = text[length] == ':' ? parse_port(text.substr(length + 1)) : std::nullopt;
    return out.port ? std::optional(std::move(out)) : std::nullopt;
}

std::string text_of(const std::string& host, std::uint16_t port)
{
    const bool is_v6 = host.find(':') != host.npos;
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string_view without_last_dot(std::string_view name)
{
    return name.size() > 1 && name.back() == '.' ? name.substr(0, name.size() - 1) : name;
}

} // namespace weir::http::detail
