#include <weir/run/cancel.hpp>

namespace weir {

const char* to_string(cancel_reason reason) noexcept
{
    switch (reason) {
    case cancel_reason::none:
        return "none";
    case cancel_reason::requested:
        return "requested";
    case cancel_reason::deadline:
        return "deadline";
    case cancel_reason::sibling_failed:
        return "sibling_failed";
    case cancel_reason::overload:
        return "overload";
    case cancel_reason::shutdown:
        return "shutdown";
    }
    return "unknown";
}

cancel_link::cancel_link(const cancel_token& token, boost::asio::any_io_executor executor)
    : token_(token)
{
    call_.start([this] { signal_.emit(boost::asio::cancellation_type::terminal); },
                [&](auto handler) { token_.async_wait(std::move(executor), std::move(handler)); });
}

} // namespace weir
