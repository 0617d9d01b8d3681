#pragma once

#include <weir/error.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string_view>

namespace weir::http {

/// Receives the body of a response at its own pace: writes it to a slow disk, or sends it on.
///
/// Shape: `begin`, then `write` for one part after another, then `end` if the body is complete. The
///        next call comes when the one before has completed. While one is under way nothing more
///        is read from the connection, so the server has to wait too. A redirect that is followed
///        has no part in this.
/// Errors: an error, or an exception, ends the request with class `io`; `failed` with its own.
/// Cancellation: terminal, when the request is cancelled or its time is over.
/// Threads: on the client's executor.
class body_receiver {
public:
    virtual ~body_receiver() = default;

    /// A body begins, at its byte `offset`, with this header. The offset is above 0 where a body
    /// goes on that was cut off: it is the number of bytes that `write` took before. After 0 all of
    /// it comes again. By default any offset but 0 is an error.
    virtual boost::asio::awaitable<error_code> begin(std::uint64_t offset, const response& head);
    /// The part is valid until the call has completed.
    virtual boost::asio::awaitable<error_code> write(std::string_view part) = 0;
    /// Whether `begin` may be called with an offset. Then the rest of a body that breaks off is
    /// fetched, where that is safe (`continuation`). By default not.
    virtual bool accepts_offset() const { return false; }
    /// By default nothing.
    virtual boost::asio::awaitable<error_code> end();
};

} // namespace weir::http
