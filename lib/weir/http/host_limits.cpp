#include <weir/http/host_limits.hpp>

#include <stdexcept>

namespace weir::http {

host_limits::host_limits() = default;

host_limits& host_limits::per_host(limit urls)
{
    if (urls.is_paused())
        throw std::invalid_argument("weir::http::host_limits::per_host: must be at least 1");
    per_host_ = urls;
    return *this;
}

host_limits& host_limits::rate(weir::rate each, std::size_t burst)
{
    if (burst == 0)
        throw std::invalid_argument("weir::http::host_limits::rate: the burst must be at least 1");
    rate_ = each;
    burst_ = burst;
    return *this;
}

} // namespace weir::http
