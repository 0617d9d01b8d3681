#pragma once

#include "bench.hpp"

#include <weir/http/client.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/request.hpp>
#include <weir/http/request_options.hpp>
#include <weir/http/response.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <utility>

// Coroutines that make one GET after another through one client, on one thread. The driver names
// the URL in WEIR_BENCH_URL, and a file with the certificate of its server in WEIR_BENCH_CA.

namespace bench {

namespace asio = boost::asio;
namespace http = weir::http;

constexpr std::size_t connections = 64;
constexpr std::uint64_t small_body = 1024;

inline const char* from_driver(const char* variable)
{
    const char* const value = std::getenv(variable);
    require(value != nullptr, "bench/run.sh starts the servers, and names them to this program");
    return value;
}

inline http::request get_of_driver()
{
    return http::request(http::url::parse(from_driver("WEIR_BENCH_URL")).value());
}

inline http::client_options client_of_driver()
{
    http::client_options options;
    options.per_host(connections);
    if (const char* const ca = std::getenv("WEIR_BENCH_CA"))
        options.ca_file(ca);
    return options;
}

/// What a careful program sets: a limit for everything. None of them is reached.
inline http::request_options every_limit()
{
    using namespace std::chrono_literals;
    return http::request_options()
        .name_timeout(10s)
        .connect_timeout(10s)
        .tls_timeout(10s)
        .first_byte_timeout(10s)
        .total_timeout(60s)
        .least_speed(10, 20s)
        .max_body(1'000'000)
        .max_redirects(5);
}

class crowd {
public:
    crowd(http::client& client, http::request ask, std::int64_t items)
        : client_(client), ask_(std::move(ask)), left_(items)
    {
    }

    /// Called with how many were answered, after each answer.
    std::function<void(std::int64_t)> on_answer;

    std::uint64_t run(asio::io_context& io, std::size_t members = connections)
    {
        for (std::size_t i = 0; i != members; ++i)
            asio::co_spawn(io, keep_asking(), rethrow);
        io.run();
        return static_cast<std::uint64_t>(answered_);
    }

private:
    asio::awaitable<void> keep_asking()
    {
        while (left_ > 0) {
            --left_;
            http::response answer = co_await client_.async_request_into(ask_, http::body_sink());
            require(!answer.error && answer.status == 200 && answer.bytes == small_body,
                    "a request was not answered as it should be");
            ++answered_;
            if (on_answer)
                on_answer(answered_);
        }
        client_.close_idle();
    }

    http::client& client_;
    http::request ask_;
    std::int64_t left_;
    std::int64_t answered_ = 0;
};

} // namespace bench
