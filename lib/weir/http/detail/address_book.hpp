#pragma once

#include <weir/http/detail/lookup_lane.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace weir::http::detail {

/// Finds the addresses of hosts. Callers that need the same host share one look-up. An answer is
/// kept for a minute, because getaddrinfo does not say how long it is valid.
///
/// Cancellation: a wait for an answer may be cancelled at any time; the look-up continues without
///               it.
/// Threads: one serial executor.
/// Memory: at most `max_hosts` hosts.
class address_book {
public:
    explicit address_book(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

    /// The addresses, at least one. Throws `failed` (class `dns`), or
    /// system_error(operation_aborted).
    boost::asio::awaitable<endpoints> find(std::string host, std::uint16_t port);

    /// Moves an address that answered to the front, so that a dead one is waited for only once.
    void prefer(const std::string& host, std::uint16_t port,
                const boost::asio::ip::tcp::endpoint& good);

private:
    struct entry;

    std::shared_ptr<entry> ask(const std::string& key, const std::string& host, std::uint16_t port);

    static constexpr std::size_t max_hosts = 10'000;
    boost::asio::any_io_executor executor_;
    std::unordered_map<std::string, std::shared_ptr<entry>> entries_;
};

} // namespace weir::http::detail
