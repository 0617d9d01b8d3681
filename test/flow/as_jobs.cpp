// Loops whose calls are jobs of a pool, and have its limits.
#include <weir/flow/as_jobs.hpp>

#include <weir/flow/for_each.hpp>
#include <weir/flow/map.hpp>
#include <weir/flow/pipeline.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/rate.hpp>

#include "flow/streams.hpp"
#include "support/numbers.hpp"
#include "support/simulation.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::as_jobs;
using weir::errc;
using weir::job_context;
using weir::job_options;
using weir::pool_options;
using weir::task_pool;
using weir::test::in_many_orders;
using weir::test::one_to;
using weir::test::simulation;
using weir::test::sleep_for;

namespace {

std::vector<asio::any_io_executor> here(simulation& s)
{
    return std::vector<asio::any_io_executor>(1, s.a.get_executor());
}

// Runs a body with a pool, then drains the pool.
template <class Body>
void with_pool(simulation& s, const pool_options& options, Body body)
{
    task_pool pool(here(s), options);
    s.spawn([&]() -> asio::awaitable<void> {
        co_await body(pool);
        const auto report = co_await pool.drain(1h);
        BOOST_TEST(report.clean());
    });
    s.run();
    BOOST_TEST(pool.ledger().balanced());
}

// The error of a loop; 0 when it ends well.
asio::awaitable<weir::error_code> error_of(asio::awaitable<void> loop)
{
    try {
        co_await std::move(loop);
    } catch (const weir::system_error& e) {
        co_return e.code();
    }
    co_return weir::error_code();
}

// Counts itself while it is there.
asio::awaitable<void> stays_for_an_hour(int& running)
{
    ++running;
    const auto leave = std::shared_ptr<void>(nullptr, [&](void*) { --running; });
    co_await sleep_for(1h);
}

job_options by_parity(const int& n)
{
    return job_options().key(n % 2 == 0 ? "even" : "odd");
}

} // namespace

BOOST_AUTO_TEST_SUITE(as_jobs_of_a_pool)

BOOST_AUTO_TEST_CASE(each_item_is_one_job_and_its_value_is_the_result)
{
    in_many_orders([](simulation& s) {
        with_pool(s, pool_options(3).queue(4), [](task_pool& pool) -> asio::awaitable<void> {
            const auto square = [](int& n) -> asio::awaitable<int> {
                co_await sleep_for((7 * n % 5) * 1s);
                co_return n* n;
            };
            auto results = weir::map(one_to(20), 7, as_jobs(pool, square));
            for (int n = 1; n <= 20; ++n) {
                auto result = co_await results.next();
                BOOST_TEST((result && *result == n * n));
            }
            BOOST_TEST(!(co_await results.next()));
            BOOST_TEST(pool.ledger().ok == 20U);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_busy_key_does_not_stop_the_loop)
{
    in_many_orders([](simulation& s) {
        std::vector<int> running(2), most(2), done;
        const auto work = [&](int& n, job_context& context) -> asio::awaitable<void> {
            const std::size_t which = context.key() == "even" ? 0 : 1;
            most[which] = std::max(most[which], ++running[which]);
            co_await sleep_for(which == 0 ? 10s : 1s);
            --running[which];
            done.push_back(n);
        };
        const std::vector<int> items = {0, 2, 4, 1, 3, 5};
        with_pool(s, pool_options(4).queue(8).per_key(1),
                  [&](task_pool& pool) -> asio::awaitable<void> {
                      co_await weir::for_each(items, 12, as_jobs(pool, work, by_parity));
                  });
        BOOST_TEST(most == std::vector<int>({1, 1}), boost::test_tools::per_element());
        BOOST_TEST(done == std::vector<int>({1, 3, 5, 0, 2, 4}), boost::test_tools::per_element());
        BOOST_TEST((s.elapsed() == 30s));
    });
}

BOOST_AUTO_TEST_CASE(the_rate_of_the_pool_is_that_of_the_loop)
{
    simulation s(1);
    int calls = 0;
    with_pool(s, pool_options(8).queue(100).rate(weir::rate::per_second(2), 1),
              [&](task_pool& pool) -> asio::awaitable<void> {
                  auto polite = as_jobs(pool, [&](int&) { ++calls; });
                  co_await weir::for_each(one_to(21), 108, std::move(polite));
              });
    BOOST_TEST(calls == 21);
    BOOST_TEST((s.elapsed() == 10s));
}

BOOST_AUTO_TEST_CASE(a_call_that_fails_is_made_again_with_the_same_item)
{
    in_many_orders([](simulation& s) {
        const auto shaky = [](std::unique_ptr<int>& tries) -> asio::awaitable<int> {
            co_await sleep_for(1s);
            if (++*tries < 3)
                throw std::runtime_error("connection reset");
            co_return *tries;
        };
        const auto fresh = [](int) { return std::make_unique<int>(0); }; // cannot be copied
        const auto again = weir::retry_policy(3).backoff(weir::backoff(1s, 1s));
        with_pool(s, pool_options(2).queue(4).retry(again),
                  [&](task_pool& pool) -> asio::awaitable<void> {
                      auto results =
                          weir::map(weir::test::numbers(fresh, 5), 6, as_jobs(pool, shaky));
                      int got = 0;
                      while (auto result = co_await results.next())
                          got += *result;
                      BOOST_TEST(got == 15);
                      BOOST_TEST(pool.ledger().retries == 10U);
                  });
    });
}

BOOST_AUTO_TEST_CASE(the_first_error_ends_the_other_jobs_and_the_loop_waits_for_them)
{
    in_many_orders([](simulation& s) {
        int running = 0;
        const auto work = [&](int& n) -> asio::awaitable<void> {
            ++running;
            const auto leave = std::shared_ptr<void>(nullptr, [&](void*) { --running; });
            co_await sleep_for(n == 2 ? 1s : 1h);
            throw std::runtime_error("no such page");
        };
        with_pool(s, pool_options(3).queue(2), [&](task_pool& pool) -> asio::awaitable<void> {
            std::string error;
            try {
                co_await weir::for_each(one_to(100), 5, as_jobs(pool, work));
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
            BOOST_TEST(error == "no such page");
            BOOST_TEST(running == 0);
            BOOST_TEST(pool.ledger().accepted == 5U); // no more items were pulled
            BOOST_TEST(pool.ledger().cancelled == 4U);
        });
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(cancelling_the_loop_cancels_its_jobs_and_waits_for_them)
{
    in_many_orders([](simulation& s) {
        int running = 0;
        const auto work = [&](int&) { return stays_for_an_hour(running); };
        with_pool(s, pool_options(2).queue(1), [&](task_pool& pool) -> asio::awaitable<void> {
            auto loop = weir::for_each(one_to(9), 5, as_jobs(pool, work)); // 2 wait for a place
            auto limited = weir::with_timeout(1s, std::move(loop));
            const auto error = co_await error_of(std::move(limited));
            BOOST_TEST((error == errc::timed_out));
            BOOST_TEST(running == 0);
            BOOST_TEST(pool.ledger().accepted == 3U);
            BOOST_TEST(pool.ledger().cancelled == 3U);
        });
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(what_the_pool_refuses_ends_the_loop)
{
    simulation s(1);
    with_pool(s, pool_options(1).bytes(10), [](task_pool& pool) -> asio::awaitable<void> {
        const auto size = [](const int& n) {
            return job_options().bytes(static_cast<std::size_t>(n));
        };
        auto loop = weir::for_each(std::vector<int>{10, 11}, 2,
                                   as_jobs(
                                       pool, [](int&) {}, size));
        const auto error = co_await error_of(std::move(loop));
        BOOST_TEST((error == errc::too_large));
        pool.close();
        auto closed = weir::for_each(one_to(1), 2, as_jobs(pool, [](int&) {}));
        const auto late = co_await error_of(std::move(closed));
        BOOST_TEST((late == errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_takes_too_long_is_a_timeout_in_its_outcome)
{
    simulation s(1);
    with_pool(s, pool_options(2).timeout(1s), [](task_pool& pool) -> asio::awaitable<void> {
        const auto work = [](int& n) { return sleep_for(n * 800ms); };
        auto results = weir::map_outcomes(one_to(2), 2, as_jobs(pool, work));
        auto first = co_await results.next();
        BOOST_TEST((first && *first));
        auto second = co_await results.next();
        BOOST_REQUIRE(second);
        BOOST_CHECK_EXCEPTION(second->value(), weir::system_error,
                              [](const auto& e) { return e.code() == errc::timed_out; });
    });
}

BOOST_AUTO_TEST_CASE(a_stage_of_a_pipeline_may_be_jobs)
{
    in_many_orders([](simulation& s) {
        with_pool(s, pool_options(2), [](task_pool& pool) -> asio::awaitable<void> {
            const auto slow = [](int& n) -> asio::awaitable<int> {
                co_await sleep_for(1s);
                co_return 2 * n;
            };
            std::vector<int> got;
            const auto items = one_to(4);
            auto line = weir::pipeline(items).then(4, as_jobs(pool, slow)).then(1, [](int n) {
                return n + 1;
            });
            got = co_await weir::test::all_of(line);
            BOOST_TEST(got == std::vector<int>({3, 5, 7, 9}), boost::test_tools::per_element());
        });
        BOOST_TEST((s.elapsed() == 2s));
    });
}

BOOST_AUTO_TEST_CASE(a_pool_that_stops_ends_the_loop)
{
    in_many_orders([](simulation& s) {
        int running = 0;
        task_pool pool(here(s), pool_options(2).queue(1));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [&](int&) { return stays_for_an_hour(running); };
            auto loop = weir::for_each(one_to(9), 5, as_jobs(pool, work));
            const auto error = co_await error_of(std::move(loop));
            BOOST_TEST((error == asio::error::operation_aborted || error == errc::closed));
            BOOST_TEST(running == 0);
        });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await sleep_for(1s);
            pool.stop();
        });
        s.run();
        BOOST_TEST((s.elapsed() == 1s));
        BOOST_TEST(pool.ledger().balanced());
    });
}

BOOST_AUTO_TEST_CASE(a_loop_that_goes_with_its_context_leaves_its_jobs_to_the_pool)
{
    simulation s(1);
    int done = 0;
    task_pool pool(here(s), pool_options(2).queue(3));
    auto gone = std::make_unique<weir::sim::context>(s.world);
    const auto loop = [&]() -> asio::awaitable<void> {
        const auto work = [&done](int&) -> asio::awaitable<void> {
            co_await sleep_for(2s);
            ++done;
        };
        auto all = as_jobs(pool, work);
        co_await weir::for_each(one_to(9), 5, std::move(all));
    };
    asio::co_spawn(gone->get_executor(), loop, asio::detached);
    s.spawn([&]() -> asio::awaitable<void> {
        co_await sleep_for(1s);
        gone.reset();
        const auto report = co_await pool.drain(1h);
        BOOST_TEST(report.clean());
    });
    s.run();
    BOOST_TEST(done == 5);
    BOOST_TEST(pool.ledger().ok == 5U);
}

BOOST_AUTO_TEST_SUITE_END()
