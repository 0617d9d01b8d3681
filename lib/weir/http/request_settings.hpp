#pragma once

#include <weir/http/request.hpp>
#include <weir/http/request_body.hpp>
#include <weir/http/request_options.hpp>
#include <weir/http/url.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

/// What is sent for a URL: a method, header fields, a body. One is made for many URLs. Setters
/// return the object, so that calls can be chained.
///
/// Memory: copies share the body.
class request_settings {
public:
    using fields = std::vector<std::pair<std::string, std::string>>;

    /// A GET.
    request_settings();

    /// Errors: `std::invalid_argument` for a method that `request` refuses.
    request_settings& method(std::string name);

    /// Adds a header field. A redirect to another origin drops it, except for fields such as Accept
    /// that say nothing about the user.
    ///
    /// Errors: `std::invalid_argument` for a name or value that `request::header` refuses.
    request_settings& header(std::string_view name, std::string_view value);

    /// Does not send a field that every request has otherwise: see `request::without`.
    request_settings& without(std::string_view name);

    /// Content-Type is a header field as any other. A redirect with 307 or 308 sends the body
    /// again, to another origin too.
    request_settings& body(request_body content);

    /// Limits, where they differ from those of the client.
    request_settings& options(const request_options& limits);

    const std::string& method() const noexcept { return method_; }
    const fields& headers() const noexcept { return headers_; }
    const std::vector<std::string>& without() const noexcept { return without_; }
    const request_body& body() const noexcept { return body_; }
    const request_options& options() const noexcept { return options_; }

    /// The request for a URL.
    request for_url(const url& target) const;

private:
    std::string method_ = "GET";
    fields headers_;
    std::vector<std::string> without_;
    request_body body_;
    request_options options_;
};

} // namespace weir::http
