// What a client allocates for a request once it has warmed up: nothing, for the memory is what the
// request before gave back. Its server is a function: no other code allocates.
#include <weir/http/client.hpp>
#include <weir/http/name_source.hpp>
#include <weir/http/network.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <count_allocations.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using http::io_step;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view answer = "HTTP/1.1 200 OK\r\n"
                                    "Date: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
                                    "Content-Type: application/octet-stream\r\n"
                                    "Content-Length: 5\r\n"
                                    "ETag: \"67406a40-400\"\r\n"
                                    "\r\n"
                                    "whole";

/// Answers each request.
class answering final : public http::transport {
public:
    explicit answering(const asio::any_io_executor& executor) : executor_(executor) {}

    io_step try_read(char* to, std::size_t size) override
    {
        if (asked_ == 0)
            return io_step(io_step::state::wait_read);
        --asked_;
        return io_step(io_step::state::done, answer.copy(to, size));
    }
    io_step try_write(const char* from, std::size_t size) override
    {
        asked_ += std::string_view(from, size).ends_with("\r\n\r\n") ? 1 : 0;
        return io_step(io_step::state::done, size);
    }
    io_step peek() override { return io_step(io_step::state::wait_read); }
    asio::awaitable<weir::error_code> wait(io_step::state) override
    {
        co_await asio::post(executor_, asio::use_awaitable);
        co_return weir::error_code();
    }

private:
    asio::any_io_executor executor_;
    int asked_ = 0;
};

class no_names final : public http::name_source {
public:
    ticket ask(const std::string&, http::address_family, then) override { return 0; }
    void abandon(ticket) noexcept override {}
};

class answering_network final : public http::network {
public:
    explicit answering_network(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    std::shared_ptr<http::name_source> names() override { return std::make_shared<no_names>(); }
    std::unique_ptr<attempt> connect(const asio::ip::tcp::endpoint&, connected done) override
    {
        asio::post(executor_, [this, told = std::move(done)] {
            told(weir::error_code(), std::make_unique<answering>(executor_));
        });
        return std::make_unique<attempt>();
    }
    std::unique_ptr<http::secure_session> secure(http::transport&, const http::url&) override
    {
        return nullptr;
    }

private:
    asio::any_io_executor executor_;
};

constexpr std::uint64_t to_warm_up = 100;
constexpr std::uint64_t measured = 100;

enum class way { counted, kept };

/// Makes requests, and returns how many allocations the later ones made.
asio::awaitable<std::uint64_t> count(http::client& client, const http::request& ask, way how)
{
    std::uint64_t before = 0;
    const http::body_sink none;
    for (std::uint64_t i = 0; i != to_warm_up + measured; ++i) {
        if (i == to_warm_up)
            before = bench::allocation_calls;
        http::response got;
        if (how == way::kept)
            got = co_await client.async_request(ask);
        else
            got = co_await client.async_request_into(ask, none);
        if (got.error || got.status != 200 || got.bytes != 5)
            throw http::failed(got.error.value_or(http::failure()));
    }
    co_return bench::allocation_calls - before;
}

std::uint64_t allocations(const http::request_options& limits, way how = way::counted)
{
    asio::io_context io(1);
    http::client_options options;
    options.requests(limits);
    http::client client(io.get_executor(), options,
                        std::make_shared<answering_network>(io.get_executor()));
    const auto target = http::url::parse("http://192.0.2.1:8080/a/path/of/some/length").value();
    const http::request ask(target);
    std::uint64_t made = 0;
    const auto all = [&]() -> asio::awaitable<void> {
        made = co_await count(client, ask, how);
        client.close_idle();
    };
    asio::co_spawn(io, all, [](const std::exception_ptr& error) {
        if (error)
            std::rethrow_exception(error);
    });
    io.run();
    return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_allocations)

BOOST_AUTO_TEST_CASE(a_request_on_a_kept_connection_allocates_nothing)
{
    BOOST_TEST(allocations(http::request_options()) == 0U);
}

BOOST_AUTO_TEST_CASE(a_small_body_that_is_kept_allocates_nothing)
{
    BOOST_TEST(allocations(http::request_options(), way::kept) == 0U);
}

BOOST_AUTO_TEST_CASE(limits_of_time_cost_one_allocation)
{
    const auto limits = http::request_options()
                            .name_timeout(10s)
                            .connect_timeout(10s)
                            .tls_timeout(10s)
                            .first_byte_timeout(10s)
                            .total_timeout(60s)
                            .least_speed(10, 20s);
    BOOST_TEST(allocations(limits) <= measured);
}

BOOST_AUTO_TEST_SUITE_END()
