#pragma once

#include <weir/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weir::http::detail {

using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

/// Looks up host names on threads of its own, one lane for each execution context. Asio's resolver
/// has one thread, so a name server that is silent for one host would hold up every other.
///
/// Lifetime: belongs to its context, whose destructor waits for the running look-ups: getaddrinfo
///           cannot be interrupted.
class lookup_lane final : public boost::asio::execution_context::service {
public:
    static inline boost::asio::execution_context::id id;
    using answer = std::function<void(error_code, endpoints)>;

    explicit lookup_lane(boost::asio::execution_context& context) : service(context) {}

    /// Starts a look-up; `then` is called on `home`.
    void start(std::string host, std::uint16_t port, boost::asio::any_io_executor home,
               answer then);

private:
    void shutdown() override;

    static constexpr std::size_t threads = 8;
    std::optional<boost::asio::thread_pool> pool_; // made for the first name
};

} // namespace weir::http::detail
