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

BOOST_AUTO_TEST_CASE(a_job_that_takes_too_long_is_an_error_in_its_outcome)
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

BOOST_AUTO_TEST_CASE(a_request_to_cancel_that_a_job_ignores_is_not_forgotten)
{
    in_many_orders([](simulation& s) {
        bool slept = false;
        with_pool(s, pool_options(2), [&](task_pool& pool) -> asio::awaitable<void> {
            const auto stubborn = [](int& n) -> asio::awaitable<int> {
                try {
                    co_await sleep_for(1h);
                } catch (const weir::system_error&) {
                }
                co_return n;
            };
            auto job = as_jobs(pool, stubborn);
            int got = 0;
            const auto each = [&](int n) -> asio::awaitable<void> {
                got = co_await job(n);
                co_await sleep_for(1h);
                slept = true;
            };
            auto limited = weir::with_timeout(1s, weir::for_each(one_to(1), 2, each));
            const auto error = co_await error_of(std::move(limited));
            BOOST_TEST((error == errc::timed_out));
            BOOST_TEST(got == 1);
            BOOST_TEST(pool.ledger().ok == 1U);
        });
        BOOST_TEST(!slept);
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_destroyed_refuses_what_comes_later)
{
    in_many_orders([](simulation& s) {
        auto pool = std::make_unique<task_pool>(here(s), pool_options(2).queue(1));
        std::vector<weir::error_code> errors;
        s.spawn([&]() -> asio::awaitable<void> {
            auto work = as_jobs(*pool, [](int&) { return sleep_for(1h); });
            auto results = weir::map_outcomes(one_to(5), 2, std::move(work));
            while (auto result = co_await results.next())
                try {
                    result->value();
                } catch (const weir::system_error& e) {
                    errors.push_back(e.code());
                }
        });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await sleep_for(1s);
            pool.reset();
        });
        s.run();
        const weir::error_code cancelled = asio::error::operation_aborted;
        const weir::error_code closed = errc::closed;
        BOOST_TEST((errors == std::vector{cancelled, cancelled, closed, closed, closed}));
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_closed_runs_what_it_accepted)
{
    simulation s(1);
    task_pool pool(here(s), pool_options(1).queue(1));
    std::vector<int> done;
    s.spawn([&]() -> asio::awaitable<void> {
        const auto work = [&](int& n) -> asio::awaitable<void> {
            co_await sleep_for(2s);
            done.push_back(n);
        };
        auto results = weir::map_outcomes(one_to(4), 4, as_jobs(pool, work)); // 2 wait for a place
        std::vector<bool> ok;
        while (auto result = co_await results.next())
            ok.push_back(bool(*result));
        BOOST_TEST(ok == std::vector<bool>({true, true, false, false}),
                   boost::test_tools::per_element());
    });
    s.spawn([&]() -> asio::awaitable<void> {
        co_await sleep_for(1s);
        pool.close();
    });
    s.run();
    BOOST_TEST(done == std::vector<int>({1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_outcome_of_each_job_may_be_had)
{
    in_many_orders([](simulation& s) {
        const auto again = weir::retry_policy(3).backoff(weir::backoff(1s, 1s));
        auto options = pool_options(2).timeout(10s).retry(again);
        with_pool(s, options, [](task_pool& pool) -> asio::awaitable<void> {
            const auto work = [](int& n) -> asio::awaitable<int> {
                if (n == 1)
                    throw std::runtime_error("no such page");
                co_await sleep_for(n == 2 ? 1h : 1s);
                co_return n;
            };
            const auto named = [](const int& n) { return job_options().name(std::to_string(n)); };
            auto jobs = as_jobs(pool, work, named).outcomes();
            auto results = weir::map(one_to(3), 3, std::move(jobs));
            auto failed = co_await results.next();
            BOOST_REQUIRE(failed);
            BOOST_TEST((failed->status() == weir::status::failed));
            BOOST_TEST(failed->attempts() == 3U);
            BOOST_TEST(failed->name() == "1");
            auto late = co_await results.next();
            BOOST_REQUIRE(late);
            BOOST_TEST((late->status() == weir::status::timed_out));
            auto good = co_await results.next();
            BOOST_REQUIRE(good);
            BOOST_TEST(good->value() == 3);
            BOOST_TEST(!(co_await results.next()));
        });
    });
}

BOOST_AUTO_TEST_CASE(an_item_that_is_moved_is_described_before)
{
    simulation s(1);
    with_pool(s, pool_options(2), [](task_pool& pool) -> asio::awaitable<void> {
        const auto long_name = [](int n) { return std::string(40, static_cast<char>('a' + n)); };
        const auto size = [](std::string& name) { return name.size(); };
        const auto named = [](const std::string& name) { return job_options().name(name); };
        auto results =
            weir::map(weir::test::numbers(long_name, 2), 2, as_jobs(pool, size, named).outcomes());
        while (auto out = co_await results.next()) {
            BOOST_TEST(out->name().size() == 40U);
            BOOST_TEST(out->value() == 40U);
        }
        BOOST_TEST(pool.ledger().ok == 2U);
    });
}

// Its worker runs something else, for long.
BOOST_AUTO_TEST_CASE(a_cancelled_loop_waits_for_no_job_that_has_not_begun)
{
    in_many_orders([](simulation& s) {
        int calls = 0;
        with_pool(s, pool_options(1).queue(2), [&](task_pool& pool) -> asio::awaitable<void> {
            auto submitted = pool.async_submit([] { return sleep_for(1h); });
            auto other = co_await std::move(submitted);
            auto loop = weir::for_each(one_to(9), 4, as_jobs(pool, [&](int&) { ++calls; }));
            auto limited = weir::with_timeout(1s, std::move(loop));
            const auto error = co_await error_of(std::move(limited));
            BOOST_TEST((error == errc::timed_out));
            BOOST_TEST((s.elapsed() == 1s));
            pool.close();
            (void)co_await other.async_outcome();
            BOOST_TEST(pool.ledger().ok == 1U);
        });
        BOOST_TEST(calls == 0);
        BOOST_TEST((s.elapsed() == 1h));
    });
}

BOOST_AUTO_TEST_CASE(jobs_that_their_submitter_runs_are_cancelled_with_the_loop)
{
    in_many_orders([](simulation& s) {
        int running = 0;
        const auto options = pool_options(1).queue(0).when_full(weir::overflow::caller_runs);
        with_pool(s, options, [&](task_pool& pool) -> asio::awaitable<void> {
            const auto work = [&](int&) { return stays_for_an_hour(running); };
            auto limited =
                weir::with_timeout(1s, weir::for_each(one_to(9), 3, as_jobs(pool, work)));
            const auto error = co_await error_of(std::move(limited));
            BOOST_TEST((error == errc::timed_out));
            BOOST_TEST(running == 0);
            BOOST_TEST(pool.ledger().cancelled == 3U);
        });
        BOOST_TEST((s.elapsed() == 1s));
    });
}

// Every worker runs a loop that waits for a worker.
BOOST_AUTO_TEST_CASE(loops_within_the_jobs_of_one_pool_end_with_their_timeout)
{
    in_many_orders([](simulation& s) {
        with_pool(s, pool_options(2).queue(20), [&](task_pool& pool) -> asio::awaitable<void> {
            auto leaf = as_jobs(pool, [](int&) { return sleep_for(1s); });
            const auto branch = [&](int&) { return weir::for_each(one_to(3), 3, leaf); };
            auto loop = weir::for_each(one_to(4), 4, as_jobs(pool, branch));
            auto limited = weir::with_timeout(1min, std::move(loop));
            const auto error = co_await error_of(std::move(limited));
            BOOST_TEST((!error || error == errc::timed_out));
        });
        BOOST_TEST((s.elapsed() <= 1min));
    });
}

BOOST_AUTO_TEST_CASE(the_places_of_a_pool_are_its_workers_and_its_queue)
{
    simulation s(1);
    task_pool pool(here(s), pool_options(8).queue(100));
    BOOST_TEST(pool.places().count() == 108U);
    pool.resize(4);
    BOOST_TEST(pool.places().count() == 104U);
    pool.resize(weir::unlimited);
    BOOST_TEST(pool.places().is_unlimited());
    task_pool limited(here(s), pool_options(weir::unlimited).queue(100).per_key(2));
    BOOST_TEST(limited.places().count() == 100U); // what has no place is not limited either
    task_pool paused(here(s), pool_options(weir::paused).queue(0));
    BOOST_TEST(paused.places().count() == 1U);
}

// 40 of one key first, and 10 of another behind them.
BOOST_AUTO_TEST_CASE(a_key_with_a_share_does_not_stop_a_loop_over_a_list_grouped_by_key)
{
    simulation s(1);
    weir::duration first_odd{};
    std::vector<int> items(40, 2);
    items.insert(items.end(), 10, 1);
    const auto work = [&](int& n) -> asio::awaitable<void> {
        if (n == 1 && first_odd == weir::duration())
            first_odd = s.elapsed();
        co_await sleep_for(1s);
    };
    const auto options = pool_options(4).queue(8).per_key(1).key_share(0.5);
    with_pool(s, options, [&](task_pool& pool) -> asio::awaitable<void> {
        co_await sleep_for(1s);
        co_await weir::for_each(items, 4 + 8 + 40, as_jobs(pool, work, by_parity));
    });
    BOOST_TEST((first_odd == 1s));
    BOOST_TEST((s.elapsed() == 41s));
}

BOOST_AUTO_TEST_CASE(the_list_of_a_loop_is_not_changed)
{
    simulation s(1);
    std::vector<std::string> names = {"a name that is too long to be kept in place", "b"};
    const auto before = names;
    with_pool(s, pool_options(2), [&](task_pool& pool) -> asio::awaitable<void> {
        const auto work = [](std::string& name) { name += "!"; };
        co_await weir::for_each(names, 2, as_jobs(pool, work));
    });
    BOOST_TEST(names == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
