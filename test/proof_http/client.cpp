// The whole client, in every order: every exchange ends once, no place and no connection is lost.
#include "http/support/simulated_client.hpp"
#include "proof/prove.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

using weir::sim::schedules;
using weir::sim::world;
using weir::test::exchanges;
using weir::test::is_long;
using weir::test::prove;
using weir::test::seeds;
using weir::test::simulation;

namespace {

/// A fault at any step, and its name.
struct fault {
    std::string name;
    std::function<void(exchanges&)> happens;
};

std::vector<fault> faults_of(std::size_t requests)
{
    std::vector<fault> all;
    all.push_back({"no fault", [](exchanges&) {}});
    for (std::size_t i = 0; i < requests; ++i)
        all.push_back(
            {"request " + std::to_string(i) + " cancelled", [i](exchanges& e) { e.cancel(i); }});
    all.push_back({"connections lost", [](exchanges& e) { e.lose_connections(); }});
    all.push_back({"connections closed", [](exchanges& e) { e.close_connections(); }});
    all.push_back({"client destroyed", [](exchanges& e) { e.destroy_client(); }});
    return all;
}

void prove_exchanges(const std::string& what, const schedules& which, std::size_t requests,
                     std::size_t connections, const fault& with)
{
    prove("http: " + what + ", " + with.name, which, [=](world& w) {
        simulation s(w);
        exchanges all(s, requests, connections);
        with.happens(all);
        all.finish();
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_client_in_every_order)

BOOST_AUTO_TEST_CASE(two_requests_at_one_connection)
{
    prove_exchanges("1 connection, 2 requests, every order", schedules::all(), 2, 1,
                    faults_of(2).front());
    const std::size_t delays = is_long() ? 5 : 3;
    for (const fault& each : faults_of(2))
        prove_exchanges("1 connection, 2 requests", schedules::delayed(delays), 2, 1, each);
}

BOOST_AUTO_TEST_CASE(both_of_two_requests_are_cancelled)
{
    const fault both{"both cancelled", [](exchanges& all) {
                         all.cancel(0);
                         all.cancel(1);
                     }};
    prove_exchanges("1 connection, 2 requests", schedules::delayed(1), 2, 1, both);
}

BOOST_AUTO_TEST_CASE(three_requests_at_two_connections)
{
    const auto all = faults_of(3);
    prove_exchanges("2 connections, 3 requests, 3 delays", schedules::delayed(3), 3, 2,
                    all.front());
    const std::size_t delays = is_long() ? 3 : 2;
    for (const fault& each : all)
        prove_exchanges("2 connections, 3 requests", schedules::delayed(delays), 3, 2, each);
}

BOOST_AUTO_TEST_CASE(random_orders)
{
    for (const fault& each : faults_of(4))
        prove_exchanges("2 connections, 4 requests, random", schedules::random(seeds() / 5), 4, 2,
                        each);
}

BOOST_AUTO_TEST_SUITE_END()
