#pragma once

#include <weir/http/headers.hpp>
#include <weir/http/url.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// Whether sending a request with this method twice has the same effect as sending it once: GET,
/// HEAD, PUT, DELETE, OPTIONS and TRACE.
///
/// Source: RFC 9110 section 9.2.2.
bool is_idempotent(std::string_view method) noexcept;

/// A request: a method, a URL and the user's own header fields. It has no body.
///
/// The client writes Host, User-Agent and Accept, and `Content-Length: 0` where a server expects a
/// body (POST, PUT, PATCH). A field set here replaces its Host, User-Agent or Accept.
class request {
public:
    /// Units: `method` is any token, such as `GET` or `PROPFIND`; case matters.
    /// Errors: throws `std::invalid_argument` for what is no token, and for CONNECT, after which
    ///         the bytes that follow would not be a response.
    explicit request(url target, std::string method = "GET");

    /// Adds a header field. Host changes neither where the request goes nor which connection it
    /// uses nor whose certificate is asked for; a second one replaces the first.
    /// `Connection: close` closes the connection after the response.
    ///
    /// Errors: throws `std::invalid_argument` for a name or value that could break out of its line,
    ///         for a field that frames the message (Content-Length, Transfer-Encoding, Upgrade, TE,
    ///         Trailer), and for a Connection other than `close` or `keep-alive`.
    request& header(std::string_view name, std::string_view value);

    /// Adds a header field that is dropped when a redirect leads to another origin. Authorization,
    /// Cookie, Host and Proxy-Authorization are always treated so.
    ///
    /// Errors: as `header`.
    request& secret_header(std::string_view name, std::string_view value);

    const url& target() const noexcept { return target_; }
    const std::string& method() const noexcept { return method_; }
    const headers& fields() const noexcept { return fields_; }

    /// The same request for another URL, without the secret fields when the origin changes.
    request moved_to(url target, std::string method) const;

private:
    url target_;
    std::string method_;
    headers fields_;
    std::vector<std::string> secrets_;
};

/// The request's header as it is sent: Host, User-Agent, Accept, then the other fields.
std::string wire_header(const request& what, std::string_view user_agent);

} // namespace weir::http
