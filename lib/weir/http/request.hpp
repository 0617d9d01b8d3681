#pragma once

#include <weir/http/headers.hpp>
#include <weir/http/url.hpp>

#include <boost/beast/http/verb.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

using boost::beast::http::verb;

/// Whether sending a request twice has the same effect as sending it once.
///
/// Source: RFC 9110 section 9.2.2.
bool is_idempotent(verb method) noexcept;

/// A request: a method, a URL and the user's own header fields. It has no body: GET and HEAD.
///
/// The client writes Host, User-Agent, Accept and Connection. A field set here replaces its
/// User-Agent or Accept.
class request {
public:
    explicit request(url target, verb method = verb::get);

    /// Adds a header field.
    ///
    /// Errors: throws `std::invalid_argument` for a name or value that could break out of its line,
    ///         and for a field that frames the message: Host, Connection, Content-Length,
    ///         Transfer-Encoding, Upgrade, TE, Trailer.
    request& header(std::string_view name, std::string_view value);

    /// Adds a header field that is dropped when a redirect leads to another origin. Authorization,
    /// Cookie and Proxy-Authorization are always treated so.
    ///
    /// Errors: as `header`.
    request& secret_header(std::string_view name, std::string_view value);

    const url& target() const noexcept { return target_; }
    verb method() const noexcept { return method_; }
    const headers& fields() const noexcept { return fields_; }

    /// The same request for another URL, without the secret fields when the origin changes.
    request moved_to(url target, verb method) const;

private:
    url target_;
    verb method_;
    headers fields_;
    std::vector<std::string> secrets_;
};

/// The request's header as it is sent: Host, User-Agent, Accept, then the other fields.
std::string wire_header(const request& what, std::string_view user_agent);

} // namespace weir::http
