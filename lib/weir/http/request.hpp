#pragma once

#include <weir/http/headers.hpp>
#include <weir/http/url.hpp>

#include <boost/beast/http/verb.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

using boost::beast::http::verb;

/// True when sending the request twice means the same as sending it once (RFC 9110 section 9.2.2).
bool is_idempotent(verb method) noexcept;

/// What is asked for: a method, a URL and the user's own header fields.
///
/// Host, User-Agent, Accept and Connection are written by the client; a field of the same name set
/// here takes their place, but for Host and Connection. There is no body in this version: GET and
/// HEAD.
///
/// Errors    `header` throws std::invalid_argument for a name or value that could break out of its
///           line, and for a field that frames the message (Host, Connection, Content-Length,
///           Transfer-Encoding).
class request {
public:
    explicit request(url target, verb method = verb::get);

    /// Adds a field. A secret one is left out when a redirect leads to another origin;
    /// Authorization, Cookie and Proxy-Authorization are always secret.
    request& header(std::string_view name, std::string_view value);
    request& secret_header(std::string_view name, std::string_view value);

    const url& target() const noexcept { return target_; }
    verb method() const noexcept { return method_; }
    const headers& fields() const noexcept { return fields_; }

    /// The same request for another URL; the secret fields go when the origin is another.
    request moved_to(url target, verb method) const;

private:
    url target_;
    verb method_;
    headers fields_;
    std::vector<std::string> secrets_;
};

/// The request's header as it goes over the wire: Host, User-Agent, Accept, then the rest.
std::string wire_header(const request& what, std::string_view user_agent);

} // namespace weir::http
