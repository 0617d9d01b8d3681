#include "options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace origin {

namespace {

constexpr int usage_error = 2;

std::string check_address(const std::string& text)
{
    boost::system::error_code error;
    boost::asio::ip::make_address(text, error);
    return error ? "not an IP address: " + text : std::string();
}

} // namespace

command parse(int argc, char** argv)
{
    options chosen;
    std::string address = chosen.address.to_string();
    std::string port_file;
    std::int64_t least = chosen.delay.min.count();
    std::int64_t most = chosen.delay.max.count();
    const CLI::Range delay(std::int64_t{0}, std::int64_t{3'600'000});

    CLI::App app(
        "An HTTP origin for demos and tests: GET /item/N is answered after a random delay, "
        "GET /stats tells how many requests it has served, serves now, and served at most at a "
        "time.",
        "weir-origin");
    app.add_option("--address", address, "IP address to listen on")
        ->check(check_address)
        ->capture_default_str();
    app.add_option("--port", chosen.port, "port to listen on, 0 for any free one")
        ->capture_default_str();
    app.add_option("--port-file", port_file, "write the port to FILE once the server listens")
        ->type_name("FILE");
    app.add_option("--min-delay-ms", least, "shortest time an answer takes")
        ->check(delay)
        ->capture_default_str();
    app.add_option("--max-delay-ms", most, "longest time an answer takes")
        ->check(delay)
        ->capture_default_str();
    app.add_option("--seed", chosen.delay.seed, "the same seed gives each item the same delay")
        ->capture_default_str();
    app.add_option("--max-connections", chosen.max_connections, "connections at a time")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
        ->capture_default_str();

    command result;
    try {
        app.parse(argc, argv);
        if (least > most)
            throw CLI::ValidationError("--min-delay-ms", "is above --max-delay-ms");
    } catch (const CLI::ParseError& error) {
        result.exit_status = app.exit(error) == 0 ? 0 : usage_error;
        return result;
    }
    chosen.address = boost::asio::ip::make_address(address);
    chosen.port_file = port_file;
    chosen.delay.min = std::chrono::milliseconds(least);
    chosen.delay.max = std::chrono::milliseconds(most);
    result.run = std::move(chosen);
    return result;
}

} // namespace origin
