// Whole runs of the fetcher in a simulated network: attempts, pauses and rates.
#include <weir/http/fetcher.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_server.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using weir::duration;
using weir::test::in_many_orders;
using weir::test::simulated_answer;
using weir::test::simulated_server;
using weir::test::simulation;
using urls = std::vector<std::string>;

namespace {

// Answers are 50 ms away, and so are requests.
constexpr duration away = 50ms;

simulated_answer status(unsigned code, const std::string& fields = "")
{
    return {"HTTP/1.1 " + std::to_string(code) + " x\r\nContent-Length: 2\r\n" + fields + "\r\nno",
            false};
}

class fetching {
public:
    explicit fetching(simulation& s) : s_(s), all(s.world) { options.retry(attempts(3)); }

    static weir::retry_policy attempts(std::size_t number)
    {
        return weir::retry_policy(number).backoff(weir::backoff(1s, 10s, 1));
    }
    void serve(const std::string& address, simulated_server::answers by, duration delay = away)
    {
        const weir::sim::network::endpoint at(asio::ip::make_address(address), 80);
        const auto line = weir::sim::stream_options().delay(delay, delay);
        servers.push_back(std::make_unique<simulated_server>(all, at, s_.b, std::move(by), line));
    }

    void over(const urls& list, http::body_factory bodies = nullptr)
    {
        fetcher.emplace(s_.a.get_executor(), options, std::move(bodies),
                        std::make_shared<http::simulated_network>(s_.a, all));
        s_.spawn([&]() -> asio::awaitable<void> { return fetch(list); });
        s_.run();
        BOOST_TEST(results.size() == list.size());
        std::set<std::uint64_t> ids;
        for (const auto& each : results)
            BOOST_TEST(ids.insert(each.id).second);
        BOOST_TEST(fetcher->counts().queued == 0U);
        fetcher.reset();
    }

    const http::fetch_result& of(const std::string& url) const
    {
        const auto is = [&](const http::fetch_result& each) { return each.url == url; };
        return *std::find_if(results.begin(), results.end(), is);
    }

private:
    asio::awaitable<void> fetch(const urls& list)
    {
        std::size_t next = 0;
        const auto source = [&]() -> asio::awaitable<std::optional<std::string>> {
            if (next == list.size())
                co_return std::nullopt;
            co_return list[next++];
        };
        const auto sink = [&](http::fetch_result result) -> asio::awaitable<void> {
            results.push_back(std::move(result));
            ended.push_back(s_.elapsed());
            co_return;
        };
        co_await fetcher->run(source, sink);
    }

    simulation& s_;

public:
    weir::sim::network all;
    http::fetcher_options options;
    std::optional<http::fetcher> fetcher;
    std::vector<std::unique_ptr<simulated_server>> servers;
    std::vector<http::fetch_result> results;
    std::vector<duration> ended;
};

struct text_body final : http::body {
    weir::error_code write(std::string_view part) override
    {
        text += part;
        return {};
    }
    std::string text;
};

std::string class_of(const http::fetch_result& result)
{
    const auto& error = result.answer.error;
    return error ? std::string(name(error->kind())) : std::string();
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_fetch_retries)

// 303: the server has done what the POST wanted, and says where to look. Nobody listens there.
BOOST_AUTO_TEST_CASE(what_a_server_has_acted_on_is_not_made_again_whatever_follows)
{
    simulation s(1);
    fetching one(s);
    int done = 0;
    one.options.method("POST").body("pay=1");
    one.serve("10.0.0.1", [&](const std::string&) {
        ++done;
        return simulated_answer{"HTTP/1.1 303 See Other\r\nLocation: http://10.0.0.9/done\r\n"
                                "Content-Length: 0\r\n\r\n",
                                false};
    });
    one.over({"http://10.0.0.1/"});
    BOOST_TEST(done == 1);
    BOOST_TEST(class_of(one.of("http://10.0.0.1/")) == "connect");
    BOOST_TEST((one.results.front().answer.processed == http::processed::yes));
}

// It is made again as it was, without its expectation.
BOOST_AUTO_TEST_CASE(a_417_is_no_redirect)
{
    simulation s(1);
    fetching one(s);
    one.options.method("PUT").body(std::string(5, 'x'));
    http::client_options client;
    client.requests(http::request_options().expect_above(1).max_redirects(0));
    one.options.client(std::move(client));
    int asked = 0;
    one.serve("10.0.0.1", [&](const std::string&) {
        return ++asked == 1 ? status(417) : weir::test::ok("done");
    });
    one.over({"http://10.0.0.1/"});
    BOOST_TEST(asked == 2);
    BOOST_TEST(class_of(one.results.front()) == "");
    BOOST_TEST(one.results.front().redirects == 0U);
}

BOOST_AUTO_TEST_CASE(a_body_that_never_ends_does_not_hold_up_the_other_urls_of_its_host)
{
    simulation s(1);
    fetching one(s);
    one.options.retry(fetching::attempts(1)).timeout(60s);
    one.serve("10.0.0.1", [](const std::string& target) {
        if (target == "/endless")
            return simulated_answer{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", false};
        return weir::test::ok("here");
    });
    one.over({"http://10.0.0.1/endless", "http://10.0.0.1/a", "http://10.0.0.1/b"});
    BOOST_TEST(class_of(one.of("http://10.0.0.1/endless")) == "timeout");
    BOOST_TEST(class_of(one.of("http://10.0.0.1/a")).empty());
    BOOST_TEST((one.ended.at(1) < 1s)); // /a and /b
    BOOST_TEST((one.ended.at(2) >= 60s));
}

BOOST_AUTO_TEST_CASE(the_head_of_a_failing_answer_opens_no_place)
{
    simulation s(1);
    fetching one(s);
    one.options.retry(fetching::attempts(1)).timeout(60s);
    one.serve("10.0.0.1", [](const std::string& target) {
        if (target == "/endless")
            return simulated_answer{"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\n", false};
        return weir::test::ok("here");
    });
    one.over({"http://10.0.0.1/endless", "http://10.0.0.1/a"});
    BOOST_TEST(one.results.front().url == "http://10.0.0.1/endless");
    BOOST_TEST((one.ended.front() >= 60s));
}

BOOST_AUTO_TEST_CASE(each_attempt_has_a_body_of_its_own_and_stands_in_the_result)
{
    simulation s(1);
    fetching one(s);
    std::vector<std::weak_ptr<http::body>> bodies;
    one.serve("10.0.0.1", [&, n = 0](const std::string&) mutable {
        if (n++ < 2)
            return status(503);
        BOOST_TEST(bodies.size() == 3U);
        BOOST_TEST(bodies[0].expired());
        BOOST_TEST(bodies[1].expired());
        return weir::test::ok("yes");
    });
    one.over({"http://10.0.0.1/"}, [&](const http::url&) {
        for (const auto& before : bodies)
            BOOST_TEST(before.expired());
        const auto made = std::make_shared<text_body>();
        bodies.push_back(made);
        return made;
    });
    const auto& result = one.results.at(0);
    BOOST_TEST(class_of(result) == "");
    BOOST_TEST((result.status == weir::status::ok));
    BOOST_TEST(result.attempts == 3U);
    BOOST_TEST(static_cast<const text_body&>(*result.content).text == "yes");
    BOOST_TEST_REQUIRE(result.answer.attempts.size() == 3U);
    for (const std::size_t n : {0U, 1U})
        BOOST_TEST(result.answer.attempts[n].error->text() ==
                   "the server answered 503 Service Unavailable");
    BOOST_TEST(!result.answer.attempts[2].error.has_value());
    BOOST_TEST((result.answer.timings.total < 1s)); // the waits do not count
}

BOOST_AUTO_TEST_CASE(what_waits_holds_no_place_and_no_connection)
{
    simulation s(1);
    fetching one(s);
    one.options.jobs(1);
    one.serve("10.0.0.2", [&](const std::string&) {
        BOOST_TEST(one.fetcher->counts().running == 1U);
        BOOST_TEST(one.all.descriptors() == 1U);
        return weir::test::ok("x");
    });
    // Nothing listens at the first.
    one.over({"http://10.0.0.1/", "http://10.0.0.2/a", "http://10.0.0.2/b"});
    BOOST_TEST(class_of(one.of("http://10.0.0.1/")) == "connect");
    BOOST_TEST(one.of("http://10.0.0.1/").attempts == 3U);
    BOOST_TEST(one.of("http://10.0.0.1/").answer.attempts.size() >= 3U);
    BOOST_TEST((one.ended[1] < 1s));
    BOOST_TEST(one.results[2].url == "http://10.0.0.1/");
}

BOOST_AUTO_TEST_CASE(an_attempt_that_is_too_late_is_made_again)
{
    simulation s(1);
    fetching one(s);
    one.options.timeout(2s);
    const weir::sim::network::endpoint at(asio::ip::make_address("10.0.0.1"), 80);
    std::vector<weir::sim::stream> mute;
    one.all.add_server(at, s.b, [&](weir::sim::stream end) { mute.push_back(std::move(end)); });
    one.over({"http://10.0.0.1/"});
    BOOST_TEST(mute.size() == 3U);
    BOOST_TEST(class_of(one.results[0]) == "timeout");
    BOOST_TEST((one.results[0].status == weir::status::timed_out));
    BOOST_TEST((one.ended[0] >= 6s));
    BOOST_TEST((one.ended[0] <= 6s + 1s + 2s));
}

BOOST_AUTO_TEST_CASE(a_redirect_that_failed_begins_at_its_beginning)
{
    simulation s(1);
    fetching one(s);
    one.serve("10.0.0.1",
              [](const std::string&) { return status(302, "Location: http://10.0.0.2/b\r\n"); });
    one.serve("10.0.0.2", [n = 0](const std::string&) mutable {
        return n++ == 0 ? status(500) : weir::test::ok("x");
    });
    one.over({"http://10.0.0.1/a"});
    BOOST_TEST(class_of(one.results[0]) == "");
    BOOST_TEST(one.results[0].attempts == 2U);
    BOOST_TEST(one.results[0].redirects == 1U);
    BOOST_TEST(one.results[0].final_url == "http://10.0.0.2/b");
    BOOST_TEST(one.servers[0]->asked.size() == 2U);
    BOOST_TEST(one.servers[1]->asked.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_redirect_has_what_is_left_of_the_time)
{
    duration whole{};
    for (const bool in_time : {true, false}) {
        simulation s(1);
        fetching one(s);
        one.options.retry(fetching::attempts(1));
        if (!in_time)
            one.options.timeout(whole * 3 / 4); // more than half of it for each of the two
        one.serve(
            "10.0.0.1",
            [](const std::string&) { return status(302, "Location: http://10.0.0.2/\r\n"); }, 2s);
        one.serve(
            "10.0.0.2", [](const std::string&) { return weir::test::ok("x"); }, 2s);
        one.over({"http://10.0.0.1/"});
        BOOST_TEST(class_of(one.results[0]) == (in_time ? "" : "timeout"));
        BOOST_TEST(one.results[0].redirects == 1U);
        whole = one.ended[0];
    }
}

BOOST_AUTO_TEST_CASE(a_stop_while_one_waits_ends_it_as_its_last_attempt_ended)
{
    for (const bool at_once : {true, false}) {
        simulation s(1);
        fetching one(s);
        one.serve("10.0.0.1", [](const std::string&) { return status(503); });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 3 * away + 1ms);
            at_once ? one.fetcher->stop() : one.fetcher->finish_running();
        });
        one.over({"http://10.0.0.1/"});
        BOOST_TEST(class_of(one.results[0]) == "http");
        BOOST_TEST(one.results[0].answer.status == 503U);
        BOOST_TEST(one.results[0].attempts == 1U);
        BOOST_TEST((one.ended[0] <= 3 * away + 2ms));
    }
}

// One of ten URLs is refused: what the client had begun before it knew comes still, and then
// nothing for three seconds. The other host goes on.
BOOST_AUTO_TEST_CASE(a_pause_holds_its_origin_in_any_order_and_no_other)
{
    const auto run = [](simulation& s) {
        fetching one(s);
        duration said{};
        duration first{};
        duration other{};
        one.serve("10.0.0.1", [&, n = 0](const std::string&) mutable {
            if (++n == 4) {
                said = s.elapsed();
                return status(429, "Retry-After: 3\r\n");
            }
            if (said != duration::zero() && s.elapsed() > said + 2 * away &&
                first == duration::zero())
                first = s.elapsed();
            return weir::test::ok("x");
        });
        one.serve("10.0.0.2", [&](const std::string&) {
            other = s.elapsed();
            return weir::test::ok("x");
        });
        urls list;
        for (int i = 0; i < 10; ++i) {
            list.push_back("http://10.0.0.1/" + std::to_string(i));
            list.push_back("http://10.0.0.2/" + std::to_string(i));
        }
        one.over(list);
        for (const auto& each : one.results)
            BOOST_TEST(class_of(each) == "");
        BOOST_TEST((first >= said + away + 3s));
        BOOST_TEST((first <= said + away + 3s + 1s)); // and a random wait, if it was the last
        BOOST_TEST((other < 2s));
    };
    in_many_orders(run, 50);
}

BOOST_AUTO_TEST_CASE(requests_keep_to_the_rate_redirects_and_retries_too)
{
    const auto run = [](simulation& s) {
        fetching one(s);
        one.options.rate(weir::rate::per_second(20));
        std::vector<duration> came;
        int n = 0;
        const auto any = [&](const std::string& target) {
            came.push_back(s.elapsed());
            if (target == "/from")
                return status(301, "Location: /to\r\n");
            return ++n % 5 == 0 ? status(500) : weir::test::ok("x");
        };
        one.serve("10.0.0.1", any);
        one.serve("10.0.0.2", any);
        urls list;
        for (int i = 0; i < 10; ++i) {
            list.push_back("http://10.0.0.1/from");
            list.push_back("http://10.0.0.2/" + std::to_string(i));
        }
        one.over(list);
        BOOST_TEST(came.size() > 30U);
        // The first to each host comes later by the time that its connection takes.
        for (std::size_t i = 8; i < came.size(); ++i)
            BOOST_TEST((came[i] - came[i - 8] >= 7 * 50ms - 4 * away));
        BOOST_TEST((came.back() >= 50ms * (came.size() - 1)));
    };
    in_many_orders(run, 20);
}

BOOST_AUTO_TEST_SUITE_END()
