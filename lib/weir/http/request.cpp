#include <weir/http/request.hpp>

#include <weir/http/detail/request_field.hpp>

#include <stdexcept>
#include <utility>

namespace weir::http {
namespace {

/// What a redirect to another origin never gets.
constexpr const char* always_secret[] = {"Authorization", "Cookie", "Host", "Proxy-Authorization"};

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

} // namespace weir::http
