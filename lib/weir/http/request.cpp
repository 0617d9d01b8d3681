#include <weir/http/request.hpp>

#include <weir/http/detail/request_field.hpp>

#include <stdexcept>
#include <utility>

namespace weir::http {
namespace {

/// What a redirect to another origin never gets.
constexpr const char* always_secret[] = {"Authorization", "Cookie", "Host", "Proxy-Authorization"};

void append_field(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

} // namespace

bool is_idempotent(std::string_view method) noexcept
{
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
           method == "OPTIONS" || method == "TRACE";
}

request::request(const url& target, std::string method)
    : target_(target), method_(std::move(method))
{
    if (!is_field_name(method_)) // both are tokens
        throw std::invalid_argument("not a request method: " + method_);
    if (method_ == "CONNECT")
        throw std::invalid_argument("CONNECT is not supported: it makes a tunnel, not a request");
}

request& request::header(std::string_view name, std::string_view value)
{
    detail::check_request_field(name, value);
    if (same_token(name, "Host")) {
        const std::string kept(value); // which may be that of the field
        fields_.erase("Host");
        fields_.append("Host", kept);
    } else {
        fields_.append(name, value);
    }
    return *this;
}

request& request::remove_header(std::string_view name)
{
    fields_.erase(name);
    return *this;
}

request& request::without(std::string_view name)
{
    if (same_token(name, "User-Agent"))
        has_user_agent_ = false;
    else if (same_token(name, "Accept"))
        has_accept_ = false;
    else
        throw std::invalid_argument("a request cannot be made without this header: " +
                                    std::string(name));
    return *this;
}

request& request::secret_header(std::string_view name, std::string_view value)
{
    std::string kept(name);
    header(name, value);
    secrets_.push_back(std::move(kept));
    return *this;
}

request& request::body(request_body content)
{
    body_ = std::move(content);
    return *this;
}

request& request::options(const request_options& limits)
{
    options_ = limits;
    return *this;
}

request request::moved_to(const url& target, std::string method) const
{
    request next(*this);
    if (target.origin() != target_.origin()) {
        for (const char* name : always_secret)
            next.fields_.erase(name);
        for (const auto& name : secrets_)
            next.fields_.erase(name);
    }
    if (method != method_) {
        next.body_ = request_body();
        for (const auto* name :
             {"Content-Encoding", "Content-Language", "Content-Location", "Content-Type"})
            next.fields_.erase(name);
    }
    next.target_ = target;
    next.method_ = std::move(method);
    return next;
}

std::string wire_header(const request& what, std::string_view user_agent, std::string_view codings,
                        std::string_view framing)
{
    std::string out;
    out.reserve(256);
    detail::append_wire_header(out, what, user_agent, codings, framing);
    return out;
}

void detail::append_wire_header(std::string& out, const request& what, std::string_view user_agent,
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

} // namespace weir::http
