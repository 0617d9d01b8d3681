#include <weir/http/detail/request_field.hpp>

#include <weir/http/headers.hpp>

#include <array>
#include <stdexcept>
#include <string>

namespace weir::http::detail {
namespace {

bool frames_the_message(std::string_view name)
{
    static constexpr std::array<std::string_view, 6> names = {
        "Content-Length", "Transfer-Encoding", "Expect", "Upgrade", "TE", "Trailer"};
    for (const auto each : names)
        if (same_token(each, name))
            return true;
    return false;
}

} // namespace

void check_request_field(std::string_view name, std::string_view value)
{
    if (!is_field_name(name))
        throw std::invalid_argument("not a header name: " + std::string(name));
    if (!is_field_value(value))
        throw std::invalid_argument("a header value must not hold CR, LF or NUL: " +
                                    std::string(name));
    if (frames_the_message(name))
        throw std::invalid_argument("this header is set by the client: " + std::string(name));
    if (same_token(name, "Connection") && !same_token(value, "close") &&
        !same_token(value, "keep-alive"))
        throw std::invalid_argument("Connection can be close or keep-alive, not " +
                                    std::string(value));
}

} // namespace weir::http::detail
