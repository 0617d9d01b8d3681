#pragma once

#include <weir/http/detail/recycled.hpp>
#include <weir/http/error.hpp>
#include <weir/http/phase.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace weir::http {

/// One attempt of a request: to connect to one address, or to make an exchange there.
struct attempt {
    /// Where to; unspecified, with port 0, when no address was tried.
    boost::asio::ip::tcp::endpoint address;
    /// How far it came.
    phase reached = phase::queue;
    /// Why it came no further.
    std::optional<failure> error;
    /// Whether its connection had carried an earlier exchange.
    bool reused = false;
    /// Bytes that were written to, and read from, the connection. TLS adds to them.
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    /// From the beginning of the request; in a fetcher without the waits for a host's turn.
    duration began{};
    duration ended{};
};

/// The attempts of a request, one after another. Their memory is recycled.
using attempt_list = std::vector<attempt, detail::recycled<attempt>>;

} // namespace weir::http
