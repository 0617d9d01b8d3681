#pragma once

#include <weir/http/response.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string_view>
#include <utility>

namespace weir::http {

namespace detail {
class pulled_body;
}

/// A response whose body is pulled: what `client::async_open` gives.
///
/// Errors: in `answer().error`.
/// Threads: one at a time; that of the client, or any for a response of a `client_group`.
/// Lifetime: may outlive the client, whose connection it has until the body has ended. Destroying
///           it before that ends the request, and closes the connection.
/// Memory: one part of the body, which counts against `client_options::max_held_bodies`.
class open_response {
public:
    /// Of no request.
    open_response() = default;
    /// Of a request that got no response.
    explicit open_response(response none) : none_(std::move(none)) {}
    explicit open_response(std::shared_ptr<detail::pulled_body> from) : from_(std::move(from)) {}
    open_response(open_response&&) noexcept = default;
    open_response& operator=(open_response&& other) noexcept;
    ~open_response();

    /// The header, or the error when there is none; when `next` has given nothing, the whole: the
    /// times, the bytes, the trailers, and the error when the body is not complete.
    const response& answer() const;

    /// Waits for the next part of the body; nothing at its end, or after an error. The part is
    /// valid until the next call. One call at a time: another throws `std::logic_error`.
    ///
    /// Cancellation: terminal; throws operation_aborted, and may be called again.
    boost::asio::awaitable<std::string_view> next();

private:
    void end() noexcept;

    std::shared_ptr<detail::pulled_body> from_;
    response none_;
};

} // namespace weir::http
