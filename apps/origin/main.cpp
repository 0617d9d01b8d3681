#include "options.hpp"
#include "server.hpp"

#include <weir/time/clock.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// How long requests being served may take to end once we were told to stop.
constexpr auto grace = 5s;

/// Whoever waits for the file to appear finds the whole port in it.
void publish(unsigned short port, const std::filesystem::path& file)
{
    std::filesystem::path unfinished = file;
    unfinished += ".part";
    std::ofstream out(unfinished);
    out.exceptions(std::ios::failbit | std::ios::badbit);
    out << port << '\n';
    out.close();
    std::filesystem::rename(unfinished, file);
}

/// The first signal lets what is being served end, the second does not.
asio::awaitable<void> stop_on(asio::signal_set& signals, origin::server& server)
{
    weir::error_code over;
    co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, over));
    if (over)
        co_return;
    server.stop();
    const auto executor = signals.get_executor();
    const weir::alarm last(executor, weir::now(executor) + grace, [&server] { server.abort(); });
    co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, over));
    if (!over)
        server.abort();
}

void serve(const origin::options& chosen)
{
    asio::io_context context(1);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    origin::server server(context.get_executor(), chosen);
    if (!chosen.port_file.empty())
        publish(server.port(), chosen.port_file);
    std::cerr << "weir-origin: listening on " << chosen.address << " port " << server.port()
              << '\n';

    std::exception_ptr failed;
    asio::co_spawn(context, server.run(), [&](std::exception_ptr error) {
        failed = error;
        signals.cancel();
    });
    asio::co_spawn(context, stop_on(signals, server), [&](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    });
    context.run();
    if (failed)
        std::rethrow_exception(failed);
    std::cerr << "weir-origin: served " << server.counted().served() << " items, at most "
              << server.counted().peak() << " at once\n";
}

} // namespace

int main(int argc, char** argv)
{
    try {
        const origin::command asked = origin::parse(argc, argv);
        if (asked.run)
            serve(*asked.run);
        return asked.exit_status;
    } catch (const std::exception& error) {
        std::cerr << "weir-origin: " << error.what() << '\n';
        return 1;
    }
}
