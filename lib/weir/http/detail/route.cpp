#include <weir/http/detail/route.hpp>

#include <weir/http/detail/host_port.hpp>

#include <string_view>
#include <utility>

namespace weir::http::detail {
namespace {

/// The header of a request as a proxy gets it that forwards the request: with the whole URL, and
/// with `authorization` for the proxy unless that is empty.
///
/// Source: RFC 9112 section 3.2.2.
std::string to_forward(std::string head, const url& target, std::string_view authorization)
{
    const auto path = head.find(' ') + 1;
    head.insert(path, target.scheme() + "://" + target.host_header());
    if (!authorization.empty()) {
        std::string field = "Proxy-Authorization: ";
        field.append(authorization).append("\r\n");
        head.insert(head.find("\r\n\r\n") + 2, field);
    }
    return head;
}

} // namespace

route::route(const network_options& rules, const url& target)
    : by_(rules.through().of(target)), end_(rules.hosts().lead(target.host(), target.port())),
      forwarded_(forwarder_of(rules, target) != nullptr)
{
}

std::string route::end_name() const
{
    return text_of(end_.host, end_.port);
}

const proxy* forwarder_of(const network_options& rules, const url& target)
{
    if (rules.through().empty() || target.secure() ||
        rules.hosts().leads(target.host(), target.port()))
        return nullptr;
    return rules.through().of(target);
}

const std::string& pool_key(const network_options& rules, const url& target)
{
    const proxy* by = forwarder_of(rules, target);
    return by ? by->name : target.origin();
}

std::string header_on_route(const network_options& rules, const request& what, std::string head)
{
    const proxy* by = forwarder_of(rules, what.target());
    if (!by)
        return head;
    const bool own = what.fields().count("Proxy-Authorization") != 0;
    return to_forward(std::move(head), what.target(), own ? std::string() : by->authorization);
}

} // namespace weir::http::detail
