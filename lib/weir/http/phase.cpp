#include <weir/http/phase.hpp>

namespace weir::http {

std::string_view name(phase which) noexcept
{
    switch (which) {
    case phase::queue:
        return "queue";
    case phase::name:
        return "name";
    case phase::connect:
        return "connect";
    case phase::tls:
        return "tls";
    case phase::send:
        return "send";
    case phase::response:
        return "response";
    case phase::body:
        return "body";
    case phase::done:
        return "done";
    }
    return "unknown";
}

} // namespace weir::http
