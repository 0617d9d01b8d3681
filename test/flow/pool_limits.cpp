// A pool's limits besides its workers: keys, shares of the places, a rate, bytes, breakers.
#include <weir/flow/asio_queue.hpp>
#include <weir/flow/pool_options.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/limited_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::errc;
using weir::job_options;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(pool_limits)

BOOST_AUTO_TEST_CASE(a_key_has_no_more_jobs_running_than_its_limit)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        int_pool jobs(both(s), pool_options(4).per_key(2), seen.handler());
        std::map<weir::job_id, status> got;
        s.spawn([&] { return collect(jobs, got); });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed_key(jobs, 0, 10, "a");
            co_await feed_key(jobs, 10, 20, "b");
            jobs.close();
        });
        run_watching(s, jobs);
        BOOST_TEST(got.size() == 20U);
        BOOST_TEST(jobs.ledger().ok == 20U);
        BOOST_TEST(seen.most_of["a"] == 2);
        BOOST_TEST(seen.most_of["b"] == 2);
        BOOST_TEST((s.elapsed() == 5s)); // no worker waits for a key while another has jobs
    });
}

BOOST_AUTO_TEST_CASE(jobs_without_a_key_are_limited_by_workers_alone)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        int_pool jobs(both(s), pool_options(4).per_key(1).discard_results(), seen.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 8);
            co_await drain(jobs);
        });
        run_watching(s, jobs);
        BOOST_TEST(seen.most == 4);
        BOOST_TEST((s.elapsed() == 2s));
    });
}

BOOST_AUTO_TEST_CASE(keys_take_turns)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        int_pool jobs({s.a.get_executor()}, pool_options(1).per_key(8).discard_results(),
                      seen.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed_key(jobs, 0, 20, "a");
            co_await feed_key(jobs, 100, 101, "b");
            co_await drain(jobs);
        });
        run_watching(s, jobs);
        const auto place = std::find(seen.order.begin(), seen.order.end(), 100);
        BOOST_TEST((place - seen.order.begin() <= 2));
    });
}

BOOST_AUTO_TEST_CASE(a_key_fills_no_more_than_its_share_of_the_places)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(2).queue(8).key_share(0.5).discard_results();
        int_pool jobs({s.a.get_executor()}, options, seen.handler());
        for (int i = 0; i < 5; ++i)
            BOOST_TEST(bool(jobs.try_submit(i, of("a"))));
        auto refused = jobs.try_submit(5, of("a"));
        BOOST_TEST((refused.error() == errc::full));
        BOOST_TEST(refused.job() == 5);
        for (int i = 10; i < 14; ++i)
            BOOST_TEST(bool(jobs.try_submit(i, of("b"))));
        BOOST_TEST(bool(jobs.try_submit(20)));
        BOOST_TEST((jobs.try_submit(21).error() == errc::full)); // ten places: 8 and 2 workers
        BOOST_TEST(jobs.ledger().rejected == 2U);
        s.spawn([&]() -> asio::awaitable<void> { co_await drain(jobs); });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 10U);
    });
}

BOOST_AUTO_TEST_CASE(submitters_of_a_key_with_its_share_wait_and_others_do_not)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(1).queue(3).key_share(0.5).discard_results();
        int_pool jobs({s.a.get_executor()}, options, seen.handler());
        weir::time_point busy;
        weir::time_point idle;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed_key(jobs, 0, 3, "a");
            busy = s.world.now();
        });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed_key(jobs, 10, 12, "b");
            idle = s.world.now();
            co_await weir::async_sleep_for(s.a.get_executor(), 30s);
            co_await drain(jobs);
        });
        run_watching(s, jobs);
        BOOST_TEST((idle - s.world.began() == 0s));
        BOOST_TEST((busy - s.world.began() >= 1s));
        BOOST_TEST(jobs.ledger().ok == 5U);
    });
}

BOOST_AUTO_TEST_CASE(what_a_job_holds_goes_back_at_its_end_though_its_outcome_is_kept)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(1).queue(1).key_share(0.5).bytes(10);
        int_pool jobs({s.a.get_executor()}, options, seen.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            std::vector<weir::outcome<int>> kept;
            const auto all_bytes = of("a").bytes(10);
            for (int i = 0; i < 5; ++i) {
                BOOST_TEST(bool(jobs.try_submit(i, all_bytes)));
                auto out = co_await jobs.results().async_receive();
                BOOST_REQUIRE(out);
                kept.push_back(std::move(*out));
            }
            jobs.close();
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 5U);
    });
}

// In any window no more than the burst and what the rate makes of it.
BOOST_AUTO_TEST_CASE(jobs_start_at_the_rate)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        seen.length = 0s;
        const auto options = pool_options(4).rate(weir::rate::per_second(10), 3).discard_results();
        int_pool jobs(both(s), options, seen.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 43);
            co_await drain(jobs);
        });
        run_watching(s, jobs);
        BOOST_REQUIRE(seen.starts.size() == 43U);
        for (std::size_t i = 0; i < 43; ++i)
            for (std::size_t j = i; j < 43; ++j) {
                const auto grants = static_cast<int>(j - i) + 1;
                BOOST_TEST((seen.starts[j] - seen.starts[i] >= (grants - 3 - 1) * 100ms));
            }
        BOOST_TEST((s.elapsed() >= 4s));
        BOOST_TEST((s.elapsed() < 4001ms));
    });
}

BOOST_AUTO_TEST_CASE(bytes_are_held_from_acceptance_to_end)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(4).bytes(100).discard_results();
        int_pool jobs(both(s), options, seen.handler());
        const auto sixty = job_options().bytes(60);
        BOOST_TEST(bool(jobs.try_submit(0, sixty)));
        BOOST_TEST((jobs.try_submit(1, sixty).error() == errc::full));
        BOOST_TEST((jobs.try_submit(2, job_options().bytes(101)).error() == errc::too_large));
        BOOST_TEST(bool(jobs.try_submit(3))); // holds none
        s.spawn([&]() -> asio::awaitable<void> {
            const auto large = co_await jobs.async_submit(4, job_options().bytes(101));
            BOOST_TEST((large.error() == errc::too_large));
            BOOST_TEST((s.elapsed() == 0s));
            const auto fits = co_await jobs.async_submit(5, sixty);
            BOOST_TEST(bool(fits));
            BOOST_TEST((s.elapsed() == 1s));
            co_await drain(jobs);
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 3U);
        BOOST_TEST(jobs.ledger().rejected == 3U);
    });
}

BOOST_AUTO_TEST_CASE(what_a_breaker_refuses_ends_at_once)
{
    in_many_orders([](simulation& s) {
        const auto rule = weir::breaker_options().window(4).failures(3).open_for(10s);
        bool is_down = true;
        int calls = 0;
        int_pool jobs({s.a.get_executor()}, pool_options(1).breaker(rule),
                      [&](int n) -> asio::awaitable<int> {
                          ++calls;
                          const auto executor = co_await asio::this_coro::executor;
                          co_await weir::async_sleep_for(executor, 1s);
                          if (is_down && n < 100)
                              throw std::runtime_error("down");
                          co_return n;
                      });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed_key(jobs, 0, 8, "a");
            co_await feed_key(jobs, 100, 102, "b");
            std::map<weir::errc, int> refused;
            for (int i = 0; i < 10; ++i) {
                auto out = co_await jobs.results().async_receive();
                BOOST_REQUIRE(out);
                if (out->status() == status::failed) {
                    try {
                        std::move(*out).value();
                    } catch (const weir::system_error& error) {
                        BOOST_TEST((error.code() == errc::breaker_open));
                        BOOST_TEST(out->attempts() == 0U);
                        ++refused[errc::breaker_open];
                    } catch (const std::runtime_error&) {
                    }
                }
            }
            BOOST_TEST(calls == 5); // three of a, both of b
            BOOST_TEST(refused[errc::breaker_open] == 5);
            co_await weir::async_sleep_for(s.a.get_executor(), 10s);
            is_down = false;
            co_await feed_key(jobs, 0, 1, "a");
            auto out = co_await jobs.results().async_receive();
            BOOST_REQUIRE(out);
            BOOST_TEST((out->status() == status::ok));
            jobs.close();
            BOOST_TEST(!(co_await jobs.results().async_receive()));
        });
        run_watching(s, jobs);
    });
}

BOOST_AUTO_TEST_CASE(more_workers_make_more_places_and_more_jobs_run)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(1).queue(1).per_key(4).discard_results();
        int_pool jobs(both(s), options, seen.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed_key(jobs, 0, 2, "a");
            BOOST_TEST((jobs.try_submit(2, of("a")).error() == errc::full));
            jobs.resize(3);
            BOOST_TEST(bool(jobs.try_submit(3, of("a"))));
            BOOST_TEST(bool(jobs.try_submit(4, of("a"))));
            BOOST_TEST((jobs.try_submit(5, of("a")).error() == errc::full));
            co_await drain(jobs);
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 4U);
    });
}

BOOST_AUTO_TEST_CASE(a_task_pool_without_a_limit_of_workers_has_the_others)
{
    in_many_orders([](simulation& s) {
        const auto options = pool_options(weir::unlimited).per_key(2).queue(64);
        weir::task_pool tasks(both(s), options);
        int running = 0;
        int most = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            std::vector<weir::task<void>> handles;
            const auto key = of("a");
            const auto job = [&]() -> asio::awaitable<void> {
                most = std::max(most, ++running);
                const auto executor = co_await asio::this_coro::executor;
                co_await weir::async_sleep_for(executor, 1s);
                --running;
            };
            for (int i = 0; i < 10; ++i)
                handles.push_back(co_await tasks.async_submit(job, key));
            for (auto& handle : handles) {
                const auto out = co_await handle.async_outcome();
                BOOST_TEST((out.status() == status::ok));
            }
            BOOST_TEST((s.elapsed() == 5s));
            co_await tasks.drain(1s);
        });
        s.run();
        BOOST_TEST(most == 2);
        BOOST_TEST(tasks.ledger().balanced());
    });
}

BOOST_AUTO_TEST_CASE(a_pool_without_a_limit_of_workers_has_as_many_places_as_its_queue)
{
    simulation s(1);
    weir::task_pool tasks(both(s),
                          pool_options(weir::unlimited).queue(10).per_key(2).key_share(0.5));
    int accepted = 0;
    for (const char* key : {"a", "b", "c"})
        for (int i = 0; i != 20; ++i)
            accepted += tasks.try_submit([] {}, of(key)) ? 1 : 0;
    BOOST_TEST((tasks.places() == weir::limit(10)));
    BOOST_TEST(accepted == 10); // five of a, five of b
    tasks.stop();
    s.run();
    BOOST_TEST(tasks.ledger().balanced());
}

BOOST_AUTO_TEST_CASE(a_key_has_its_share_of_the_places_to_the_last_one)
{
    for (int percent = 1; percent != 101; ++percent) {
        simulation s(1);
        weir::task_pool tasks(both(s),
                              pool_options(weir::paused).queue(100).key_share(percent / 100.0));
        int accepted = 0;
        for (int i = 0; i != 101; ++i)
            accepted += tasks.try_submit([] {}, of("a")) ? 1 : 0;
        BOOST_TEST(accepted == percent);
        tasks.stop();
        s.run();
    }
}

// ---- what cannot be meant

BOOST_AUTO_TEST_CASE(limits_that_make_no_sense_are_refused)
{
    const double not_a_number = std::numeric_limits<double>::quiet_NaN();
    for (const double share : {0.0, -0.5, 1.5, not_a_number})
        BOOST_CHECK_THROW(pool_options(1).key_share(share), std::invalid_argument);
    BOOST_CHECK_THROW(pool_options(1).rate(weir::rate::per_second(1), 0), std::invalid_argument);

    simulation s(1);
    const auto from = [&](weir::overflow rule) {
        return pool_options(1).per_key(1).when_full(rule);
    };
    for (const auto rule :
         {weir::overflow::drop_oldest, weir::overflow::drop_newest, weir::overflow::caller_runs})
        BOOST_CHECK_THROW(int_pool(both(s), from(rule), twice_after_a_second),
                          std::invalid_argument);
    // A job that is run again must still be there.
    BOOST_CHECK_THROW((weir::worker_pool<std::unique_ptr<int>, int>(
                          both(s), pool_options(1).retry(weir::retry_policy(2)),
                          [](std::unique_ptr<int> n) { return *n; })),
                      std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(rejecting_instead_of_waiting)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options =
            pool_options(1).queue(1).per_key(1).when_full(weir::overflow::reject).discard_results();
        int_pool jobs({s.a.get_executor()}, options, seen.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed_key(jobs, 0, 2, "a");
            auto refused = co_await jobs.async_submit(7, of("a"));
            BOOST_TEST((refused.error() == errc::full));
            BOOST_TEST(refused.job() == 7);
            BOOST_TEST((s.elapsed() == 0s));
            co_await drain(jobs);
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 2U);
    });
}

BOOST_AUTO_TEST_CASE(a_job_need_have_no_default)
{
    struct bound {
        explicit bound(int n) : number(std::make_unique<const int>(n)) {}
        bound(bound&&) = default;
        bound& operator=(bound&&) = default;

        const std::unique_ptr<const int>& get() const { return number; }
        std::unique_ptr<const int> number;
    };
    in_many_orders([](simulation& s) {
        weir::worker_pool<bound, bound> jobs({s.a.get_executor()},
                                             pool_options(1).queue(1).per_key(1),
                                             [](bound job) { return job; });
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(jobs.try_submit(bound(1))));
            BOOST_TEST(bool(co_await jobs.async_submit(bound(2))));
            auto refused = jobs.try_submit(bound(3));
            if (!refused)
                BOOST_TEST(*refused.job().get() == 3);
            jobs.close();
            int sum = 0;
            while (auto out = co_await jobs.results().async_receive())
                sum += *out->value().get();
            BOOST_TEST(sum == (refused ? 6 : 3));
            auto late = co_await jobs.async_submit(bound(4));
            BOOST_TEST((late.error() == errc::closed));
            BOOST_TEST(*late.job().get() == 4);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_submit_is_accepted_at_once_when_there_is_a_place)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        int_pool jobs(both(s), pool_options(2).per_key(2).discard_results(), seen.handler());
        bool accepted = false;
        jobs.async_submit(1, of("a"), asio::bind_executor(s.b.get_executor(), [&](auto result) {
                              accepted = bool(result);
                          }));
        jobs.close();
        run_watching(s, jobs);
        BOOST_TEST(accepted);
        BOOST_TEST(jobs.ledger().ok == 1U);
    });
}

// A place may be free again before the submitter that was granted one has run.
BOOST_AUTO_TEST_CASE(no_newcomer_overtakes_a_submitter_that_waited)
{
    in_many_orders([](simulation& s) {
        std::vector<int> order;
        // Jobs that do not suspend: two places become free before the submitter has run.
        const auto handler = [&order](int n) -> asio::awaitable<int> {
            order.push_back(n);
            co_return n;
        };
        int_pool jobs({s.a.get_executor()}, pool_options(1).queue(1).per_key(1).discard_results(),
                      handler);
        BOOST_TEST(bool(jobs.try_submit(0)));
        BOOST_TEST(bool(jobs.try_submit(1)));
        const auto strand = asio::make_strand(s.b.get_executor()); // for submitters in their order
        const auto submit = [&](int n) {
            jobs.async_submit(
                n, asio::bind_executor(strand, [](auto result) { BOOST_TEST(bool(result)); }));
        };
        submit(2); // waits for a place
        bool came = false;
        while (s.world.run_one())
            if (!came && jobs.ledger().ok == 2U) {
                came = true;
                BOOST_TEST(jobs.ledger().accepted == 2U); // it is on its way
                submit(3);
            }
        jobs.close();
        s.run();
        BOOST_TEST(came);
        BOOST_TEST((order == std::vector<int>{0, 1, 2, 3}));
    });
}

BOOST_AUTO_TEST_CASE(a_queue_without_end_is_no_small_one)
{
    simulation s(1);
    observer seen(s);
    const auto most = std::numeric_limits<std::size_t>::max();
    int_pool jobs(both(s), pool_options(4).queue(most).per_key(2).discard_results(),
                  seen.handler());
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(bool(jobs.try_submit(i, of("a").bytes(most)))); // bytes have no limit
    jobs.close();
    run_watching(s, jobs);
    BOOST_TEST(jobs.ledger().ok == 100U);
}

// There is no larger number of places than "unlimited", with or without the workers' own.
BOOST_AUTO_TEST_CASE(a_queue_as_long_as_can_be_has_no_end_whatever_the_workers)
{
    const std::size_t endless = weir::unlimited.count();
    for (const std::size_t queue : {endless - 3, endless - 2, endless - 1, endless})
        for (const weir::limit workers : {weir::limit(2), weir::paused, weir::unlimited})
            for (const double share : {0.5, 1 - 1e-13}) {
                simulation s(1);
                auto options = pool_options(workers).queue(queue).per_key(2).key_share(share);
                options.when_full(weir::overflow::reject).discard_results();
                weir::task_pool jobs(both(s), options);
                for (int i = 0; i < 3; ++i)
                    BOOST_TEST(bool(jobs.try_submit([] {}, of("a"))));
                jobs.resize(weir::unlimited);
                jobs.resize(weir::paused);
                jobs.resize(2);
                jobs.close();
                s.run();
                BOOST_TEST(jobs.ledger().ok == 3U);
            }
}

BOOST_AUTO_TEST_SUITE_END()
