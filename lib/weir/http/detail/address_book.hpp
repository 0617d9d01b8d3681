#pragma once

#include <weir/http/error.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::http::detail {

using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

/// Looks host names up on a few threads of its own, one lane an execution context. Asio's resolver
/// has one thread: there, a name server that is silent for one host holds back every other.
///
/// Lifetime  belongs to its context, whose destruction waits for the look-ups that are running
///           (getaddrinfo cannot be interrupted).
class lookup_lane final : public boost::asio::execution_context::service {
public:
    static inline boost::asio::execution_context::id id;
    using answer = std::function<void(error_code, endpoints)>;

    explicit lookup_lane(boost::asio::execution_context& context) : service(context) {}

    /// `then` is called on `home`.
    void start(std::string host, std::uint16_t port, boost::asio::any_io_executor home,
               answer then);

private:
    void shutdown() override;

    static constexpr std::size_t threads = 8;
    std::optional<boost::asio::thread_pool> pool_; // made for the first name
};

/// The addresses of hosts: several who ask for one host share a look-up, and an answer is kept for
/// a minute (getaddrinfo does not tell how long it is good).
///
/// Cancellation  a wait for an answer may be cancelled at any time; the look-up goes on by itself.
/// Memory        at most `limit` hosts.
/// Threads       one executor, serial.
class address_book {
public:
    explicit address_book(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

    /// Never empty. Throws `failed` (class dns), or system_error(operation_aborted).
    boost::asio::awaitable<endpoints> find(std::string host, std::uint16_t port);

    /// This address answered: it goes first the next time, so that a dead one costs its wait once.
    void prefer(const std::string& host, std::uint16_t port,
                const boost::asio::ip::tcp::endpoint& good);

private:
    struct entry;

    std::shared_ptr<entry> ask(const std::string& key, const std::string& host, std::uint16_t port);

    static constexpr std::size_t limit = 10'000;
    boost::asio::any_io_executor executor_;
    std::unordered_map<std::string, std::shared_ptr<entry>> entries_;
};

} // namespace weir::http::detail
