#include <weir/http/detail/keep_alive.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <system_error>

namespace weir::http::detail {

std::optional<unsigned> keep_alive_seconds(std::string_view value)
{
    static constexpr std::string_view key = "timeout=";
    const auto at = value.find(key);
    if (at == std::string_view::npos)
        return std::nullopt;
    unsigned seconds = 0;
    const char* begin = value.data() + at + key.size();
    const auto parsed = std::from_chars(begin, value.data() + value.size(), seconds);
    if (parsed.ec != std::errc{} || parsed.ptr == begin)
        return std::nullopt;
    return seconds;
}

duration idle_time(const headers& fields, duration idle_timeout)
{
    const auto server = keep_alive_seconds(fields["Keep-Alive"]);
    if (!server)
        return idle_timeout;
    // One second less, so that the server does not close it while a request is on its way.
    const duration allowed = std::chrono::seconds(*server) - std::chrono::seconds(1);
    return std::min(idle_timeout, allowed);
}

} // namespace weir::http::detail
