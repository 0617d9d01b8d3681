#include <weir/http/redirect.hpp>

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

/// For an error's text: the beginning of what is long, and nothing before the last @. A user name
/// and password stand there, wherever a parser sees the end of the host.
std::string shown(std::string location)
{
    constexpr std::size_t most = 200;
    if (const auto at = location.rfind('@'); at != std::string::npos)
        location.replace(0, at, "...");
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
