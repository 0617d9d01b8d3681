#pragma once

#include <weir/sim/context.hpp>
#include <weir/sim/explore.hpp>
#include <weir/sim/world.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace weir::test {

/// Two contexts in one world, and a way to run coroutines in them that says at once when one is
/// stuck.
class simulation {
public:
    explicit simulation(std::uint64_t seed, time_point begin = time_point{})
        : own_(std::make_unique<sim::world>(seed, begin)), world(*own_), a(world), b(world)
    {
    }
    explicit simulation(sim::world& w) : world(w), a(world), b(world) {}

    /// Starts a coroutine; what it throws fails the test.
    template <class Body>
    void spawn(sim::context& where, Body body, std::string name = "a coroutine")
    {
        where.spawn(std::move(body), std::move(name));
    }

    template <class Body>
    void spawn(Body body, std::string name = "a coroutine")
    {
        spawn(a, std::move(body), std::move(name));
    }

    /// Runs to the end, which every coroutine must have reached.
    void run()
    {
        world.run();
        const std::string stuck = world.unfinished();
        if (!stuck.empty())
            BOOST_ERROR(stuck << " stuck: nothing is ready and no timer is set, at "
                              << elapsed().count() << " ns, " << world.describe());
        BOOST_CHECK_EQUAL(world.outstanding(), 0U);
    }

    duration elapsed() const { return world.now() - world.began(); }

private:
    std::unique_ptr<sim::world> own_;

public:
    sim::world& world;
    sim::context a;
    sim::context b;
};

/// The same test in many orders. The one that fails prints its seed.
template <class Body>
void in_many_orders(Body body, std::uint64_t seeds = 200)
{
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            simulation s(seed);
            body(s);
        }
    }
}

/// The same test in every order there is, for a small one. It ends at the first failure that
/// throws (BOOST_REQUIRE does), and prints its choices.
template <class Body>
void in_every_order(Body body, const sim::schedules& which = sim::schedules::all())
{
    const sim::report found = sim::explore(which, [&body](sim::world& w) {
        simulation s(w);
        body(s);
    });
    BOOST_CHECK_MESSAGE(found, found.text());
}

} // namespace weir::test
