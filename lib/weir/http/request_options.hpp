#pragma once

#include <weir/time/clock.hpp>

#include <cstdint>
#include <limits>
#include <optional>

namespace weir::http {

/// The limits of one request. What is not set here is as the client has it for all of them:
/// `client_options::requests`. Setters return the object, so that calls can be chained.
///
/// Units: timeouts are above 0; `duration::max()` sets none. None is set by default, except for
///        the client's own `connect_timeout`: how long an answer may take depends on what was
///        asked.
/// Errors: a setter throws `std::invalid_argument` for a value outside its range. A request whose
///         time is over ends with class `timeout`, and a text that names the phase and the limit.
class request_options {
public:
    static constexpr std::uint64_t never_expect = std::numeric_limits<std::uint64_t>::max();

    request_options() = default;

    /// How large the body of the response may be, in bytes.
    request_options& max_body(std::uint64_t bytes);
    /// How large a body may be that is kept in `response::body`, in bytes.
    request_options& max_kept_body(std::uint64_t bytes);
    /// A request's body above so many bytes waits for 100 (Continue), and so does one whose length
    /// is not known; `never_expect` for none. A server that answers 417 is asked again without.
    request_options& expect_above(std::uint64_t bytes);
    /// How many redirects are followed; 0 returns a redirect as the answer.
    request_options& max_redirects(unsigned number);

    /// How often the rest of a body that broke off is asked for, where the receiver accepts an
    /// offset and something has arrived since the last time; 0 for never.
    request_options& continuations(unsigned number);

    /// The look-up of the name, for each connection.
    request_options& name_timeout(duration length);
    /// Making a connection: look-up, every address, and TLS handshake together. It can shorten the
    /// client's `connect_timeout`, not lengthen it.
    request_options& connect_timeout(duration length);
    /// The TLS handshake, for each connection.
    request_options& tls_timeout(duration length);
    /// From the end of what is sent to the header of the response, for each exchange.
    request_options& first_byte_timeout(duration length);
    /// The least speed of what is sent and received, over any such length of time. It is noticed
    /// after at most twice that length, and does not count while a receiver or a source is busy.
    ///
    /// Units: `bytes` a second; 0 for no limit.
    request_options& least_speed(std::uint64_t bytes, duration over);
    /// The whole request: the wait for a place of its origin, redirects, the body.
    request_options& total_timeout(duration length);

    const std::optional<std::uint64_t>& max_body() const noexcept { return max_body_; }
    const std::optional<std::uint64_t>& max_kept_body() const noexcept { return max_kept_body_; }
    const std::optional<std::uint64_t>& expect_above() const noexcept { return expect_above_; }
    const std::optional<unsigned>& max_redirects() const noexcept { return max_redirects_; }
    const std::optional<unsigned>& continuations() const noexcept { return continuations_; }
    const std::optional<duration>& name_timeout() const noexcept { return name_timeout_; }
    const std::optional<duration>& connect_timeout() const noexcept { return connect_timeout_; }
    const std::optional<duration>& tls_timeout() const noexcept { return tls_timeout_; }
    const std::optional<duration>& first_byte_timeout() const noexcept
    {
        return first_byte_timeout_;
    }
    const std::optional<std::uint64_t>& least_speed() const noexcept { return least_speed_; }
    duration least_speed_over() const noexcept { return least_speed_over_; }
    const std::optional<duration>& total_timeout() const noexcept { return total_timeout_; }

    /// These, and what `others` says where these say nothing.
    request_options or_else(const request_options& others) const;

private:
    std::optional<std::uint64_t> max_body_;
    std::optional<std::uint64_t> max_kept_body_;
    std::optional<std::uint64_t> expect_above_;
    std::optional<unsigned> max_redirects_;
    std::optional<unsigned> continuations_;
    std::optional<duration> name_timeout_;
    std::optional<duration> connect_timeout_;
    std::optional<duration> tls_timeout_;
    std::optional<duration> first_byte_timeout_;
    std::optional<std::uint64_t> least_speed_;
    duration least_speed_over_{};
    std::optional<duration> total_timeout_;
};

} // namespace weir::http
