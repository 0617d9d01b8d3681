#pragma once

#include <weir/http/client.hpp>
#include <weir/http/simulated_network.hpp>
#include <weir/sim/network.hpp>

#include "http/support/simulated_server.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace weir::test {

namespace asio = boost::asio;
using asio::ip::make_address;
using asio::ip::tcp;
using http::error_class;

inline const tcp::endpoint web(make_address("192.0.2.1"), 80);
inline const tcp::endpoint secure_web(make_address("192.0.2.1"), 443);

/// A client in one context; servers are in the other one.
struct machines {
    explicit machines(simulation& sim, http::client_options options = http::client_options())
        : s(sim), all(sim.world), lines(std::make_shared<http::simulated_network>(sim.a, all)),
          client(std::make_unique<http::client>(sim.a.get_executor(), std::move(options), lines))
    {
    }

    asio::awaitable<http::response> get(std::string url, std::string& body)
    {
        http::request ask(http::url::parse(url).value());
        http::body_sink sink = [&body](std::string_view part) {
            body += part;
            return weir::error_code();
        };
        co_return co_await client->async_request_into(std::move(ask), std::move(sink));
    }

    // One GET; what it must end with, and when.
    void expect(const std::string& url, std::optional<error_class> error, const std::string& body,
                std::optional<weir::duration> after = std::nullopt)
    {
        s.spawn([=, this]() -> asio::awaitable<void> {
            std::string got;
            const auto began = s.world.now();
            const http::response answer = co_await get(url, got);
            BOOST_TEST(answer.error.has_value() == error.has_value());
            if (answer.error)
                BOOST_TEST((answer.error->kind() == error), answer.error->text());
            BOOST_TEST(got == body);
            if (after)
                BOOST_TEST((s.world.now() - began == *after));
            client->close_idle();
        });
    }

    simulation& s;
    weir::sim::network all;
    std::shared_ptr<http::simulated_network> lines;
    std::unique_ptr<http::client> client;
};

inline simulated_answer target_of(const std::string& target)
{
    return ok("this is " + target);
}

/// Some requests through one client. Afterwards every one has its answer, no place and no
/// connection is left, and the server was asked for nothing that nobody wanted.
class exchanges {
public:
    exchanges(simulation& s, std::size_t requests, std::size_t per_host)
        : s_(s), m_(s, http::client_options()
                           .per_host(weir::limit(per_host))
                           .connect_timeout(std::chrono::seconds(9))),
          server_(m_.all, web, s.b, target_of), stop_(requests), ended_(requests), errors_(requests)
    {
        for (std::size_t i = 0; i < requests; ++i)
            start(i);
    }

    void cancel(std::size_t i)
    {
        s_.a.at_some_step([this, i] { stop_[i].emit(asio::cancellation_type::terminal); });
    }
    void lose_connections()
    {
        s_.world.at_some_step([this] {
            lost_ = true;
            server_.reset();
        });
    }
    void close_connections()
    {
        s_.world.at_some_step([this] {
            lost_ = true;
            server_.close();
        });
    }
    void destroy_client()
    {
        s_.world.at_some_step([this] { m_.client.reset(); });
    }

    /// Whether the end asks for every place once more. That has orders of its own.
    enum class places { counted, tried };

    void finish(places how = places::counted)
    {
        s_.world.run();
        for (std::size_t i = 0; i < ended_.size(); ++i) {
            BOOST_REQUIRE(ended_[i] == 1);
            // Again only after the loss of a connection that was used before.
            BOOST_REQUIRE(server_.asked.count("/" + std::to_string(i)) <= (lost_ ? 2U : 1U));
            if (errors_[i] && errors_[i] != error_class::aborted)
                BOOST_REQUIRE(lost_);
        }
        if (m_.client) {
            BOOST_REQUIRE(m_.client->connections() == m_.client->idle());
            m_.client->close_idle();
            BOOST_REQUIRE(m_.client->connections() == 0U);
            if (how == places::tried)
                check_places();
        }
        s_.run();
        BOOST_REQUIRE(m_.all.descriptors() == 0U);
        BOOST_REQUIRE(server_.connections() == 0U);
    }

private:
    void start(std::size_t i)
    {
        bodies_.resize(stop_.size());
        s_.spawn([this, i]() -> asio::awaitable<void> {
            if (m_.client)
                co_await ask(i);
            ++ended_[i];
        });
    }

    asio::awaitable<void> ask(std::size_t i)
    {
        const std::string target = "/" + std::to_string(i);
        auto getting = m_.get("http://192.0.2.1" + target, bodies_[i]);
        auto token =
            asio::bind_cancellation_slot(stop_[i].slot(), asio::as_tuple(asio::use_awaitable));
        auto ended = asio::co_spawn(s_.a.get_executor(), std::move(getting), token);
        const auto result = co_await std::move(ended);
        const auto& answer = std::get<1>(result);
        if (std::get<0>(result))
            errors_[i] = error_class::aborted;
        else if (answer.error)
            errors_[i] = answer.error->kind();
        else
            BOOST_REQUIRE(bodies_[i] == "this is " + target);
    }

    // Every place of the host is free again.
    void check_places()
    {
        std::size_t answered = 0;
        for (std::size_t i = 0; i < ended_.size(); ++i)
            s_.spawn([this, &answered]() -> asio::awaitable<void> {
                std::string body;
                const http::response answer = co_await m_.get("http://192.0.2.1/again", body);
                answered += answer.error ? 0 : 1;
                m_.client->close_idle();
            });
        s_.world.run();
        BOOST_REQUIRE(answered == ended_.size());
        m_.client->close_idle();
    }

    simulation& s_;
    machines m_;
    simulated_server server_;
    std::vector<asio::cancellation_signal> stop_;
    std::vector<int> ended_;
    std::vector<std::optional<error_class>> errors_;
    std::vector<std::string> bodies_;
    bool lost_ = false;
};

} // namespace weir::test
