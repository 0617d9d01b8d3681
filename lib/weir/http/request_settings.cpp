#include <weir/http/request_settings.hpp>

#include <weir/http/detail/request_field.hpp>
#include <weir/http/headers.hpp>

#include <array>
#include <utility>

namespace weir::http {
namespace {

/// Whether a field describes the answer wanted, or the body sent, and nothing about the user.
bool may_go_anywhere(std::string_view name)
{
    static constexpr std::array<std::string_view, 12> names = {
        "Accept",       "Accept-Language", "Accept-Encoding",   "User-Agent",
        "Pragma",       "Cache-Control",   "Connection",        "DNT",
        "Content-Type", "Range",           "If-Modified-Since", "If-Unmodified-Since"};
    for (const auto each : names)
        if (same_token(each, name))
            return true;
    return false;
}

/// Any request, to ask it what it refuses.
request a_request(std::string method = "GET")
{
    return request(url::parse("localhost").value(), std::move(method));
}

} // namespace

request_settings::request_settings() = default;

request_settings& request_settings::method(std::string name)
{
    method_ = a_request(std::move(name)).method(); // or it throws
    return *this;
}

request_settings& request_settings::header(std::string_view name, std::string_view value)
{
    detail::check_request_field(name, value);
    headers_.emplace_back(name, value);
    return *this;
}

request_settings& request_settings::without(std::string_view name)
{
    a_request().without(name); // or it throws
    without_.emplace_back(name);
    return *this;
}

request_settings& request_settings::body(request_body content)
{
    body_ = std::move(content);
    return *this;
}

request_settings& request_settings::options(const request_options& limits)
{
    options_ = limits;
    return *this;
}

request request_settings::for_url(const url& target) const
{
    request made(target, method_);
    made.body(body_).options(options_);
    for (const auto& name : without_)
        made.without(name);
    for (const auto& [name, value] : headers_) {
        if (may_go_anywhere(name))
            made.header(name, value);
        else
            made.secret_header(name, value);
    }
    return made;
}

} // namespace weir::http
