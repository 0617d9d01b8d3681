#pragma once

#include "meter.hpp"
#include "options.hpp"
#include "session.hpp"

#include <weir/error.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/semaphore.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <exception>
#include <list>

namespace origin {

/// Accepts connections, at most `max_connections` at a time, and ends when all of them have ended.
///
/// Threads: the executor's, which is one.
class server {
public:
    /// Listens at once. Throws `std::runtime_error` when the address or port is not available.
    server(boost::asio::any_io_executor executor, const options& chosen);

    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    const meter& counted() const { return meter_; }

    /// Serves until `drain` or `stop` was called and the last session has ended. Throws the first
    /// error that neither a client nor the network caused.
    boost::asio::awaitable<void> run();

    /// Accepts no more connections, and lets the requests being served be answered.
    void drain();

    /// Accepts no more connections, and closes the open ones.
    void stop();

private:
    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> back_off(weir::error_code reason);
    void start(boost::asio::ip::tcp::socket socket, weir::permit place);
    void fail(const std::exception_ptr& error);

    boost::asio::any_io_executor executor_;
    const delay_range delay_;
    boost::asio::ip::tcp::acceptor acceptor_;
    weir::semaphore places_;
    weir::gate sessions_gate_;
    std::list<session> sessions_;
    meter meter_;
    weir::error_code last_shortage_;
    std::exception_ptr first_error_;
};

} // namespace origin
