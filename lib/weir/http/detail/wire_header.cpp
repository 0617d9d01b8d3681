#include <weir/http/detail/wire_header.hpp>

#include <weir/http/headers.hpp>

namespace weir::http::detail {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

} // namespace

void append_wire_header(std::string& out, const request& what, std::string_view user_agent,
                        std::string_view codings, std::string_view framing)
{
    out += what.method();
    out += ' ';
    out += what.target().target();
    out += " HTTP/1.1\r\n";
    const auto& fields = what.fields();
    const bool has_host = fields.count("Host") != 0; // the first field, by either hand
    append_field(out, "Host", has_host ? fields["Host"] : what.target().host_header());
    if (what.has_user_agent() && fields.count("User-Agent") == 0)
        append_field(out, "User-Agent", user_agent);
    if (what.has_accept() && fields.count("Accept") == 0)
        append_field(out, "Accept", "*/*");
    if (!codings.empty())
        append_field(out, "Accept-Encoding", codings);
    const auto& authorization = what.target().authorization();
    if (!authorization.empty() && fields.count("Authorization") == 0)
        append_field(out, "Authorization", authorization);
    for (const header_field field : fields)
        if (!same_token(field.name, "Host"))
            append_field(out, field.name, field.value);
    out += framing;
    out += "\r\n";
}

} // namespace weir::http::detail
