#pragma once

#include <weir/http/headers.hpp>
#include <weir/http/request_body.hpp>
#include <weir/http/request_options.hpp>
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

/// A request: a method, a URL, the user's own header fields, and a body.
///
/// The client writes Host, User-Agent, Accept, Accept-Encoding (see `decoding_options`),
/// Authorization from the user name and password of the URL, and the fields that describe the body:
/// `Content-Length: 0` where a server expects one and there is none (POST, PUT, PATCH). A field set
/// here replaces its Host, User-Agent, Accept, Accept-Encoding or Authorization.
class request {
public:
    /// Units: `method` is any token, such as `GET` or `PROPFIND`; case matters.
    /// Errors: throws `std::invalid_argument` for what is no token, and for CONNECT, after which
    ///         the bytes that follow would not be a response.
    explicit request(const url& target, std::string method = "GET");

    /// Adds a header field. Host changes neither where the request goes nor which connection it
    /// uses nor whose certificate is asked for; a second one replaces the first.
    /// `Connection: close` closes the connection after the response.
    ///
    /// Errors: throws `std::invalid_argument` for a name or value that could break out of its line,
    ///         for a field that frames the message (Content-Length, Transfer-Encoding, Expect,
    ///         Upgrade, TE, Trailer), and for a Connection other than `close` or `keep-alive`.
    request& header(std::string_view name, std::string_view value);

    /// Removes every header field of this name, if there are any.
    request& remove_header(std::string_view name);

    /// Does not send a header field that the client writes otherwise.
    ///
    /// Units: `User-Agent` or `Accept`.
    /// Errors: throws `std::invalid_argument` for any other.
    request& without(std::string_view name);

    /// Adds a header field that is dropped when a redirect leads to another origin. Authorization,
    /// Cookie, Host and Proxy-Authorization are always treated so.
    ///
    /// Errors: as `header`.
    request& secret_header(std::string_view name, std::string_view value);

    /// Sets the body: `ask.body(request_body::file("report.pdf"))`. Content-Type is a header field
    /// as any other.
    request& body(request_body content);

    /// Sets the limits of this request, where they differ from those of the client.
    request& options(const request_options& limits);

    const url& target() const noexcept { return target_; }
    const std::string& method() const noexcept { return method_; }
    const headers& fields() const noexcept { return fields_; }
    bool has_user_agent() const noexcept { return has_user_agent_; }
    bool has_accept() const noexcept { return has_accept_; }
    const request_body& body() const noexcept { return body_; }
    const request_options& options() const noexcept { return options_; }

    /// The same request for another URL, without the secret fields when the origin changes. With
    /// another method it has no body, and none of the fields that describe one.
    request moved_to(const url& target, std::string method) const;

private:
    url target_;
    std::string method_;
    headers fields_;
    std::vector<std::string> secrets_; // besides those that always are
    request_body body_;
    request_options options_;
    bool has_user_agent_ = true; // if not of its own, then the client's
    bool has_accept_ = true;
};

} // namespace weir::http
