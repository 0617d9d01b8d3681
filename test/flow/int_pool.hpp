#pragma once

// A worker pool of numbers, and how the tests of pools use it.

#include <weir/flow/worker_pool.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <map>

namespace weir::test {

using int_pool = weir::worker_pool<int, int>;

inline boost::asio::awaitable<int> twice_after_a_second(int n)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await weir::async_sleep_for(executor, std::chrono::seconds(1));
    co_return 2 * n;
}

inline boost::asio::awaitable<void> feed(int_pool& jobs, int from, int to)
{
    for (int i = from; i < to; ++i) {
        const auto result = co_await jobs.async_submit(i);
        BOOST_TEST(bool(result));
    }
}

inline boost::asio::awaitable<void> collect(int_pool& jobs, std::map<weir::job_id, status>& got)
{
    while (auto out = co_await jobs.results().async_receive()) {
        BOOST_TEST(got.count(out->id()) == 0U); // each once
        got[out->id()] = out->status();
    }
}

/// The ledger must hold at every moment, not only at the end.
inline void run_watching(simulation& s, const int_pool& jobs)
{
    while (s.world.run_one()) {
        const weir::ledger l = jobs.ledger();
        BOOST_REQUIRE_LE(l.started + l.dropped, l.accepted);
        BOOST_REQUIRE_LE(l.finished(), l.started);
    }
    s.run();
    BOOST_TEST(jobs.ledger().balanced());
}

} // namespace weir::test
