#include <weir/http/request.hpp>

#include <weir/http/detail/request_field.hpp>

#include <utility>

namespace weir::http {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

} // namespace

bool is_idempotent(verb method) noexcept
{
    switch (method) {
    case verb::get:
    case verb::head:
    case verb::put:
    case verb::delete_:
    case verb::options:
    case verb::trace:
        return true;
    default:
        return false;
    }
}

request::request(url target, verb method) : target_(std::move(target)), method_(method)
{
    secrets_ = {"Authorization", "Cookie", "Proxy-Authorization"};
}

request& request::header(std::string_view name, std::string_view value)
{
    detail::check_request_field(name, value);
    fields_.append(name, value);
    return *this;
}

request& request::secret_header(std::string_view name, std::string_view value)
{
    header(name, value);
    secrets_.emplace_back(name);
    return *this;
}

request request::moved_to(url target, verb method) const
{
    request next(*this);
    if (target.origin() != target_.origin())
        for (const auto& name : secrets_)
            next.fields_.erase(name);
    next.target_ = std::move(target);
    next.method_ = method;
    return next;
}

std::string wire_header(const request& what, std::string_view user_agent)
{
    std::string out;
    out.reserve(256);
    out += to_string(what.method());
    out += ' ';
    out += what.target().target();
    out += " HTTP/1.1\r\n";
    append_field(out, "Host", what.target().host_header());
    const auto& fields = what.fields();
    if (fields.count("User-Agent") == 0)
        append_field(out, "User-Agent", user_agent);
    if (fields.count("Accept") == 0)
        append_field(out, "Accept", "*/*");
    const auto& authorization = what.target().authorization();
    if (!authorization.empty() && fields.count("Authorization") == 0)
        append_field(out, "Authorization", authorization);
    for (const header_field field : fields)
        append_field(out, field.name, field.value);
    out += "\r\n";
    return out;
}

} // namespace weir::http
