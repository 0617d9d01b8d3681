#include <weir/flow/outcome.hpp>

#include <boost/asio/error.hpp>

namespace weir {

const char* to_string(status s) noexcept
{
    switch (s) {
    case status::ok:
        return "ok";
    case status::failed:
        return "failed";
    case status::cancelled:
        return "cancelled";
    case status::timed_out:
        return "timed_out";
    case status::dropped:
        return "dropped";
    case status::abandoned:
        return "abandoned";
    }
    return "unknown";
}

error_code detail::code_for(status s) noexcept
{
    switch (s) {
    case status::timed_out:
    case status::abandoned:
        return errc::timed_out;
    case status::dropped:
        return errc::closed;
    default:
        return boost::asio::error::operation_aborted;
    }
}

} // namespace weir
