#pragma once

#include <weir/http/client.hpp>
#include <weir/http/simulated_network.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/stream_options.hpp>

#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace weir::test {

/// What ends a request early.
enum class ends_early { cancelled, connection_lost };

/// A client in one context, and a server at 192.0.2.1 in the other one that plays a script.
struct peer_scene {
    peer_scene(simulation& sim, simulated_peers::script script,
               const sim::stream_options& how = sim::stream_options(),
               http::client_options options = http::client_options())
        : s(sim), all(sim.world), client(std::make_unique<http::client>(
                                      sim.a.get_executor(), std::move(options),
                                      std::make_shared<http::simulated_network>(sim.a, all))),
          peers(all, {boost::asio::ip::make_address("192.0.2.1"), 80}, sim.b, std::move(script),
                how)
    {
    }

    /// Runs a test, and looks for what it left behind.
    template <class Body>
    void run(Body test)
    {
        s.spawn([&]() -> boost::asio::awaitable<void> {
            co_await test();
            client->close_idle();
        });
        s.run();
        BOOST_TEST(client->connections() == 0U);
        BOOST_TEST(all.descriptors() == 0U);
    }

    /// Begins one request by `begin(handler)`, and ends it early at some step, or too late. It must
    /// complete once, and leave nothing behind. Returns what it completed with.
    template <class Begin>
    http::response end_at_some_step(ends_early how, Begin begin)
    {
        boost::asio::cancellation_signal stop;
        std::optional<http::response> answer;
        const auto ended = [&](http::response r) {
            BOOST_REQUIRE(!answer);
            answer = std::move(r);
        };
        begin(boost::asio::bind_cancellation_slot(stop.slot(), ended));
        if (how == ends_early::cancelled)
            s.a.at_some_step([&] { stop.emit(boost::asio::cancellation_type::terminal); });
        else
            s.world.at_some_step([this] { peers.reset(); });
        s.world.run();
        BOOST_REQUIRE(answer.has_value());
        BOOST_REQUIRE(client->connections() == client->idle());
        client->close_idle();
        s.run();
        BOOST_REQUIRE(all.descriptors() == 0U);
        return std::move(*answer);
    }

    simulation& s;
    sim::network all;
    std::unique_ptr<http::client> client;
    simulated_peers peers;
};

} // namespace weir::test
