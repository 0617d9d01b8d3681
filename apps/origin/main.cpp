#include "options.hpp"
#include "server.hpp"

#include <weir/run/signals.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// How long the requests being served may take after a signal.
constexpr auto grace = 10s;

/// Writes the port to a file, which appears only once it is complete.
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

void serve(const origin::options& chosen)
{
    asio::io_context context(1);
    const auto executor = context.get_executor();
    origin::server server(executor, chosen);
    weir::alarm out_of_time;
    const auto stop = [&] { server.stop(); };
    const auto drain = [&] {
        server.drain();
        out_of_time = weir::alarm(executor, weir::now(executor) + grace, stop);
    };
    weir::shutdown_signals signals(executor, drain, stop);
    if (!chosen.port_file.empty())
        publish(server.port(), chosen.port_file);
    std::cerr << "weir-origin: listening on " << chosen.address << " port " << server.port()
              << '\n';

    std::exception_ptr failed;
    asio::co_spawn(context, server.run(), [&](std::exception_ptr error) {
        failed = error;
        signals.cancel();
        out_of_time.cancel();
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
