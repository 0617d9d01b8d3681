#include "server.hpp"

#include <weir/time/sleep.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace origin {

namespace asio = boost::asio;
using asio::ip::tcp;
using weir::error_code;
using namespace std::chrono_literals;

namespace {

constexpr auto shortage_pause = 50ms;

tcp::acceptor listen_on(const asio::any_io_executor& executor, const options& chosen)
{
    try {
        return tcp::acceptor(executor, tcp::endpoint(chosen.address, chosen.port));
    } catch (const weir::system_error& error) {
        throw std::runtime_error("cannot listen on " + chosen.address.to_string() + " port " +
                                 std::to_string(chosen.port) + ": " + error.code().message());
    }
}

} // namespace

server::server(asio::any_io_executor executor, const options& chosen)
    : executor_(std::move(executor)), delay_(chosen.delay), acceptor_(listen_on(executor_, chosen)),
      places_(executor_, chosen.max_connections), sessions_gate_(executor_)
{
}

asio::awaitable<void> server::run()
{
    co_await accept();
    co_await sessions_gate_.async_close(asio::use_awaitable);
    if (first_error_)
        std::rethrow_exception(first_error_);
}

void server::drain()
{
    error_code ignored; // closed is closed
    acceptor_.close(ignored);
    places_.close();
    sessions_gate_.close();
    for (session& each : sessions_)
        each.drain();
}

void server::stop()
{
    drain();
    for (session& each : sessions_)
        each.stop();
}

/// Takes a place before it accepts a connection: while all are taken, clients wait in the kernel's
/// backlog, where they cost this process nothing.
asio::awaitable<void> server::accept()
{
    while (acceptor_.is_open()) {
        error_code error;
        weir::permit place =
            co_await places_.async_acquire(asio::redirect_error(asio::use_awaitable, error));
        if (error)
            co_return; // draining
        tcp::socket socket =
            co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (!error)
            start(std::move(socket), std::move(place));
        else if (acceptor_.is_open())
            co_await back_off(error);
    }
}

/// Without descriptors, the connection stays in the backlog and accepting it fails again at once:
/// without a pause this would spin until a descriptor is free.
asio::awaitable<void> server::back_off(error_code reason)
{
    if (reason != last_shortage_)
        std::cerr << "weir-origin: accept: " << reason.message() << "; trying again\n";
    last_shortage_ = reason;
    co_await weir::async_sleep_for(executor_, shortage_pause, asio::use_awaitable);
}

void server::start(tcp::socket socket, weir::permit place)
{
    last_shortage_.clear();
    weir::pass inside = sessions_gate_.try_enter();
    if (!inside)
        return; // draining since
    const auto opened = sessions_.emplace(sessions_.end(), std::move(socket), delay_, meter_);
    auto ended = [this, opened, held = std::move(place),
                  entered = std::move(inside)](const std::exception_ptr& error) {
        sessions_.erase(opened);
        if (error)
            fail(error);
    };
    asio::co_spawn(executor_, opened->run(), std::move(ended));
}

void server::fail(const std::exception_ptr& error)
{
    if (!first_error_)
        first_error_ = error;
    drain();
}

} // namespace origin
