// The HTTP client: requests on kept connections, handshakes, a large body, transfers that stall.
// What they cost in processor time is counted by the driver, for this program as for its peers.

#include "support/bench.hpp"
#include "support/http_crowd.hpp"
#include "support/memory.hpp"

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace asio = boost::asio;
namespace http = weir::http;
using bench::report;
using namespace std::chrono_literals;

namespace {

report get(std::int64_t items)
{
    asio::io_context io(1);
    http::client client(io.get_executor(), bench::client_of_driver());
    bench::crowd all(client, bench::get_of_driver(), items);
    return {all.run(io), {}};
}

report get_within_limits(std::int64_t items)
{
    asio::io_context io(1);
    http::client_options options = bench::client_of_driver();
    options.requests(bench::every_limit()).max_header(64 * 1024);
    http::client client(io.get_executor(), options);
    bench::crowd all(client, bench::get_of_driver(), items);
    return {all.run(io), {}};
}

/// A connection for each request, one after another.
report handshakes(std::int64_t items)
{
    asio::io_context io(1);
    http::client_options options = bench::client_of_driver();
    options.idle_timeout(0s);
    http::client client(io.get_executor(), options);
    http::request ask = bench::get_of_driver();
    ask.header("Connection", "close");
    bench::crowd one(client, std::move(ask), items);
    return {one.run(io, 1), {}};
}

asio::awaitable<void> download(http::client& client, std::int64_t items, std::uint64_t& bytes)
{
    for (std::int64_t i = 0; i != items; ++i) {
        const http::response answer =
            co_await client.async_request_into(bench::get_of_driver(), http::body_sink());
        bench::require(!answer.error && answer.status == 200, "a download failed");
        bytes += answer.bytes;
    }
    client.close_idle();
}

/// Large bodies, one after another on one connection.
report download_all(std::int64_t items)
{
    asio::io_context io(1);
    http::client client(io.get_executor(), bench::client_of_driver());
    std::uint64_t bytes = 0;
    asio::co_spawn(io, download(client, items, bytes), bench::rethrow);
    io.run();
    return {bytes, {}};
}

/// What a transfer has in memory whose server has sent the header and 16 KiB, and then nearly
/// nothing more. A first one is not counted: it reads certificates and the like.
report stalled(std::int64_t items)
{
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    asio::io_context io(1);
    http::client_options options = bench::client_of_driver();
    options.per_host(weir::unlimited);
    http::client client(io.get_executor(), options);
    const http::request ask = bench::get_of_driver();
    std::int64_t begun = 0;
    const auto begin_one = [&] {
        const auto sink = [&begun, known = false](std::string_view) mutable {
            begun += known ? 0 : 1;
            known = true;
            return weir::error_code();
        };
        client.async_request_into(ask, sink, [](const http::response&) {
            bench::require(false, "a transfer ended that was to stall");
        });
    };
    const auto run_until = [&](std::int64_t wanted) {
        while (begun != wanted)
            io.run_one();
        io.run_for(500ms); // what else the servers send at first
    };
    begin_one();
    run_until(1);
    const double before = bench::resident_bytes();
    // A hundred at a time, as a program with a limit would.
    for (std::int64_t i = 0; i != items; ++i) {
        begin_one();
        if ((i + 1) % 100 == 0)
            run_until(i + 2);
    }
    run_until(items + 1);
    const double each = (bench::resident_bytes() - before) / static_cast<double>(items);
    std::printf("{\"checksum\": %lld, \"bytes\": %.6g}\n", static_cast<long long>(begun - 1), each);
    std::fflush(stdout);
    std::_Exit(0); // they would stall for ever
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"get", get},
                        {"get_within_limits", get_within_limits},
                        {"handshakes", handshakes},
                        {"download", download_all},
                        {"stalled_plain", stalled},
                        {"stalled_tls", stalled}});
}
