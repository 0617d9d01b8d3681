#include <weir/http/redirect.hpp>

#include <string>
#include <utility>

namespace weir::http {
namespace {

bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

verb next_method(verb method, unsigned status)
{
    if ((status == 301 || status == 302) && method == verb::post)
        return verb::get;
    if (status == 303 && method != verb::head)
        return verb::get;
    return method;
}

} // namespace

std::optional<result<request>> redirected(const request& was, unsigned status,
                                          const headers& answer)
{
    if (!is_redirect(status))
        return std::nullopt;
    if (answer.count("Location") == 0)
        return std::nullopt;
    const std::string location(answer["Location"]);
    for (const header_field field : answer)
        if (same_token(field.name, "Location") && field.value != location)
            return failure(error_class::redirect, "the server sent two different Location headers");
    auto next = was.target().resolve(location);
    if (!next)
        return failure(error_class::redirect,
                       "cannot follow the redirect to " + location + ": " + next.error().text());
    return was.moved_to(std::move(*next), next_method(was.method(), status));
}

} // namespace weir::http
