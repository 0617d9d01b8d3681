#include <weir/http/redirect.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace weir::http {
namespace {

bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// As browsers do: https://fetch.spec.whatwg.org/#http-redirect-fetch, step 12.
std::string next_method(const std::string& method, unsigned status)
{
    const bool was_post = (status == 301 || status == 302) && method == "POST";
    const bool see_other = status == 303 && method != "GET" && method != "HEAD";
    return was_post || see_other ? "GET" : method;
}

/// For an error's text: the beginning of what is long, without a user name and password.
std::string shown(std::string location)
{
    constexpr std::size_t most = 200;
    const auto end = location.find_first_of(":/\\?#"); // of a scheme, if there is one
    const auto after = end != std::string::npos && location[end] == ':' ? end + 1 : 0;
    const auto host = std::min(location.find_first_not_of("/\\", after), location.size());
    const auto at = location.substr(0, location.find_first_of("/\\?#", host)).rfind('@');
    if (at != std::string::npos && at >= host && host != after)
        location.erase(host, at + 1 - host);
    return location.size() <= most ? location : location.substr(0, most) + "...";
}

} // namespace

std::optional<result<request>> redirected(const request& was, unsigned status,
                                          const headers& answer)
{
    if (!is_redirect(status))
        return std::nullopt;
    const std::string location(answer["Location"]);
    for (const header_field field : answer)
        if (same_token(field.name, "Location") && field.value != location)
            return failure(error_class::redirect, "the server sent two different Location headers");
    if (location.empty())
        return std::nullopt;
    auto next = was.target().resolve(location);
    if (!next)
        return failure(error_class::redirect, "cannot follow the redirect to " + shown(location) +
                                                  ": " + next.error().text());
    return was.moved_to(*next, next_method(was.method(), status));
}

} // namespace weir::http
