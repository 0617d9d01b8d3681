#include <weir/sim/network.hpp>

#include <weir/sim/stream.hpp>

#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::make_address;
using asio::ip::tcp;
using weir::sim::network;
using weir::sim::stream;
using weir::sim::stream_options;
using weir::test::in_every_order;
using weir::test::in_many_orders;
using weir::test::simulation;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

const tcp::endpoint here(make_address("192.0.2.1"), 80);
const tcp::endpoint elsewhere(make_address("2001:db8::1"), 80);

struct internet {
    explicit internet(simulation& s) : all(s.world) {}

    network all;
    std::vector<stream> accepted; // what servers that only accept hold

    network::server keep()
    {
        return [this](stream end) { accepted.push_back(std::move(end)); };
    }
};

// What a connection attempt ends with, and when.
void connects(simulation& s, network& all, tcp::endpoint to, weir::error_code expected,
              weir::duration after)
{
    s.spawn([&s, &all, to, expected, after]() -> asio::awaitable<void> {
        const auto begin = s.world.now();
        const auto result = co_await all.async_connect(s.a, to, quietly);
        BOOST_TEST(std::get<0>(result) == expected);
        BOOST_TEST(std::get<1>(result).is_open() == !expected);
        BOOST_TEST((s.world.now() - begin == after));
    });
}

void finds(simulation& s, network& all, std::string name, tcp family, weir::error_code expected,
           network::addresses found, weir::duration after)
{
    s.spawn([&s, &all, name, family, expected, found, after]() -> asio::awaitable<void> {
        const auto begin = s.world.now();
        const auto result = co_await all.async_resolve(s.a, name, family, quietly);
        BOOST_TEST(std::get<0>(result) == expected);
        BOOST_TEST((std::get<1>(result) == found));
        BOOST_TEST((s.world.now() - begin == after));
    });
}

// Sends all of `text` as a socket that does not block would be used.
asio::awaitable<void> send_all(stream& to, std::string text)
{
    std::size_t sent = 0;
    while (sent < text.size()) {
        weir::error_code error;
        sent += to.try_write(asio::buffer(text.data() + sent, text.size() - sent), error);
        if (error == asio::error::would_block)
            co_await to.async_wait_writable();
        else
            BOOST_REQUIRE(!error);
    }
    to.shutdown_send();
}

asio::awaitable<std::string> receive_all(stream& from)
{
    std::string all;
    for (;;) {
        char part[16];
        weir::error_code error;
        const std::size_t there = from.available();
        const std::size_t n = from.try_read(asio::buffer(part), error);
        BOOST_TEST(n <= there);
        all.append(part, n);
        if (error == asio::error::would_block) {
            BOOST_TEST(!from.is_readable());
            co_await from.async_wait_readable();
            BOOST_TEST(from.is_readable());
        } else if (error) {
            BOOST_TEST(error == asio::error::eof);
            co_return all;
        }
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(simulated_network)

BOOST_AUTO_TEST_CASE(names_are_found_by_family)
{
    simulation s(1);
    internet net(s);
    const auto four = make_address("192.0.2.1"), six = make_address("2001:db8::1");
    net.all.add_name("both", {four, six}, 20ms);
    net.all.add_name("old", {four});
    net.all.add_name("half", {four, six}, 1ms);
    net.all.fail_name("half", tcp::v6(), asio::error::host_not_found_try_again, 75s);
    finds(s, net.all, "both", tcp::v4(), {}, {four}, 20ms);
    finds(s, net.all, "both", tcp::v6(), {}, {six}, 20ms);
    finds(s, net.all, "old", tcp::v6(), asio::error::no_data, {}, 0ms);
    finds(s, net.all, "none", tcp::v4(), asio::error::host_not_found, {}, 0ms);
    finds(s, net.all, "half", tcp::v4(), {}, {four}, 1ms);
    finds(s, net.all, "half", tcp::v6(), asio::error::host_not_found_try_again, {}, 75s);
    s.run();
}

BOOST_AUTO_TEST_CASE(servers_accept_refuse_fail_and_are_silent)
{
    simulation s(1);
    internet net(s);
    net.all.add_server(here, s.b, net.keep(), stream_options().delay(30ms, 30ms));
    net.all.fail_server(elsewhere, asio::error::host_unreachable, 3s);
    const tcp::endpoint black_hole(make_address("192.0.2.9"), 80);
    net.all.silence_server(black_hole);
    connects(s, net.all, here, {}, 30ms);
    connects(s, net.all, tcp::endpoint(here.address(), 81), asio::error::connection_refused, 0ms);
    connects(s, net.all, elsewhere, asio::error::host_unreachable, 3s);
    connects(s, net.all, black_hole, asio::error::timed_out, 127s);
    s.run();
    BOOST_TEST(net.all.accepted() == 1U);
    BOOST_TEST(net.accepted.size() == 1U);
}

BOOST_AUTO_TEST_CASE(bytes_cross_by_readiness_however_they_are_cut)
{
    in_many_orders([](simulation& s) {
        internet net(s);
        const std::string text = "abcdefghijklmnopqrstuvwxyz0123456789";
        const auto serve = [&](stream end) {
            s.spawn(
                s.b,
                [end = std::make_shared<stream>(std::move(end)), text]() -> asio::awaitable<void> {
                    const std::string got = co_await receive_all(*end);
                    BOOST_TEST(got == text);
                    co_await send_all(*end, got + got);
                });
        };
        net.all.add_server(here, s.b, serve, stream_options().delay(1ms, 9ms).chunk(5).buffer(7));
        s.spawn([&]() -> asio::awaitable<void> {
            auto end = co_await net.all.async_connect(s.a, here);
            co_await send_all(end, text);
            const std::string got = co_await receive_all(end);
            BOOST_TEST(got == text + text);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(descriptors_run_out_and_come_back)
{
    simulation s(1);
    internet net(s);
    net.all.add_server(here, s.b, net.keep(), stream_options().delay(1ms, 1ms));
    net.all.limit_descriptors(2);
    s.spawn([&]() -> asio::awaitable<void> {
        auto first = co_await net.all.async_connect(s.a, here);
        std::optional<stream> second(co_await net.all.async_connect(s.a, here));
        BOOST_TEST(net.all.descriptors() == 2U);
        const auto third = co_await net.all.async_connect(s.a, here, quietly);
        BOOST_TEST(std::get<0>(third) == asio::error::no_descriptors);
        first.close();
        BOOST_TEST(net.all.descriptors() == 1U);
        first = co_await net.all.async_connect(s.a, here);
        BOOST_TEST(net.all.descriptors() == 2U);
        second.reset();
        first = stream(s.a);
        BOOST_TEST(net.all.descriptors() == 0U);
        const auto refused = co_await net.all.async_connect(s.a, elsewhere, quietly);
        BOOST_TEST(std::get<0>(refused) == asio::error::connection_refused);
        BOOST_TEST(net.all.descriptors() == 0U);
    });
    s.run();
}

// One that is cancelled leaves nothing open; the server sees all attempts that succeed, and no
// other.
BOOST_AUTO_TEST_CASE(a_cancelled_attempt_is_not_seen_by_the_server)
{
    in_every_order([](simulation& s) {
        auto net = std::make_unique<internet>(s);
        net->all.add_server(here, s.b, net->keep());
        std::size_t open = 0;
        asio::cancellation_signal stop;
        s.spawn([&]() -> asio::awaitable<void> {
            auto token = asio::bind_cancellation_slot(stop.slot(), quietly);
            const auto result = co_await net->all.async_connect(s.a, here, token);
            const auto& error = std::get<0>(result);
            BOOST_TEST((!error || error == asio::error::operation_aborted));
            open = net->all.descriptors();
            BOOST_TEST(open == (error ? 0U : 1U));
        });
        s.a.at_some_step([&] { stop.emit(asio::cancellation_type::terminal); });
        s.run();
        BOOST_TEST(net->all.accepted() == open);
        BOOST_TEST(net->accepted.size() == open);
        BOOST_TEST(net->all.descriptors() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(an_operation_outlives_its_network)
{
    simulation s(1);
    auto net = std::make_unique<internet>(s);
    net->all.fail_server(here, asio::error::timed_out, 2s);
    connects(s, net->all, here, asio::error::timed_out, 2s);
    s.world.run_one();
    net.reset();
    s.run();
}

BOOST_AUTO_TEST_CASE(an_attempt_of_a_context_that_is_gone_is_dropped)
{
    weir::sim::world w(1);
    auto a = std::make_unique<weir::sim::context>(w);
    weir::sim::context b(w);
    network all(w);
    all.add_server(
        here, b, [](stream) { BOOST_ERROR("nobody connects"); }, stream_options().delay(1s, 1s));
    auto alive = std::make_shared<int>(0);
    all.async_connect(*a, here, [alive](weir::error_code, stream) { ++*alive; });
    all.async_resolve(*a, "none", tcp::v4(),
                      [alive](weir::error_code, network::addresses) { ++*alive; });
    a.reset();
    BOOST_TEST(alive.use_count() == 1);
    BOOST_TEST(all.descriptors() == 0U);
    w.run_to_end();
    BOOST_TEST(*alive == 0);
}

BOOST_AUTO_TEST_CASE(a_wait_ends_when_its_stream_is_closed_cancelled_or_lost)
{
    in_every_order([](simulation& s) {
        auto [near, far] = weir::sim::stream_pair(s.a, s.b);
        weir::error_code ended = asio::error::in_progress;
        s.spawn([&end = near, &ended]() -> asio::awaitable<void> {
            const auto result = co_await end.async_wait_readable(quietly);
            ended = std::get<0>(result);
        });
        const std::size_t how = s.world.choose(4);
        const auto act = [how, &n = near, &f = far] {
            if (how == 0)
                n.cancel();
            else if (how == 1)
                n.close();
            else if (how == 2)
                n.reset();
            else
                f.close();
        };
        s.world.at_some_step(act);
        s.world.run();
        near.cancel(); // it may have begun to wait after the other one
        s.run();
        if (how <= 1)
            BOOST_TEST(
                (ended == asio::error::operation_aborted || ended == asio::error::bad_descriptor));
        else
            BOOST_TEST(!ended);
        if (how == 2) {
            char byte = 0;
            near.try_read(asio::buffer(&byte, 1), ended);
            BOOST_TEST(ended == asio::error::connection_reset);
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
