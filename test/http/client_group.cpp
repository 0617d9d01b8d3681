// A client group over two contexts of one simulated world.
#include <weir/http/client_group.hpp>
#include <weir/http/client_group_options.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/sim/context.hpp>
#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_client.hpp"
#include "http/support/simulated_server.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using asio::ip::make_address;
using asio::ip::tcp;
using http::client_group_options;
using http::client_options;
using http::error_class;
using weir::sim::schedules;
using weir::sim::stream_options;
using weir::test::in_every_order;
using weir::test::in_many_orders;
using weir::test::ok;
using weir::test::simulated_answer;
using weir::test::simulated_server;
using weir::test::simulation;
using weir::test::target_of;

namespace {

constexpr int hosts = 12; // enough for both runners to have some

tcp::endpoint host(int n)
{
    return {make_address("192.0.2." + std::to_string(n)), 80};
}

std::string at(int n, const std::string& target)
{
    return "http://192.0.2." + std::to_string(n) + target;
}

/// The network of one runner, which tells where that connects to.
class runners_network final : public http::network {
public:
    runners_network(weir::sim::context& here, weir::sim::network& all) : inner_(here, all) {}

    std::shared_ptr<http::name_source> names() override { return inner_.names(); }
    std::unique_ptr<attempt> connect(const tcp::endpoint& to, connected done) override
    {
        connected_to.insert(to);
        return inner_.connect(to, std::move(done));
    }
    std::unique_ptr<http::secure_session> secure(http::transport& line,
                                                 const http::url& target) override
    {
        return inner_.secure(line, target);
    }

    std::multiset<tcp::endpoint> connected_to;

private:
    http::simulated_network inner_;
};

/// A group over two contexts. Its callers are in a third one, the servers in a fourth.
struct group_of_two {
    explicit group_of_two(simulation& sim, const client_group_options& options = {})
        : s(sim), all(sim.world), second(sim.world), servers(sim.world)
    {
        nets.push_back(std::make_shared<runners_network>(s.b, all));
        nets.push_back(std::make_shared<runners_network>(second, all));
        std::size_t next = 0;
        const auto lines = [&](const asio::any_io_executor&) { return nets[next++]; };
        group = std::make_unique<http::client_group>(
            std::vector<asio::any_io_executor>{s.b.get_executor(), second.get_executor()}, options,
            lines);
    }

    /// One GET; what it must end with, and when.
    void expect(const std::string& url, std::optional<error_class> error, const std::string& body,
                std::optional<weir::duration> after = std::nullopt,
                const http::request_options& limits = {})
    {
        ++waiting;
        s.spawn([=, this]() -> asio::awaitable<void> {
            const auto began = s.world.now();
            http::request ask(http::url::parse(url).value());
            ask.options(limits);
            auto asking = group->async_request(std::move(ask), asio::use_awaitable);
            const http::response answer = co_await std::move(asking);
            BOOST_TEST(answer.error.has_value() == error.has_value());
            if (answer.error)
                BOOST_TEST((answer.error->kind() == error), answer.error->text());
            BOOST_TEST(answer.body == body);
            const weir::duration took = s.world.now() - began;
            BOOST_TEST(answer.timings.total.count() == took.count());
            if (after)
                BOOST_TEST(took.count() == after->count(), url << " took " << took.count());
            last = s.elapsed();
            if (--waiting == 0)
                group->close_idle();
        });
    }

    /// Which runner has connected to a host; -1 for none, 2 for both.
    int runner_of(int n) const
    {
        const bool first = nets[0]->connected_to.count(host(n)) != 0;
        const bool other = nets[1]->connected_to.count(host(n)) != 0;
        return first && other ? 2 : first ? 0 : other ? 1 : -1;
    }

    /// Servers that count the connections of the whole group.
    void serve(const simulated_server::answers& answers = target_of,
               const stream_options& how = stream_options())
    {
        for (int n = 1; n <= hosts; ++n)
            each.push_back(std::make_unique<simulated_server>(
                all, host(n), servers,
                [this, answers](const std::string& target) {
                    most = std::max(most, all.descriptors());
                    return answers(target);
                },
                how));
    }

    void run()
    {
        s.run();
        BOOST_TEST(waiting == 0);
        BOOST_TEST(all.descriptors() == 0U);
    }

    simulation& s;
    weir::sim::network all;
    weir::sim::context second;
    weir::sim::context servers;
    std::vector<std::shared_ptr<runners_network>> nets;
    std::unique_ptr<http::client_group> group;
    std::vector<std::unique_ptr<simulated_server>> each;
    std::size_t most = 0;
    int waiting = 0;
    weir::duration last{}; // when an answer came
};

/// The first host with another runner than host 1.
int apart()
{
    simulation s(1);
    group_of_two g(s);
    g.serve();
    for (int n = 1; n <= hosts; ++n)
        g.expect(at(n, "/"), std::nullopt, "this is /");
    g.run();
    for (int n = 2; n <= hosts; ++n)
        if (g.runner_of(n) != g.runner_of(1))
            return n;
    throw std::logic_error("all hosts have one runner");
}

simulated_answer redirect_to(const std::string& where)
{
    return {"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + where + "\r\n\r\n", false};
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_client_group)

BOOST_AUTO_TEST_CASE(an_origin_has_one_runner_and_all_have_some)
{
    in_many_orders(
        [](simulation& s) {
            group_of_two g(s);
            g.serve();
            for (int i = 0; i < 3 * hosts; ++i)
                g.expect(at(1 + i % hosts, "/x"), std::nullopt, "this is /x");
            g.run();
            std::set<int> runners;
            for (int n = 1; n <= hosts; ++n)
                runners.insert(g.runner_of(n));
            BOOST_TEST(runners == std::set<int>({0, 1}), boost::test_tools::per_element());
        },
        20);
}

BOOST_AUTO_TEST_CASE(a_host_never_has_more_connections_than_its_limit)
{
    in_many_orders(
        [](simulation& s) {
            group_of_two g(s, client_options().per_host(2));
            g.serve(target_of, stream_options().delay(0ms, 20ms));
            for (int i = 0; i < 8; ++i)
                g.expect(at(1, "/x"), std::nullopt, "this is /x");
            g.run();
            BOOST_TEST(g.most == 2U);
            BOOST_TEST(g.all.accepted() == 2U);
        },
        50);
}

BOOST_AUTO_TEST_CASE(the_limit_of_all_origins_counts_for_all_runners)
{
    in_many_orders(
        [](simulation& s) {
            group_of_two g(s, client_options().per_client(3).max_idle(0));
            g.serve(target_of, stream_options().delay(0ms, 20ms));
            for (int i = 0; i < 2 * hosts; ++i)
                g.expect(at(1 + i % hosts, "/x"), std::nullopt, "this is /x");
            g.run();
            BOOST_TEST(g.most == 3U);
        },
        20);
}

BOOST_AUTO_TEST_CASE(a_redirect_goes_on_at_the_runner_of_its_origin)
{
    in_many_orders(
        [](simulation& s) {
            // With one place none could go on that keeps its own on the way.
            group_of_two g(s, client_options().per_client(1).max_redirects(hosts));
            // /n leads to host n.
            g.serve([](const std::string& target) {
                const int n = std::stoi(target.substr(1));
                return n == hosts ? ok("here")
                                  : redirect_to(at(n + 1, "/" + std::to_string(n + 1)));
            });
            g.expect(at(1, "/1"), std::nullopt, "here");
            g.expect(at(1, "/1"), std::nullopt, "here");
            g.run();
            for (int n = 1; n <= hosts; ++n)
                BOOST_TEST(g.runner_of(n) != 2);
            BOOST_TEST(!g.nets[0]->connected_to.empty());
            BOOST_TEST(!g.nets[1]->connected_to.empty());
        },
        50);
}

BOOST_AUTO_TEST_CASE(limits_and_the_record_of_a_request_span_all_runners)
{
    const int other = apart();
    simulation s(1);
    group_of_two g(s, client_options().max_redirects(1));
    g.each.push_back(std::make_unique<simulated_server>(
        g.all, host(1), g.servers,
        [&](const std::string& target) { return redirect_to(at(other, target)); },
        stream_options().delay(500ms, 500ms)));
    g.each.push_back(std::make_unique<simulated_server>(
        g.all, host(other), g.servers,
        [&](const std::string& target) {
            return target == "/back" ? redirect_to(at(1, "/end")) : ok("");
        },
        stream_options().delay(5s, 5s)));
    // One second and more, then ten; the limit begins with the request.
    g.expect(at(1, "/late"), error_class::timeout, "", 3s,
             http::request_options().total_timeout(3s));
    g.expect(at(1, "/back"), error_class::redirect, ""); // one more than may be
    ++g.waiting;
    s.spawn([&]() -> asio::awaitable<void> {
        const http::response answer = co_await g.group->async_get(at(1, "/good"));
        BOOST_TEST(!answer.error);
        BOOST_REQUIRE(answer.attempts.size() == 2U);
        BOOST_TEST((answer.attempts[0].address == host(1)));
        BOOST_TEST((answer.attempts[1].address == host(other)));
        BOOST_TEST((answer.attempts[0].ended >= 1s));
        BOOST_TEST((answer.attempts[1].began == answer.attempts[0].ended));
        --g.waiting;
        g.group->close_idle();
    });
    g.run();
}

// The runner of the new origin knows that the request was answered at the first.
BOOST_AUTO_TEST_CASE(what_a_server_has_done_is_known_at_every_runner)
{
    const int other = apart();
    simulation s(1);
    group_of_two g(s);
    g.each.push_back(std::make_unique<simulated_server>(
        g.all, host(1), g.servers, [&](const std::string& target) {
            return simulated_answer{"HTTP/1.1 " + target.substr(1) +
                                        " Go\r\nContent-Length: 0\r\nLocation: " + at(other, "/") +
                                        "\r\n\r\n",
                                    false};
        }));
    g.each.push_back(
        std::make_unique<simulated_server>(g.all, host(other), g.servers, [](const std::string&) {
            return simulated_answer{"", true};
        }));
    g.waiting = 1;
    s.spawn([&]() -> asio::awaitable<void> {
        for (const char* target : {"/303", "/307"}) {
            http::request ask(http::url::parse(at(1, target)).value(), "POST");
            auto asking = g.group->async_request(std::move(ask), asio::use_awaitable);
            const http::response answer = co_await std::move(asking);
            BOOST_TEST(answer.error.has_value());
            const bool acted = target == std::string("/303");
            BOOST_TEST(
                (answer.processed == (acted ? http::processed::yes : http::processed::maybe)),
                target);
        }
        g.waiting = 0;
        g.group->close_idle();
    });
    g.run();
}

BOOST_AUTO_TEST_CASE(an_origin_may_have_several_runners_that_share_its_limit)
{
    in_many_orders(
        [](simulation& s) {
            client_group_options options(client_options().per_host(3).max_idle(0));
            group_of_two g(s, options.spread(at(1, "/"), 2));
            g.serve(target_of, stream_options().delay(1ms, 20ms));
            for (int i = 0; i < 12; ++i)
                g.expect(at(1, "/x"), std::nullopt, "this is /x");
            g.run();
            BOOST_TEST(g.most == 3U);
            BOOST_TEST(g.runner_of(1) == 2);
        },
        50);
}

// Each has its part, also of the places. What waits for its part takes no place from others.
BOOST_AUTO_TEST_CASE(the_runners_of_an_origin_take_no_place_that_they_cannot_use)
{
    simulation s(1);
    client_group_options options(client_options().per_host(2).per_client(3));
    group_of_two g(s, options.spread(at(1, "/"), 2));
    g.each.push_back(std::make_unique<simulated_server>(g.all, host(1), g.servers, target_of,
                                                        stream_options().delay(500ms, 500ms)));
    g.each.push_back(std::make_unique<simulated_server>(g.all, host(2), g.servers, target_of));
    for (int i = 0; i < 6; ++i)
        g.expect(at(1, "/slow"), std::nullopt, "this is /slow");
    for (int i = 0; i < 6; ++i)
        g.expect(at(2, "/fast"), std::nullopt, "this is /fast", 0s);
    g.run();
    BOOST_TEST(g.last.count() == weir::duration(3500ms).count()); // to connect, and two at a time
}

BOOST_AUTO_TEST_CASE(a_spread_is_refused_by_its_name)
{
    client_group_options options;
    BOOST_CHECK_THROW(options.spread("http://h/", 0), std::invalid_argument);
    BOOST_CHECK_THROW(options.spread("http://", 2), std::invalid_argument);
    options.spread("http://Example.com/a/b?c", 3);
    BOOST_REQUIRE(options.spreads().size() == 1U);
    BOOST_TEST(options.spreads().begin()->first == http::url::parse("example.com")->origin());
    BOOST_TEST(options.spreads().begin()->second == 3U);
    BOOST_CHECK_THROW(http::client_group(std::vector<asio::any_io_executor>()),
                      std::invalid_argument);
}

// ---- descriptors

BOOST_AUTO_TEST_CASE(an_idle_connection_of_another_runner_is_closed_for_a_new_one)
{
    const int other = apart();
    simulation s(1);
    group_of_two g(s, client_options().idle_timeout(1h));
    g.all.limit_descriptors(1);
    g.serve();
    ++g.waiting;
    s.spawn([&]() -> asio::awaitable<void> {
        for (const int n : {1, other, 1}) {
            const auto began = s.world.now();
            const http::response answer = co_await g.group->async_get(at(n, "/"));
            BOOST_TEST(!answer.error);
            BOOST_TEST((s.world.now() - began < 100ms));
        }
        --g.waiting;
        g.group->close_idle();
    });
    g.run();
    BOOST_TEST(g.all.accepted() == 3U);
}

BOOST_AUTO_TEST_CASE(a_connection_that_another_runner_uses_is_waited_for)
{
    const int other = apart();
    in_many_orders(
        [other](simulation& s) {
            group_of_two g(s, client_options().idle_timeout(1h).connect_timeout(1h));
            g.all.limit_descriptors(1);
            g.serve(target_of, stream_options().delay(0ms, 3s));
            for (int i = 0; i < 3; ++i) {
                g.expect(at(1, "/a"), std::nullopt, "this is /a");
                g.expect(at(other, "/b"), std::nullopt, "this is /b");
            }
            g.run();
        },
        50);
}

BOOST_AUTO_TEST_CASE(without_any_descriptor_requests_fail_soon)
{
    const int other = apart();
    simulation s(1);
    group_of_two g(s);
    g.all.limit_descriptors(0);
    g.serve();
    for (const int n : {1, other, 1, other})
        g.expect(at(n, "/"), error_class::connect, "");
    g.run();
    BOOST_TEST(g.last.count() < weir::duration(4s).count());
}

// ---- bodies

BOOST_AUTO_TEST_CASE(a_body_goes_to_a_sink_or_a_receiver)
{
    class kept final : public http::body_receiver {
    public:
        asio::awaitable<weir::error_code> write(std::string_view part) override
        {
            got += part;
            co_return weir::error_code();
        }
        asio::awaitable<weir::error_code> end() override
        {
            got += ".";
            co_return weir::error_code();
        }
        std::string got;
    };
    in_many_orders(
        [](simulation& s) {
            group_of_two g(s);
            g.serve(target_of, stream_options().delay(0ms, 9ms).chunk(7));
            ++g.waiting;
            s.spawn([&]() -> asio::awaitable<void> {
                std::string got;
                http::body_sink sink = [&got](std::string_view part) {
                    got += part;
                    return weir::error_code();
                };
                http::request first(http::url::parse(at(1, "/a")).value());
                auto passing = g.group->async_request_into(std::move(first), std::move(sink));
                const http::response one = co_await std::move(passing);
                BOOST_TEST(!one.error);
                BOOST_TEST(got == "this is /a");
                kept to;
                http::request second(http::url::parse(at(2, "/b")).value());
                auto giving = g.group->async_request_into(std::move(second), to);
                const http::response other = co_await std::move(giving);
                BOOST_TEST(!other.error);
                BOOST_TEST(to.got == "this is /b.");
                --g.waiting;
                g.group->close_idle();
            });
            g.run();
        },
        20);
}

BOOST_AUTO_TEST_CASE(a_body_is_pulled_by_its_caller)
{
    in_many_orders(
        [](simulation& s) {
            group_of_two g(s);
            const std::string page(500, 'x');
            g.serve([&](const std::string&) { return ok(page); },
                    stream_options().delay(0ms, 9ms).chunk(60));
            ++g.waiting;
            s.spawn([&]() -> asio::awaitable<void> {
                for (int n = 1; n <= 4; ++n) {
                    http::request ask(http::url::parse(at(n, "/")).value());
                    auto opening = g.group->async_open(std::move(ask));
                    http::open_response open = co_await std::move(opening);
                    BOOST_REQUIRE(!open.answer().error);
                    BOOST_TEST(open.answer().status == 200U);
                    std::string got;
                    for (;;) {
                        const std::string_view part = co_await open.next();
                        if (part.empty())
                            break;
                        got += part;
                    }
                    BOOST_TEST(got == page);
                    BOOST_TEST(open.answer().bytes == page.size());
                }
                --g.waiting;
                g.group->close_idle();
            });
            g.run();
        },
        30);
}

BOOST_AUTO_TEST_CASE(a_response_that_is_dropped_or_cannot_be_opened_leaves_nothing)
{
    in_many_orders(
        [](simulation& s) {
            group_of_two g(s);
            g.serve([](const std::string&) { return ok(std::string(5000, 'x')); },
                    stream_options().buffer(300));
            ++g.waiting;
            s.spawn([&]() -> asio::awaitable<void> {
                for (int n = 1; n <= 2; ++n) {
                    http::request ask(http::url::parse(at(n, "/")).value());
                    auto opening = g.group->async_open(std::move(ask));
                    http::open_response open = co_await std::move(opening);
                    BOOST_TEST(!(co_await open.next()).empty());
                }
                http::request refused(http::url::parse("http://192.0.2.1:81/").value());
                auto opening = g.group->async_open(std::move(refused));
                http::open_response none = co_await std::move(opening);
                BOOST_REQUIRE(none.answer().error.has_value());
                BOOST_TEST((none.answer().error->kind() == error_class::connect));
                BOOST_TEST((co_await none.next()).empty());
                const http::response bad = co_await g.group->async_get("http://a b:x/");
                BOOST_REQUIRE(bad.error.has_value());
                BOOST_TEST((bad.error->kind() == error_class::bad_url));
                --g.waiting;
            });
            g.run(); // nothing is idle: both were cut off
        },
        30);
}

// ---- ends

/// Some requests of a group, which can be cancelled. Each ends once.
struct requests {
    requests(simulation& sim, const client_group_options& options)
        : s(sim), g(sim, options), stops(8)
    {
    }

    void start(int n)
    {
        const std::size_t i = ends.size();
        ends.push_back(0);
        s.spawn([this, i, n]() -> asio::awaitable<void> {
            if (!g.group)
                co_return void(++ends[i]);
            auto token = asio::bind_cancellation_slot(stops[i].slot(), asio::use_awaitable);
            auto asking = g.group->async_get(at(n, "/" + std::to_string(n)), token);
            const http::response answer = co_await std::move(asking);
            ++ends[i];
            if (answer.error)
                BOOST_REQUIRE((answer.error->kind() == error_class::aborted));
            else
                BOOST_REQUIRE(answer.body == "this is /" + std::to_string(n));
            good += answer.error ? 0 : 1;
        });
    }
    void cancel(std::size_t i)
    {
        s.a.at_some_step([this, i] { stops[i].emit(asio::cancellation_type::terminal); });
    }
    void destroy_group()
    {
        s.world.at_some_step([this] {
            g.group.reset();
            destroyed = s.elapsed();
        });
    }
    void finish()
    {
        s.world.run();
        BOOST_REQUIRE((ends == std::vector<int>(ends.size(), 1)));
        if (g.group) {
            good = 0;
            for (const int n : {1, 2, 3})
                start(n);
            s.world.run();
            BOOST_REQUIRE(good == 3); // every place is free again
            g.group->close_idle();
        }
        s.run();
        BOOST_REQUIRE(g.all.descriptors() == 0U);
    }

    simulation& s;
    group_of_two g;
    std::vector<asio::cancellation_signal> stops;
    std::vector<int> ends;
    int good = 0;
    weir::duration destroyed{}; // when the group was
};

BOOST_AUTO_TEST_CASE(cancelled_requests_end_once_and_keep_no_place)
{
    in_many_orders([](simulation& s) {
        requests all(s, client_options().per_client(2).per_host(1));
        all.g.serve(target_of, stream_options().delay(0ms, 20ms));
        for (const int n : {1, 2, 3, 1, 2})
            all.start(n);
        for (const std::size_t i : {0U, 1U, 3U})
            all.cancel(i);
        all.finish();
    });
}

BOOST_AUTO_TEST_CASE(a_group_that_is_destroyed_ends_its_requests)
{
    in_many_orders([](simulation& s) {
        requests all(s, client_options().per_client(2).idle_timeout(1h));
        all.g.serve(target_of, stream_options().delay(0ms, 20ms));
        for (const int n : {1, 2, 3, 1, 2})
            all.start(n);
        all.cancel(2);
        all.destroy_group();
        all.finish();
        BOOST_TEST((s.elapsed() - all.destroyed < 1min)); // no connection is kept
    });
}

BOOST_AUTO_TEST_CASE(two_requests_in_every_order)
{
    const auto two = [](const std::function<void(requests&)>& fault) {
        in_every_order(
            [&fault](simulation& s) {
                requests all(s, client_options().per_client(1).idle_timeout(1min));
                all.g.serve();
                all.start(1);
                all.start(2);
                fault(all);
                all.finish();
            },
            schedules::random(300, 1));
    };
    two([](requests&) {});
    two([](requests& all) { all.cancel(0); });
    two([](requests& all) { all.cancel(1); });
    two([](requests& all) { all.destroy_group(); });
}

// Nothing else would end them.
BOOST_AUTO_TEST_CASE(a_request_at_a_silent_server_ends_with_its_caller_or_its_group)
{
    simulation s(1);
    group_of_two g(s, client_options().connect_timeout(1h));
    for (int n = 1; n <= 3; ++n)
        g.all.silence_server(host(n));
    asio::cancellation_signal stop;
    int ended = 0;
    const auto ask = [&](int n, weir::duration after) -> asio::awaitable<void> {
        auto token = asio::bind_cancellation_slot(n == 1 ? stop.slot() : asio::cancellation_slot(),
                                                  asio::use_awaitable);
        auto asking = g.group->async_get(at(n, "/"), token);
        const http::response answer = co_await std::move(asking);
        BOOST_REQUIRE(answer.error.has_value());
        BOOST_TEST((answer.error->kind() == error_class::aborted));
        BOOST_TEST(s.elapsed().count() == after.count());
        ++ended;
    };
    s.spawn([&] { return ask(1, 1s); });
    s.spawn([&] { return ask(2, 2s); });
    s.spawn([&] { return ask(3, 2s); });
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 1s, asio::use_awaitable);
        stop.emit(asio::cancellation_type::terminal);
        co_await weir::async_sleep_for(s.a.get_executor(), 1s, asio::use_awaitable);
        g.group.reset();
    });
    g.run();
    BOOST_TEST(ended == 3);
}

// A cancellation finds it wherever it is: on its way to a runner, there, or between two.
BOOST_AUTO_TEST_CASE(a_redirected_request_is_cancelled_wherever_it_is)
{
    const int other = apart();
    std::size_t aborted = 0, good = 0;
    in_many_orders([&](simulation& s) {
        group_of_two g(s);
        g.serve([other](const std::string& target) {
            return target == "/1" ? redirect_to(at(other, "/2")) : ok("here");
        });
        asio::cancellation_signal stop;
        s.a.at_some_step([&] { stop.emit(asio::cancellation_type::terminal); });
        int ended = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            auto token = asio::bind_cancellation_slot(stop.slot(), asio::use_awaitable);
            auto asking = g.group->async_get(at(1, "/1"), token);
            const http::response answer = co_await std::move(asking);
            ++ended;
            if (answer.error)
                BOOST_REQUIRE((answer.error->kind() == error_class::aborted));
            else
                BOOST_REQUIRE(answer.body == "here");
            ++(answer.error ? aborted : good);
            g.group->close_idle();
        });
        g.run();
        BOOST_REQUIRE(ended == 1);
    });
    BOOST_TEST(aborted > 20U);
    BOOST_TEST(good > 20U);
}

BOOST_AUTO_TEST_SUITE_END()
