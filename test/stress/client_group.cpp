#include <weir/http/client_group.hpp>

#include <weir/run/runner_pool.hpp>

#include "http/support/server.hpp"
#include "support/watchdog.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using http::client_options;
using http::error_class;
using weir::test::server;

namespace {

constexpr int origins = 5;

std::string ok(const std::string& body)
{
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Servers on a thread of their own. `/go/N/x` leads to `/x` of server N; `/hang` is not answered.
class web {
public:
    web()
    {
        for (int n = 0; n < origins; ++n)
            servers_.push_back(std::make_unique<server>(
                io_, [this](const std::string& path, int) { return answer(path); }));
        for (int n = 0; n < origins; ++n)
            urls_.push_back(servers_[static_cast<std::size_t>(n)]->url(""));
        thread_ = std::thread([this] { io_.run(); });
    }
    web(const web&) = delete;
    web& operator=(const web&) = delete;
    ~web() { stop(); }

    /// After this the counts may be looked at.
    void stop()
    {
        io_.stop();
        if (thread_.joinable())
            thread_.join();
    }

    std::string url(int n, const std::string& path) const
    {
        return urls_[static_cast<std::size_t>(n % origins)] + path;
    }
    const server& at(int n) const { return *servers_[static_cast<std::size_t>(n)]; }

private:
    server::reply answer(const std::string& path)
    {
        if (path == "/hang")
            return server::reply{"", false, true};
        if (path.starts_with("/go/"))
            return server::reply{"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " +
                                 url(path[4] - '0', path.substr(5)) + "\r\n\r\n"};
        return server::reply{ok(path)};
    }

    asio::io_context io_{1};
    std::vector<std::unique_ptr<server>> servers_;
    std::vector<std::string> urls_;
    std::thread thread_;
};

/// Calls a function on each of some threads, with their number.
template <class Function>
void on_threads(int count, Function function)
{
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back(function, i);
    for (std::thread& each : threads)
        each.join();
}

bool is_aborted(const http::response& answer)
{
    return answer.error && answer.error->kind() == error_class::aborted;
}

} // namespace

BOOST_AUTO_TEST_SUITE(stress_client_group)

BOOST_AUTO_TEST_CASE(requests_of_many_threads_are_answered_within_the_limits)
{
    const weir::test::watchdog guard;
    web all;
    std::atomic<int> good{0};
    {
        weir::runner_pool runners(3);
        http::client_group_options options(client_options().per_host(3).per_client(10));
        http::client_group group(runners, options.spread(all.url(0, "/"), 2));
        on_threads(4, [&](int thread) {
            std::vector<std::future<http::response>> asked;
            for (int i = 0; i < 100; ++i) {
                const std::string path = "/" + std::to_string(thread) + "/" + std::to_string(i);
                const std::string way =
                    i % 3 == 0 ? "/go/" + std::to_string((i + 1) % origins) + path : path;
                asked.push_back(group.async_get(all.url(i, way), asio::use_future));
            }
            for (int i = 0; i < 100; ++i) {
                const http::response answer = asked[static_cast<std::size_t>(i)].get();
                const std::string path = "/" + std::to_string(thread) + "/" + std::to_string(i);
                good += !answer.error && answer.body == path ? 1 : 0;
            }
        });
        group.close_idle();
        runners.join();
    }
    all.stop();
    BOOST_TEST(good == 400);
    for (int n = 0; n < origins; ++n)
        BOOST_TEST(all.at(n).most() <= 3);
}

// The cancellation may find a request anywhere on its way.
BOOST_AUTO_TEST_CASE(cancelled_requests_end_once_and_keep_no_place)
{
    const weir::test::watchdog guard;
    web all;
    weir::runner_pool runners(2);
    http::client_group group(runners, client_options().per_host(1).per_client(2));
    std::atomic<int> ended{0}, wrong{0}, aborted{0};
    on_threads(3, [&](int thread) {
        asio::io_context io(1);
        std::vector<asio::cancellation_signal> stops(100);
        for (int i = 0; i < 100; ++i) {
            const auto index = static_cast<std::size_t>(i);
            const std::string path = i % 3 == 0   ? "/hang"
                                     : i % 3 == 1 ? "/go/" + std::to_string(i % origins) + "/x"
                                                  : "/x";
            group.async_get(
                all.url(thread + i, path),
                asio::bind_cancellation_slot(
                    stops[index].slot(), asio::bind_executor(io, [&](const http::response& answer) {
                        ++ended;
                        aborted += is_aborted(answer) ? 1 : 0;
                        wrong += answer.error && !is_aborted(answer) ? 1 : 0;
                    })));
            if (i % 2 == 0 || i % 3 == 0)
                asio::post(
                    io, [&stops, index] { stops[index].emit(asio::cancellation_type::terminal); });
            io.poll();
        }
        io.restart();
        io.run();
    });
    BOOST_TEST(ended == 300);
    BOOST_TEST(wrong == 0);
    BOOST_TEST(aborted >= 3 * 34); // at least those that are never answered
    std::vector<std::future<http::response>> again;
    for (int n = 0; n < origins; ++n)
        again.push_back(group.async_get(all.url(n, "/again"), asio::use_future));
    for (auto& each : again)
        BOOST_TEST(each.get().body == "/again");
    group.close_idle();
    runners.join();
}

BOOST_AUTO_TEST_CASE(bodies_are_pulled_and_dropped_on_another_thread)
{
    const weir::test::watchdog guard;
    web all;
    weir::runner_pool runners(2);
    http::client_group group(runners, client_options().per_host(2));
    std::atomic<int> good{0};
    on_threads(3, [&](int thread) {
        asio::io_context io(1);
        const auto pull = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 60; ++i) {
                http::request ask(http::url::parse(all.url(thread + i, "/page")).value());
                auto opening = group.async_open(std::move(ask), asio::use_awaitable);
                http::open_response open = co_await std::move(opening);
                std::string got;
                for (;;) {
                    if (i % 4 == 0)
                        break; // the rest is not wanted
                    const std::string_view part = co_await open.next();
                    if (part.empty())
                        break;
                    got += part;
                }
                good += i % 4 == 0 || (got == "/page" && !open.answer().error) ? 1 : 0;
            }
        };
        asio::co_spawn(io, pull, asio::detached);
        io.run();
    });
    BOOST_TEST(good == 180);
    group.close_idle();
    runners.join();
}

BOOST_AUTO_TEST_CASE(a_group_that_goes_ends_its_requests)
{
    const weir::test::watchdog guard;
    web all;
    for (int round = 0; round < 30; ++round) {
        weir::runner_pool runners(2);
        std::optional<http::client_group> group(std::in_place, runners,
                                                client_options().per_client(30));
        std::vector<std::future<http::response>> asked;
        for (int i = 0; i < 30; ++i)
            asked.push_back(group->async_get(
                all.url(i, i % 2 == 0 ? "/hang" : "/go/" + std::to_string(i % origins) + "/x"),
                asio::use_future));
        if (round % 2 == 0)
            group->async_get(all.url(1, "/x"), asio::use_future).wait();
        group.reset();
        for (int i = 0; i < 30; ++i) {
            const http::response answer = asked[static_cast<std::size_t>(i)].get();
            BOOST_TEST((is_aborted(answer) || (i % 2 == 1 && answer.body == "/x")));
        }
        runners.join(); // nothing is left there
    }
}

BOOST_AUTO_TEST_CASE(runners_that_go_first_end_their_requests)
{
    const weir::test::watchdog guard;
    web all;
    for (int round = 0; round < 30; ++round) {
        auto runners = std::make_unique<weir::runner_pool>(2);
        http::client_group group(*runners, client_options().per_client(30));
        asio::io_context io(1);
        int ended = 0;
        const auto ask = [&](int i) {
            const std::string path = i % 2 == 0 ? "/hang" : "/go/1/x";
            group.async_get(all.url(i, path), asio::bind_executor(io, [&](const http::response& r) {
                                ++ended;
                                BOOST_TEST((is_aborted(r) || r.body == "/x"));
                            }));
        };
        for (int i = 0; i < 20; ++i)
            ask(i);
        if (round % 2 == 0)
            group.async_get(all.url(1, "/x"), asio::use_future).wait();
        runners.reset();
        ask(20); // there is nobody to make it
        io.run();
        BOOST_TEST(ended == 21);
    }
}

BOOST_AUTO_TEST_CASE(a_source_is_sent_by_one_request_at_a_time)
{
    class once final : public http::body_source {
    public:
        asio::awaitable<std::size_t> read(char* to, std::size_t) override
        {
            BOOST_REQUIRE(!busy.exchange(true));
            const std::size_t n = given++ == 0 ? 1 : 0;
            if (n != 0)
                *to = 'x';
            busy = false;
            co_return n;
        }
        bool can_rewind() const override { return true; }
        void rewind() override { given = 0; }

        std::atomic<bool> busy{false};
        int given = 0;
    };
    const weir::test::watchdog guard;
    web all;
    weir::runner_pool runners(2);
    http::client_group group(runners, client_options());
    for (int round = 0; round < 100; ++round) {
        const auto body = http::request_body::from(std::make_shared<once>());
        std::vector<std::future<http::response>> asked;
        for (int i = 0; i < origins; ++i) { // of both runners
            http::request put(http::url::parse(all.url(i, "/x")).value(), "PUT");
            put.body(body);
            asked.push_back(group.async_request(std::move(put), asio::use_future));
        }
        for (auto& each : asked) {
            const http::response answer = each.get();
            BOOST_TEST((!answer.error || answer.error->kind() == error_class::io));
        }
    }
    group.close_idle();
    runners.join();
}

// What belongs to a caller is not touched when its context has gone, though its requests go on.
BOOST_AUTO_TEST_CASE(callers_may_go_first)
{
    const weir::test::watchdog guard;
    web all;
    weir::runner_pool runners(2);
    http::client_group group(runners, client_options().per_host(4).per_client(8));
    on_threads(2, [&](int thread) {
        for (int round = 0; round < 50; ++round) {
            auto io = std::make_unique<asio::io_context>(1);
            const auto ask = [&](int i) -> asio::awaitable<void> {
                std::string got;
                http::body_sink sink = [&got](std::string_view part) {
                    got += part;
                    return weir::error_code();
                };
                const std::string path = i % 4 == 0 ? "/hang" : "/go/2/x";
                http::request what(http::url::parse(all.url(i, path)).value());
                auto asking =
                    group.async_request_into(std::move(what), std::move(sink), asio::use_awaitable);
                [[maybe_unused]] const http::response answer = co_await std::move(asking);
            };
            for (int i = 0; i < 8; ++i)
                asio::co_spawn(*io, ask(thread + i), asio::detached);
            for (int i = 0; i < round % 10; ++i)
                io->run_one();
            io->poll();
            io.reset();
        }
    });
    // What nobody waits for was cancelled: every place is free.
    std::vector<std::future<http::response>> again;
    for (int n = 0; n < 4 * origins; ++n)
        again.push_back(group.async_get(all.url(n, "/again"), asio::use_future));
    for (auto& each : again)
        BOOST_TEST(each.get().body == "/again");
    group.close_idle();
    runners.join();
}

BOOST_AUTO_TEST_SUITE_END()
