// Requests that are retried by `async_retry`: which, and when.
#include <weir/http/client.hpp>
#include <weir/http/judge.hpp>

#include <weir/policy/retry.hpp>
#include <weir/sim/network.hpp>

#include "http/support/simulated_client.hpp"
#include "http/support/simulated_server.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using http::error_class;
using weir::test::machines;
using weir::test::ok;
using weir::test::simulated_answer;
using weir::test::simulated_server;
using weir::test::simulation;

namespace {

// What a request of at most three attempts ends with.
struct ending {
    weir::error_code error;
    std::size_t attempts = 0;
    weir::retry_stop stop{};
    unsigned status = 0;
    weir::duration took{};
};

ending retried(const simulated_server::answers& by, const std::string& method = "GET",
               const std::string& url = "http://192.0.2.1/")
{
    simulation s(1);
    machines m(s);
    const simulated_server server(m.all, weir::test::web, s.b, by);
    ending found;
    s.spawn([&]() -> asio::awaitable<void> {
        const auto once = [&](weir::this_attempt& current) -> asio::awaitable<http::response> {
            const auto target = http::url::parse(url);
            http::response answer;
            if (target)
                answer = co_await m.client->async_request(http::request(*target, method));
            else
                answer.error = target.error();
            http::judge(current, answer, method);
            co_return answer;
        };
        constexpr auto tuple = asio::as_tuple(asio::use_awaitable);
        auto got = co_await weir::async_retry(weir::retry_policy(3), once, tuple);
        found.error = std::get<0>(got);
        found.attempts = std::get<1>(got).size();
        found.stop = std::get<1>(got).stop();
        found.status = std::get<2>(got).status;
        m.client->close_idle();
    });
    s.run();
    found.took = s.elapsed();
    return found;
}

simulated_server::answers always(std::string bytes)
{
    return [answer = simulated_answer{std::move(bytes)}](const std::string&) { return answer; };
}

simulated_server::answers status(unsigned code, const std::string& fields = "")
{
    return always("HTTP/1.1 " + std::to_string(code) + " x\r\nContent-Length: 0\r\n" + fields +
                  "\r\n");
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_judge)

BOOST_AUTO_TEST_CASE(an_answer_is_a_success_and_a_busy_server_is_asked_again)
{
    const ending good = retried([](const std::string& target) { return ok(target); });
    BOOST_TEST(!good.error);
    BOOST_TEST(good.attempts == 1U);
    const ending busy = retried(status(503));
    BOOST_TEST((busy.error == error_class::http));
    BOOST_TEST((busy.stop == weir::retry_stop::exhausted));
    BOOST_TEST(busy.attempts == 3U);
    BOOST_TEST(busy.status == 503U); // the last answer is handed out
}

BOOST_AUTO_TEST_CASE(what_will_not_pass_is_not_asked_for_again)
{
    const ending missing = retried(status(404));
    BOOST_TEST((missing.error == error_class::http));
    BOOST_TEST((missing.stop == weir::retry_stop::permanent));
    BOOST_TEST(missing.attempts == 1U);
    BOOST_TEST(retried(status(200), "GET", "nonsense://").attempts == 1U);
}

BOOST_AUTO_TEST_CASE(what_may_have_been_done_is_not_done_twice)
{
    BOOST_TEST(retried(status(503), "POST").attempts == 1U);
    BOOST_TEST(retried(status(503), "PUT").attempts == 3U);
}

BOOST_AUTO_TEST_CASE(a_server_that_cannot_be_reached_is_asked_again)
{
    const ending refused = retried(status(200), "POST", "http://192.0.2.1:81/");
    BOOST_TEST((refused.error == asio::error::connection_refused));
    BOOST_TEST(refused.attempts == 3U);
}

BOOST_AUTO_TEST_CASE(the_pause_that_a_server_asks_for_is_kept_and_a_long_one_is_not_waited_for)
{
    const ending paused = retried(status(429, "Retry-After: 20\r\n"));
    BOOST_TEST(paused.attempts == 3U);
    BOOST_TEST((paused.took >= 40s));
    BOOST_TEST((paused.took < 41s));
    const ending too_long = retried(status(429, "Retry-After: 86400\r\n"));
    BOOST_TEST(too_long.attempts == 1U);
    BOOST_TEST((too_long.stop == weir::retry_stop::wait_too_long));
}

BOOST_AUTO_TEST_SUITE_END()
