#include <weir/flow/worker_pool.hpp>

#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(worker_pool)

using pool = int_pool;

BOOST_AUTO_TEST_CASE(every_job_has_one_outcome_and_the_results_end_with_the_last_worker)
{
    for (const std::size_t capacity : {0, 1, 4})
        in_many_orders(
            [capacity](simulation& s) {
                int running = 0, most = 0;
                const auto work = [&](int n) -> asio::awaitable<int> {
                    most = std::max(most, ++running);
                    const int doubled = co_await twice_after_a_second(n);
                    --running;
                    co_return doubled;
                };
                pool jobs(both(s), pool_options(3).queue(capacity).results(2), work);
                std::map<weir::job_id, int> got;
                s.spawn(s.a, [&]() -> asio::awaitable<void> {
                    co_await feed(jobs, 0, 12);
                    jobs.close();
                    const auto late = co_await jobs.async_submit(99);
                    BOOST_TEST((late.error() == weir::errc::closed));
                });
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    while (auto out = co_await jobs.results().async_receive()) {
                        BOOST_TEST((out->status() == status::ok));
                        got[out->id()] = out->value();
                    }
                });
                run_watching(s, jobs);
                BOOST_TEST(most == 3);
                BOOST_TEST(got.size() == 12U);
                for (const auto& [id, value] : got)
                    BOOST_TEST(value == 2 * (static_cast<int>(id) - 1));
                BOOST_TEST(jobs.ledger().rejected == 1U);
            },
            60);
}

BOOST_AUTO_TEST_CASE(plain_handlers_exceptions_and_contexts_will_do)
{
    simulation s(1);
    std::vector<weir::job_id> ids;
    const auto work = [&](int n, weir::job_context& context) {
        ids.push_back(context.id());
        BOOST_TEST(!context.cancelled());
        if (n == 1)
            throw std::runtime_error("one");
        return n;
    };
    pool jobs(both(s), pool_options(2), work);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(jobs.try_submit(i).id() == static_cast<weir::job_id>(i + 1));
    jobs.close();
    int ok = 0;
    std::string error;
    s.spawn([&]() -> asio::awaitable<void> {
        while (auto out = co_await jobs.results().async_receive())
            try {
                ok += out->value() >= 0 ? 1 : 0;
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
    });
    s.run();
    BOOST_TEST(ok == 2);
    BOOST_TEST(error == "one");
    BOOST_TEST(ids.size() == 3U);
    BOOST_TEST(jobs.ledger().failed == 1U);
}

BOOST_AUTO_TEST_CASE(a_job_carries_its_name_and_key_and_times)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n, weir::job_context& context) -> asio::awaitable<int> {
            BOOST_TEST(context.name() == (n == 0 ? "first" : ""));
            BOOST_TEST(context.key() == (n == 0 ? "a key" : ""));
            co_await weir::async_sleep_for(context.get_executor(), 2s);
            co_return n;
        };
        pool jobs(both(s), pool_options(1).timings(), work);
        s.spawn([&]() -> asio::awaitable<void> {
            auto said = weir::job_options().name("first").key("a key");
            BOOST_TEST(bool(co_await jobs.async_submit(0, said)));
            BOOST_TEST(bool(co_await jobs.async_submit(1)));
            jobs.close();
            const auto first = co_await jobs.results().async_receive();
            BOOST_TEST(first->name() == "first");
            BOOST_TEST(first->key() == "a key");
            BOOST_TEST((first->timings()->waited() == 0s));
            BOOST_TEST((first->timings()->ran() == 2s));
            const auto second = co_await jobs.results().async_receive();
            BOOST_TEST(second->name() == "");
            BOOST_TEST((second->timings()->waited() == 2s));
            BOOST_TEST((second->timings()->finished == weir::time_point{} + 4s));
        });
        s.run();
        const weir::pool_stats stats = jobs.stats();
        BOOST_TEST(stats.queue_wait.count() == 2U);
        BOOST_TEST((stats.run_time.max() == 2s));
        BOOST_TEST((stats.run_time.min() == 2s));
    });
}

BOOST_AUTO_TEST_CASE(no_times_are_taken_unless_asked_for)
{
    simulation s(1);
    pool jobs(both(s), pool_options(1), [](int n) { return n; });
    BOOST_TEST(bool(jobs.try_submit(1)));
    s.world.run();
    auto out = jobs.results().try_receive();
    BOOST_TEST(!out->timings().has_value());
    BOOST_TEST(jobs.stats().queue_wait.count() == 0U);
}

BOOST_AUTO_TEST_CASE(the_depth_and_what_is_in_flight_can_be_seen)
{
    simulation s(1);
    pool jobs(both(s), pool_options(2).queue(3), twice_after_a_second);
    s.spawn([&]() -> asio::awaitable<void> { co_await feed(jobs, 0, 7); });
    while (s.world.now() == weir::time_point{} && jobs.stats().waiting_submitters == 0)
        BOOST_REQUIRE(s.world.run_one());
    while (jobs.ledger().running() != 2)
        BOOST_REQUIRE(s.world.run_one());
    BOOST_TEST(jobs.ledger().queued() == 3U);
    BOOST_TEST(jobs.stats().waiting_submitters <= 1U);
    s.world.run();
    jobs.close();
    s.run();
    BOOST_TEST(jobs.ledger().running() == 0U);
    BOOST_TEST(jobs.stats().results == 7U);
}

BOOST_AUTO_TEST_CASE(a_job_stays_on_its_workers_executor_and_jobs_cross_as_values)
{
    asio::io_context here(1), there(1);
    const auto runs = [](const asio::any_io_executor& e) { // a strand, too
        auto& context = asio::query(e, asio::execution::context);
        return static_cast<asio::io_context&>(context).get_executor().running_in_this_thread();
    };
    weir::channel<int> pushes(here.get_executor(), 0);
    int strayed = 0, at_home = 0;
    const auto work = [&](int n, weir::job_context& job) -> asio::awaitable<int> {
        const asio::any_io_executor home = job.get_executor();
        for (int i = 0; i < 3; ++i) { // each time woken from the other side
            co_await pushes.async_receive();
            ++(runs(home) ? at_home : strayed);
        }
        co_return n;
    };
    pool jobs({there.get_executor()}, pool_options(2), work);
    std::map<weir::job_id, status> got;
    const auto push = [&]() -> asio::awaitable<void> {
        co_await feed(jobs, 0, 4);
        for (int i = 0; i < 12; ++i)
            (void)co_await pushes.async_send(i);
        jobs.close();
        co_await collect(jobs, got);
        ++(runs(here.get_executor()) ? at_home : strayed);
    };
    asio::co_spawn(here, push, [](std::exception_ptr error) { BOOST_TEST(!error); });
    while (here.poll_one() + there.poll_one() != 0) {
    }
    BOOST_TEST(got.size() == 4U);
    BOOST_TEST(at_home == 13);
    BOOST_TEST(strayed == 0);
}

BOOST_AUTO_TEST_CASE(jobs_that_never_suspend_leave_others_their_turn)
{
    for (const bool coroutine : {false, true}) {
        asio::io_context io(1);
        int turns = 0, calls = 0;
        std::function<void()> tick = [&] {
            ++turns;
            if (calls < 1000)
                asio::post(io, tick);
        };
        const auto plain = [&](int n) { return ++calls, n; };
        const auto suspending = [&](int n) -> asio::awaitable<int> { co_return ++calls, n; };
        const pool_options options = pool_options(1).queue(1000).discard_results();
        pool jobs = coroutine ? pool({io.get_executor()}, options, suspending)
                              : pool({io.get_executor()}, options, plain);
        for (int i = 0; i < 1000; ++i)
            BOOST_REQUIRE(bool(jobs.try_submit(i)));
        jobs.close();
        asio::post(io, tick);
        io.run();
        BOOST_TEST(calls == 1000);
        BOOST_TEST(turns >= 1000 / 128);
    }
}

BOOST_AUTO_TEST_CASE(nonsense_is_refused)
{
    simulation s(1);
    const auto unlimited = pool_options(weir::unlimited);
    BOOST_CHECK_THROW(pool_options(0), std::invalid_argument);
    BOOST_CHECK_THROW(pool(both(s), unlimited, twice_after_a_second), std::invalid_argument);
    BOOST_CHECK_THROW(pool_options(1).timeout(0s), std::invalid_argument);
    BOOST_CHECK_THROW(pool_options(1).grace(-1s), std::invalid_argument);
    BOOST_CHECK_THROW(
        pool(std::vector<asio::any_io_executor>(), pool_options(1), twice_after_a_second),
        std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(the_ledger_says_of_each_job_what_its_outcome_says)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) -> asio::awaitable<int> {
            if (n == 1)
                throw std::runtime_error("one");
            if (n == 3)
                co_return co_await stubborn(11s); // late, but within the grace
            if (n == 4)
                co_return co_await stubborn(1h);
            co_return co_await twice_after_a_second(n); // cut short if it is the sixth
        };
        pool jobs(both(s), pool_options(1).timeout(10s).grace(2s), work);
        std::map<weir::job_id, status> got;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 7);
            co_await weir::async_sleep_for(s.a.get_executor(), 25500ms);
            jobs.stop();
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        const weir::ledger l = jobs.ledger();
        BOOST_TEST((got[1] == status::ok && got[3] == status::ok && got[4] == status::ok));
        BOOST_TEST(l.ok == 3U);
        BOOST_TEST((got[2] == status::failed));
        BOOST_TEST(l.failed == 1U);
        BOOST_TEST((got[5] == status::abandoned));
        BOOST_TEST(l.abandoned == 1U);
        BOOST_TEST((got[6] == status::cancelled));
        BOOST_TEST(l.cancelled == 1U);
        BOOST_TEST((got[7] == status::dropped));
        BOOST_TEST(l.dropped == 1U);
        BOOST_TEST(l.timed_out == 0U);
        BOOST_TEST(l.late == 1U);
    });
}

// Converts from anything and to anything, as `std::any` and JSON values nearly do.
struct greedy {
    greedy() = default;
    template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, greedy>) greedy(T&&) {}
    template <class T>
    operator T&() const
    {
        throw std::logic_error("nothing converts a job");
    }

    int number = 7;
};

BOOST_AUTO_TEST_CASE(a_job_may_convert_from_and_to_anything)
{
    simulation s(1);
    const auto number_of = [](greedy g) { return g.number; };
    weir::worker_pool<greedy, int> jobs(both(s), weir::pool_options(1), number_of);
    int got = 0;
    s.spawn([&]() -> asio::awaitable<void> {
        greedy job;
        const auto accepted = co_await jobs.async_submit(std::move(job));
        BOOST_TEST(bool(accepted));
        jobs.close();
        auto out = co_await jobs.results().async_receive();
        got = out->value();
    });
    s.run();
    BOOST_TEST(got == 7);
}

BOOST_AUTO_TEST_CASE(the_workers_are_spread_evenly_over_the_executors)
{
    in_many_orders([](simulation& s) {
        weir::sim::context c(s.world);
        std::map<const weir::sim::context*, int> running_at;
        const auto work = [&](int n) -> asio::awaitable<int> {
            ++running_at[s.world.running()];
            return twice_after_a_second(n);
        };
        const std::vector<asio::any_io_executor> three = {s.a.get_executor(), s.b.get_executor(),
                                                          c.get_executor()};
        pool jobs(three, pool_options(6).discard_results(), work);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 6);
            const auto report = co_await jobs.drain(1h);
            BOOST_TEST(report.clean());
        });
        run_watching(s, jobs);
        BOOST_TEST((s.elapsed() == 1s)); // each worker had one job
        BOOST_TEST(running_at.size() == 3U);
        for (const auto& [where, count] : running_at)
            BOOST_TEST(count == 2);
    });
}

/// A paused pool with a full queue: a submitter waits until the pool goes on.
struct paused_pool {
    explicit paused_pool(asio::any_io_executor executor)
        : jobs(std::make_unique<pool>(std::vector<asio::any_io_executor>(1, std::move(executor)),
                                      pool_options(weir::paused).queue(1).discard_results(),
                                      [](int n) { return n; }))
    {
        BOOST_TEST(bool(jobs->try_submit(0)));
    }

    template <class Handler>
    void begin(Handler handler)
    {
        jobs->async_submit(1, std::move(handler));
    }

    std::unique_ptr<pool> jobs;
};

BOOST_AUTO_TEST_CASE(a_submit_frees_its_memory_before_its_handler_runs)
{
    frees_its_memory_before_its_handler_runs(
        [](asio::any_io_executor executor) { return paused_pool(std::move(executor)); },
        [](paused_pool& held) {
            held.jobs->resize(1);
            held.jobs->close();
        });
}

BOOST_AUTO_TEST_SUITE_END()
