#pragma once

#include <weir/sim/context.hpp>
#include <weir/sim/world.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <exception>
#include <string>

namespace weir::test {

/// Two contexts in one world, and a way to run coroutines in them that says at once when one is
/// stuck.
class simulation {
public:
    explicit simulation(std::uint64_t seed) : world(seed), a(world), b(world) {}

    /// Starts a coroutine; what it throws fails the test.
    template <class Body>
    void spawn(sim::context& where, Body body, std::string name = "a coroutine")
    {
        names_.push_back(std::move(name));
        done_.push_back(false);
        const std::size_t index = done_.size() - 1;
        const auto on_end = [this, index](std::exception_ptr error) {
            done_[index] = true;
            if (error)
                std::rethrow_exception(error);
        };
        boost::asio::co_spawn(where.get_executor(), std::move(body), on_end);
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
        for (std::size_t i = 0; i < done_.size(); ++i)
            if (!done_[i])
                BOOST_ERROR(names_[i]
                            << " is stuck: nothing is ready and no timer is waited for, at "
                            << elapsed().count() << " ns, seed " << world.seed());
        BOOST_CHECK_EQUAL(world.outstanding(), 0U);
    }

    duration elapsed() const { return world.now() - time_point{}; }

    sim::world world;
    sim::context a;
    sim::context b;

private:
    std::vector<std::string> names_;
    std::vector<bool> done_;
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

} // namespace weir::test
