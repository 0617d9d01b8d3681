#include <weir/http/detail/route.hpp>

#include <weir/http/detail/tunnel.hpp>

#include <utility>

namespace weir::http::detail {

route::route(const network_options& rules, const url& target)
    : by_(rules.through().of(target)), end_(rules.hosts().lead(target.host(), target.port())),
      forwarded_(forwarder_of(rules, target) != nullptr)
{
}

std::string route::end_name() const
{
    const bool is_v6 = end_.host.find(':') != end_.host.npos;
    return (is_v6 ? "[" + end_.host + "]" : end_.host) + ":" + std::to_string(end_.port);
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
