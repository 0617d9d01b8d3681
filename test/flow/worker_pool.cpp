#include <weir/flow/worker_pool.hpp>

#include "support/simulation.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::cancel_reason;
using weir::status;
using weir::test::in_many_orders;
using weir::test::simulation;

using pool = weir::worker_pool<int, int>;
using pool_options = weir::pool_options;

BOOST_AUTO_TEST_SUITE(worker_pool)

std::vector<asio::any_io_executor> both(simulation& s)
{
    return {s.a.get_executor(), s.b.get_executor()};
}

asio::awaitable<void> feed(pool& jobs, int from, int to)
{
    for (int i = from; i < to; ++i) {
        const auto result = co_await jobs.async_submit(i);
        BOOST_TEST(bool(result));
    }
}

asio::awaitable<void> collect(pool& jobs, std::map<weir::job_id, status>& got)
{
    while (auto out = co_await jobs.results().async_receive()) {
        BOOST_TEST(got.count(out->id()) == 0U); // each once
        got[out->id()] = out->status();
    }
}

// The ledger must hold at every moment, not only at the end.
void run_watching(simulation& s, const pool& jobs)
{
    while (s.world.run_one()) {
        const weir::ledger l = jobs.ledger();
        BOOST_REQUIRE_LE(l.started + l.dropped, l.accepted);
        BOOST_REQUIRE_LE(l.finished(), l.started);
    }
    s.run();
    BOOST_TEST(jobs.ledger().balanced());
}

asio::awaitable<int> twice_after_a_second(int n)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
    co_return 2 * n;
}

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

BOOST_AUTO_TEST_CASE(a_full_queue_rejects_who_does_not_wait_and_hands_the_job_back)
{
    simulation s(1);
    weir::worker_pool<std::unique_ptr<int>, void> jobs(both(s), pool_options(1).queue(1),
                                                       [](std::unique_ptr<int>) {});
    BOOST_TEST(bool(jobs.try_submit(std::make_unique<int>(1))));
    auto second = jobs.try_submit(std::make_unique<int>(2));
    BOOST_TEST(!second);
    BOOST_TEST((second.error() == weir::errc::full));
    BOOST_TEST(*second.job() == 2);
    jobs.close();
    s.world.run();
    BOOST_TEST(jobs.ledger().rejected == 1U);
    BOOST_TEST(jobs.ledger().ok == 1U);
}

BOOST_AUTO_TEST_CASE(a_job_past_its_time_is_cancelled_and_the_next_is_not)
{
    in_many_orders([](simulation& s) {
        const auto work = [&](int n) -> asio::awaitable<int> {
            co_await weir::async_sleep_for(co_await asio::this_coro::executor,
                                           n % 2 == 0 ? weir::duration(1h) : weir::duration(1s));
            co_return n;
        };
        pool jobs(both(s), pool_options(1).timeout(10s), work);
        std::map<weir::job_id, status> got;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 4);
            jobs.close();
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::timed_out));
        BOOST_TEST((got[2] == status::ok));
        BOOST_TEST((got[3] == status::timed_out));
        BOOST_TEST((got[4] == status::ok));
        BOOST_TEST((s.elapsed() == 22s));
    });
}

// Does not honour cancellation.
asio::awaitable<int> stubborn(weir::duration length)
{
    const auto executor = co_await asio::this_coro::executor;
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await weir::async_sleep_for(executor, length);
    co_return 1;
}

BOOST_AUTO_TEST_CASE(a_value_within_the_grace_is_still_good)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int) { return stubborn(11s); };
        pool jobs(both(s), pool_options(1).timeout(10s).grace(2s), work);
        std::map<weir::job_id, status> got;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 1);
            jobs.close();
            co_await collect(jobs, got);
        });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::ok));
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_hangs_is_abandoned_and_keeps_no_worker)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) { return n == 0 ? stubborn(1h) : stubborn(1s); };
        pool jobs(both(s), pool_options(1).timeout(10s).grace(2s), work);
        std::map<weir::job_id, status> got;
        weir::time_point over;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 3);
            jobs.close();
            co_await collect(jobs, got);
            over = s.world.now();
        });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::abandoned));
        BOOST_TEST((got[2] == status::ok));
        BOOST_TEST((got[3] == status::ok));
        BOOST_TEST((over == weir::time_point{} + 14s)); // the results do not wait for it
        BOOST_TEST((s.elapsed() == 1h));
        BOOST_TEST(jobs.ledger().late == 1U);
    });
}

BOOST_AUTO_TEST_CASE(stopping_cancels_what_runs_and_drops_what_waits)
{
    in_many_orders([](simulation& s) {
        pool jobs(both(s), pool_options(2), twice_after_a_second);
        std::map<weir::job_id, status> got;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 10);
            co_await weir::async_sleep_for(s.a.get_executor(), 1500ms);
            jobs.stop();
            BOOST_TEST(!co_await jobs.async_submit(1));
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        const auto l = jobs.ledger();
        BOOST_TEST(got.size() == 10U);
        BOOST_TEST(l.ok == 2U);
        BOOST_TEST(l.cancelled == 2U);
        BOOST_TEST(l.dropped == 6U);
        BOOST_TEST((s.elapsed() == 1500ms));
    });
}

BOOST_AUTO_TEST_CASE(a_drain_finishes_what_was_taken)
{
    in_many_orders([](simulation& s) {
        pool jobs(both(s), pool_options(2).discard_results(), twice_after_a_second);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 10);
            const auto report = co_await jobs.drain(1min);
            BOOST_TEST(report.clean());
            BOOST_TEST(report.ledger.ok == 10U);
        });
        run_watching(s, jobs);
        BOOST_TEST((s.elapsed() == 5s));
    });
}

BOOST_AUTO_TEST_CASE(a_drain_past_its_limit_names_what_was_not_finished)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) { return n == 0 ? stubborn(1h) : twice_after_a_second(n); };
        pool jobs(both(s), pool_options(2).grace(1s), work);
        std::map<weir::job_id, status> got;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 10);
            const auto report = co_await jobs.drain(2500ms);
            BOOST_TEST(report.complete);
            BOOST_TEST(!report.clean());
            std::map<status, int> how;
            for (const auto& unfinished : report.unfinished)
                ++how[unfinished.status];
            BOOST_TEST(how[status::abandoned] == 1);
            BOOST_TEST(how[status::cancelled] == 1);
            BOOST_TEST(how[status::dropped] == 6);
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        BOOST_TEST(got.size() == 10U);
        BOOST_TEST((got[1] == status::abandoned));
    });
}

BOOST_AUTO_TEST_CASE(a_drain_ends_though_nobody_receives_the_results)
{
    in_many_orders([](simulation& s) {
        int hooked = 0;
        pool jobs(both(s), pool_options(2).queue(10).results(1), twice_after_a_second,
                  [&](weir::outcome<int>&&) { ++hooked; });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 10);
            const auto report = co_await jobs.drain(20s);
            BOOST_TEST(report.complete);
        });
        run_watching(s, jobs);
        BOOST_TEST(hooked == 9); // and one is still in the channel
    });
}

BOOST_AUTO_TEST_CASE(what_a_job_does_to_its_cancellation_stays_with_it)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) -> asio::awaitable<int> {
            const auto executor = co_await asio::this_coro::executor;
            if (n == 0) {
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                co_await asio::this_coro::throw_if_cancelled(false);
                co_return 0;
            }
            co_await weir::async_sleep_for(executor, 1h);
            co_return n;
        };
        pool jobs(both(s), pool_options(1).timeout(10s), work);
        std::map<weir::job_id, status> got;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 2);
            jobs.close();
            co_await collect(jobs, got);
        });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::ok));
        BOOST_TEST((got[2] == status::timed_out));
    });
}

BOOST_AUTO_TEST_CASE(a_pool_destroyed_in_the_middle_still_reports_every_job)
{
    in_many_orders([](simulation& s) {
        std::map<weir::job_id, status> got;
        const auto keep = [&](weir::outcome<int>&& out) { got[out.id()] = out.status(); };
        auto jobs =
            std::make_unique<pool>(both(s), pool_options(2).results(0), twice_after_a_second, keep);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(*jobs, 0, 6);
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            jobs.reset();
        });
        s.run();
        BOOST_TEST(got.size() == 6U);
        BOOST_TEST((s.elapsed() == 500ms));
    });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_in_the_middle_still_reports_every_job)
{
    std::map<weir::job_id, status> got;
    const auto keep = [&](weir::outcome<int>&& out) { got[out.id()] = out.status(); };
    {
        weir::sim::world w(1);
        auto c = std::make_unique<weir::sim::context>(w);
        pool jobs({c->get_executor()}, pool_options(2).results(0), twice_after_a_second, keep);
        for (int i = 0; i < 6; ++i)
            BOOST_TEST(bool(jobs.try_submit(i)));
        while (w.run_one() && w.now() == weir::time_point{}) {
        }
        c.reset();
        BOOST_TEST(jobs.ledger().abandoned + jobs.ledger().ok >= 2U);
    }
    BOOST_TEST(got.size() == 6U);
}

// The worker that takes the place of one that hangs may be at another executor, which may go before
// it has begun.
BOOST_AUTO_TEST_CASE(an_outcome_that_was_given_up_does_not_depend_on_another_context)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        std::map<weir::job_id, status> got;
        const auto keep = [&](weir::outcome<int>&& out) { got[out.id()] = out.status(); };
        {
            weir::sim::world w(seed);
            auto a = std::make_unique<weir::sim::context>(w);
            weir::sim::context b(w);
            const auto hang = [](int) { return stubborn(1h); };
            pool jobs({a->get_executor(), b.get_executor()},
                      pool_options(2).results(0).timeout(1s).grace(1s), hang, keep);
            jobs.resize(1);
            w.run(); // one of the two leaves, at either
            BOOST_TEST(bool(jobs.try_submit(1)));
            while (jobs.ledger().abandoned == 0U)
                BOOST_REQUIRE(w.run_one());
            a.reset();
            BOOST_TEST(jobs.ledger().abandoned == 1U);
        }
        BOOST_TEST(got.size() == 1U);
        BOOST_TEST((got[1] == status::abandoned));
    }
}

BOOST_AUTO_TEST_CASE(a_job_whose_submitter_is_destroyed_is_reported_too)
{
    std::map<weir::job_id, status> got;
    const auto keep = [&](weir::outcome<int>&& out) { got[out.id()] = out.status(); };
    weir::sim::world w(1);
    weir::sim::context b(w);
    auto jobs =
        std::make_unique<pool>(std::vector<asio::any_io_executor>{b.get_executor()},
                               pool_options(1).queue(1).results(0), twice_after_a_second, keep);
    {
        weir::sim::context a(w);
        for (int i = 0; i < 4; ++i)
            jobs->async_submit(
                i, asio::bind_executor(a.get_executor(), [](weir::submit_result<int>) {}));
    }
    const weir::ledger l = jobs->ledger();
    BOOST_TEST(l.dropped + l.queued() + l.running() == l.accepted);
    jobs.reset();
    w.run();
    BOOST_TEST(got.size() == 4U);
}

// ---- what is said about a job, and what is known of it

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
    while (jobs.stats().running != 2)
        BOOST_REQUIRE(s.world.run_one());
    BOOST_TEST(jobs.stats().queued == 3U);
    BOOST_TEST(jobs.stats().waiting_submitters <= 1U);
    s.world.run();
    jobs.close();
    s.run();
    BOOST_TEST(jobs.stats().running == 0U);
    BOOST_TEST(jobs.stats().results == 7U);
}

// ---- deadlines

BOOST_AUTO_TEST_CASE(a_job_whose_deadline_passes_while_it_waits_never_starts)
{
    in_many_orders([](simulation& s) {
        int started = 0;
        const auto work = [&](int n) -> asio::awaitable<int> {
            ++started;
            return twice_after_a_second(n);
        };
        pool jobs(both(s), pool_options(1).queue(1), work);
        std::map<weir::job_id, status> got;
        const auto by = [&](weir::duration d) {
            return weir::job_options().deadline(weir::time_point{} + d);
        };
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(co_await jobs.async_submit(0)));
            BOOST_TEST(bool(co_await jobs.async_submit(1, by(500ms)))); // will have waited a second
            const auto third = co_await jobs.async_submit(2, by(700ms)); // never gets a place
            BOOST_TEST((third.error() == weir::errc::timed_out));
            BOOST_TEST(bool(co_await jobs.async_submit(3, by(1500ms)))); // cancelled on the way
            jobs.close();
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::ok));
        BOOST_TEST((got[2] == status::timed_out));
        BOOST_TEST((got[4] == status::timed_out));
        BOOST_TEST(got.size() == 3U);
        BOOST_TEST(started == 2);
        BOOST_TEST((s.elapsed() == 1500ms));
    });
}

// ---- when there is no room

BOOST_AUTO_TEST_CASE(a_pool_that_rejects_hands_the_job_back_at_once)
{
    in_many_orders([](simulation& s) {
        const auto options = pool_options(1).queue(1).when_full(weir::overflow::reject);
        pool jobs(both(s), options, twice_after_a_second);
        int rejected = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 5; ++i) {
                auto result = co_await jobs.async_submit(i);
                if (!result) {
                    BOOST_TEST((result.error() == weir::errc::full));
                    BOOST_TEST(result.job() == i);
                    ++rejected;
                }
            }
            jobs.close();
        });
        run_watching(s, jobs);
        BOOST_TEST(rejected >= 3);
        BOOST_TEST(jobs.ledger().rejected == static_cast<std::uint64_t>(rejected));
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_makes_room_for_another_is_dropped_with_an_outcome)
{
    using weir::overflow;
    for (const overflow rule : {overflow::drop_oldest, overflow::drop_newest})
        in_many_orders([rule](simulation& s) {
            pool jobs(both(s), pool_options(1).queue(2).when_full(rule), twice_after_a_second);
            std::map<weir::job_id, status> got;
            s.spawn([&]() -> asio::awaitable<void> {
                co_await feed(jobs, 0, 1);
                co_await weir::async_sleep_for(s.a.get_executor(), 100ms); // it has started
                co_await feed(jobs, 1, 5);
                jobs.close();
                while (auto out = co_await jobs.results().async_receive()) {
                    got[out->id()] = out->status();
                    if (!*out)
                        BOOST_TEST((out->reason() == cancel_reason::overload));
                }
            });
            run_watching(s, jobs);
            BOOST_TEST(got.size() == 5U);
            const bool oldest = rule == overflow::drop_oldest;
            for (weir::job_id id = 1; id <= 5; ++id) {
                const bool dropped = oldest ? id == 2 || id == 3 : id == 4 || id == 5;
                BOOST_TEST((got[id] == (dropped ? status::dropped : status::ok)));
            }
        });
}

BOOST_AUTO_TEST_CASE(a_caller_that_finds_no_room_runs_its_job_itself)
{
    in_many_orders([](simulation& s) {
        int at_the_caller = 0;
        const auto work = [&](int n) -> asio::awaitable<int> {
            if (s.world.running() == &s.b)
                ++at_the_caller;
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
            co_return n;
        };
        const auto options = pool_options(1).queue(1).when_full(weir::overflow::caller_runs);
        pool jobs({s.a.get_executor()}, options, work);
        std::map<weir::job_id, status> got;
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 8);
            jobs.close();
            const auto late = co_await jobs.async_submit(9);
            BOOST_TEST((late.error() == weir::errc::closed));
        });
        s.spawn(s.a, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        BOOST_TEST(got.size() == 8U);
        BOOST_TEST(at_the_caller >= 2);
        BOOST_TEST(jobs.ledger().ok == 8U);
    });
}

// ---- changing the limit

BOOST_AUTO_TEST_CASE(the_limit_may_be_changed_while_jobs_run)
{
    in_many_orders([](simulation& s) {
        int running = 0, most = 0;
        const auto work = [&](int n) -> asio::awaitable<int> {
            most = std::max(most, ++running);
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
            --running;
            co_return n;
        };
        pool jobs(both(s), pool_options(1).discard_results(), work);
        s.spawn([&]() -> asio::awaitable<void> {
            const auto executor = s.a.get_executor();
            co_await feed(jobs, 0, 30);
            co_await weir::async_sleep_for(executor, 2500ms);
            BOOST_TEST(std::exchange(most, 0) == 1);
            jobs.resize(4);
            co_await weir::async_sleep_for(executor, 2s);
            BOOST_TEST(most == 4);
            jobs.resize(2); // revokes nothing
            co_await weir::async_sleep_for(executor, 1s);
            most = 0;
            co_await weir::async_sleep_for(executor, 3s);
            BOOST_TEST(most == 2);
            jobs.resize(weir::paused);
            co_await weir::async_sleep_for(executor, 2s);
            const auto done = jobs.ledger().ok;
            co_await weir::async_sleep_for(executor, 1h);
            BOOST_TEST(jobs.ledger().ok == done);
            BOOST_TEST(running == 0);
            BOOST_TEST(jobs.workers().is_paused());
            jobs.resize(3);
            const auto report = co_await jobs.drain(1h);
            BOOST_TEST(report.clean());
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 30U);
    });
}

BOOST_AUTO_TEST_CASE(idle_workers_leave_when_there_are_too_many)
{
    in_many_orders([](simulation& s) {
        int most = 0, running = 0;
        const auto work = [&](int n) -> asio::awaitable<int> {
            most = std::max(most, ++running);
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
            --running;
            co_return n;
        };
        pool jobs(both(s), pool_options(4).discard_results(), work);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 1s); // all four wait
            jobs.resize(1);
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            co_await feed(jobs, 0, 5);
            co_await jobs.drain(1h);
        });
        run_watching(s, jobs);
        BOOST_TEST(most == 1);
        BOOST_TEST(jobs.ledger().ok == 5U);
    });
}

BOOST_AUTO_TEST_CASE(a_paused_pool_ends_all_the_same)
{
    for (const bool with_jobs : {false, true})
        in_many_orders(
            [with_jobs](simulation& s) {
                pool jobs(both(s), pool_options(weir::paused), twice_after_a_second);
                std::map<weir::job_id, status> got;
                s.spawn(s.a, [&]() -> asio::awaitable<void> {
                    if (with_jobs)
                        co_await feed(jobs, 0, 3);
                    const auto report = co_await jobs.drain(10s);
                    BOOST_TEST(report.complete);
                    BOOST_TEST(report.unfinished.size() == (with_jobs ? 3U : 0U));
                });
                s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
                run_watching(s, jobs);
                BOOST_TEST(got.size() == (with_jobs ? 3U : 0U));
                BOOST_TEST((s.elapsed() == (with_jobs ? 10s : 0s)));
            },
            100);
}

// ---- the report

BOOST_AUTO_TEST_CASE(the_report_of_a_drain_tells_names_and_ages)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) { return n == 0 ? stubborn(1h) : twice_after_a_second(n); };
        pool jobs(both(s), pool_options(1).grace(1s).timings(), work);
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            auto said = weir::job_options().name("the slow one").key("k");
            BOOST_TEST(bool(co_await jobs.async_submit(0, said)));
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            auto waits = weir::job_options().name("the one behind it");
            BOOST_TEST(bool(co_await jobs.async_submit(1, waits)));
            const auto report = co_await jobs.drain(2s);
            BOOST_REQUIRE(report.unfinished.size() == 2U);
            for (const weir::unfinished_job& u : report.unfinished) {
                const bool slow = u.name == "the slow one";
                BOOST_TEST((u.status == (slow ? status::abandoned : status::dropped)));
                BOOST_TEST(u.key == (slow ? "k" : ""));
                // The slow one keeps its worker for the grace; then the other is dropped.
                BOOST_TEST((*u.age == (slow ? 4s : 3s)));
            }
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_job_stays_on_its_workers_executor_and_jobs_cross_as_values)
{
    asio::io_context here(1), there(1);
    const auto runs = [](const asio::any_io_executor& e) {
        return e.target<asio::io_context::executor_type>()->running_in_this_thread();
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

// ---- the accounts

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

BOOST_AUTO_TEST_CASE(the_first_reason_for_cancelling_a_job_stays)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int) -> asio::awaitable<int> {
            const auto executor = co_await asio::this_coro::executor;
            bool cut = false;
            try {
                co_await weir::async_sleep_for(executor, 1h);
            } catch (const weir::system_error&) {
                cut = true;
            }
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await asio::this_coro::throw_if_cancelled(false);
            co_await weir::async_sleep_for(executor, 1s); // clean-up
            if (cut)
                throw std::runtime_error("cut short");
            co_return 0;
        };
        pool jobs(both(s), pool_options(1).timeout(10s).grace(2s), work);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 1);
            co_await weir::async_sleep_for(s.a.get_executor(), 10500ms);
            jobs.stop();
            const auto out = co_await jobs.results().async_receive();
            BOOST_TEST((out->status() == status::timed_out));
            BOOST_TEST((out->reason() == cancel_reason::deadline));
        });
        s.run();
        BOOST_TEST((s.elapsed() == 11s));
        BOOST_TEST(jobs.ledger().timed_out == 1U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
