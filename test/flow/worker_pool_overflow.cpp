#include <weir/flow/worker_pool.hpp>

#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <map>
#include <memory>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::cancel_reason;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(worker_pool)

using pool = int_pool;

BOOST_AUTO_TEST_CASE(try_submit_to_a_full_queue_is_rejected_and_hands_the_job_back)
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

BOOST_AUTO_TEST_CASE(a_closed_pool_rejects_a_job_though_its_caller_would_run_it)
{
    in_many_orders([](simulation& s) {
        const auto options = pool_options(1).queue(1).when_full(weir::overflow::caller_runs);
        pool jobs(both(s), options, twice_after_a_second);
        jobs.close();
        s.spawn([&]() -> asio::awaitable<void> {
            auto late = co_await jobs.async_submit(7);
            BOOST_TEST((late.error() == weir::errc::closed));
            BOOST_TEST(late.job() == 7);
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().rejected == 1U);
        BOOST_TEST(jobs.ledger().accepted == 0U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
