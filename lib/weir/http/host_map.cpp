#include <weir/http/host_map.hpp>

#include <weir/error.hpp>
#include <weir/http/detail/host_port.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir::http {
namespace {

[[noreturn]] void refuse(const char* what, std::string_view text, const char* why)
{
    throw std::invalid_argument("weir::http::host_map::" + std::string(what) + ": '" +
                                std::string(text) + "' " + why);
}

detail::host_port parse(const char* what, std::string_view text)
{
    auto read = detail::parse_host_port(text);
    if (!read)
        refuse(what, text, "is not of the form host:port");
    return std::move(*read);
}

} // namespace

host_map& host_map::resolve(std::string_view host, const std::vector<std::string>& to)
{
    auto of = parse("resolve", host);
    if (of.host.empty())
        refuse("resolve", host, "names no host; write * for all of them");
    if (to.empty())
        refuse("resolve", host, "has no addresses");
    line made{std::move(of.host), of.port, {}};
    for (const std::string& each : to) {
        error_code error;
        made.found.push_back(boost::asio::ip::make_address(each, error));
        if (error)
            refuse("resolve", each, "is not an address, such as 192.0.2.1");
    }
    std::erase_if(lines_, [&made](const line& each) {
        return each.host == made.host && each.port == made.port;
    });
    lines_.push_back(std::move(made));
    return *this;
}

host_map& host_map::connect_to(std::string_view from, std::string_view to)
{
    auto left = parse("connect_to", from);
    auto right = parse("connect_to", to);
    if (left.host == "*" || right.host == "*")
        refuse("connect_to", left.host == "*" ? from : to, "is no host; leave it out for any host");
    ways_.push_back({std::move(left.host), left.port, std::move(right.host), right.port});
    return *this;
}

const addresses* host_map::find(std::string_view host, std::uint16_t port) const
{
    const line* best = nullptr;
    int most = -1;
    for (const line& each : lines_) {
        const bool named = each.host == detail::without_last_dot(host);
        if ((!named && each.host != "*") || (each.port && *each.port != port))
            continue;
        const int says = (named ? 2 : 0) + (each.port ? 1 : 0);
        if (says > most)
            best = &each;
        most = std::max(most, says);
    }
    return best ? &best->found : nullptr;
}

host_map::place host_map::lead(const std::string& host, std::uint16_t port) const
{
    const way* found = way_of(host, port);
    if (!found)
        return {host, port};
    return {found->to_host.empty() ? host : found->to_host, found->to_port.value_or(port)};
}

bool host_map::leads(std::string_view host, std::uint16_t port) const
{
    return way_of(host, port) != nullptr;
}

const host_map::way* host_map::way_of(std::string_view host, std::uint16_t port) const
{
    const auto fits = [&](const way& each) {
        return (each.host.empty() || each.host == detail::without_last_dot(host)) &&
               (!each.port || *each.port == port);
    };
    const auto at = std::find_if(ways_.begin(), ways_.end(), fits);
    return at == ways_.end() ? nullptr : &*at;
}

} // namespace weir::http
