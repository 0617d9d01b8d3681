#include "torture/torture.hpp"

#include "flow/pool_jobs.hpp"

#include <weir/flow/for_each.hpp>
#include <weir/flow/map.hpp>
#include <weir/flow/pipeline.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/policy/schedule.hpp>

#include <boost/asio/awaitable.hpp>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace asio = boost::asio;

using namespace weir::test;
using namespace std::chrono_literals;
using weir::error_code;
using weir::pool_options;

BOOST_AUTO_TEST_SUITE(torture_flow)

BOOST_AUTO_TEST_CASE(tasks_keep_their_accounts)
{
    for (const bool limited : {true, false})
        for (const bool with_options : {false, true})
            each_allocation_fails_in(5, [&](simulation& s) {
                s.world.limit_steps(5000);
                weir::job_options options;
                if (with_options)
                    options.name("a name that is too long for a small string")
                        .deadline(s.world.now() + 10s);
                pool_options how(limited ? weir::limit(2) : weir::unlimited);
                how.timings();
                std::optional<weir::task_pool> pool;
                if (!survives([&] { pool.emplace(both(s), how); }))
                    return void(run_on(s.world));
                std::vector<weir::task<int>> tasks(4);
                std::size_t begun = 0, completed = 0, accepted = 0, lost = 0;
                for (auto& each : tasks)
                    survives([&] { each = pool->try_submit([] { return slow(7); }, options); });
                for (const auto& each : tasks)
                    accepted += each ? 1U : 0U;
                for (int i = 0; i < 2; ++i)
                    begun += survives([&] {
                        pool->async_run([] { return 7; }, options,
                                        [&](error_code error, weir::outcome<int>) {
                                            ++completed;
                                            accepted += error ? 0U : 1U;
                                        });
                    });
                for (int steps = 0; steps < 300; ++steps)
                    lost += survives([&] { s.world.run_one(); }) ? 0 : 1;
                s.world.run();
                std::size_t outcomes = 0;
                for (auto& each : tasks)
                    if (each) {
                        BOOST_TEST(each.is_done());
                        each.async_outcome(
                            [&](error_code error, weir::outcome<int>) { outcomes += !error; });
                    }
                s.world.run();
                BOOST_TEST(completed <= begun);
                const weir::ledger l = pool->ledger();
                BOOST_TEST(l.balanced());
                BOOST_TEST(l.accepted >= accepted);
                BOOST_TEST(l.running() == 0U);
                auto again = pool->try_submit([] { return 7; });
                s.world.run();
                BOOST_TEST((again.is_done() || lost != 0));
            });
}

BOOST_AUTO_TEST_CASE(a_loop_ends)
{
    each_allocation_fails_in(4, [&](simulation& s) {
        bool ended = false;
        int running = 0;
        const auto call = [&](int) -> asio::awaitable<void> {
            ++running;
            const std::shared_ptr<void> at_end(nullptr, [&](void*) { --running; });
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
        };
        const auto body = [&]() -> asio::awaitable<void> {
            const std::vector<int> items{1, 2, 3, 4};
            try {
                co_await weir::for_each(items, 2, call);
            } catch (const std::exception&) {
            }
            BOOST_TEST(running == 0);
            ended = true;
        };
        s.spawn(body);
        for (int steps = 0; steps < 300; ++steps)
            BOOST_TEST(survives([&] { s.world.run_one(); }));
        s.world.run();
        BOOST_TEST(ended);
    });
}

BOOST_AUTO_TEST_CASE(a_stream_of_results_ends)
{
    for (const auto order : {weir::order::kept, weir::order::as_completed})
        each_allocation_fails_in(4, [&](simulation& s) {
            bool ended = false;
            const auto body = [&]() -> asio::awaitable<void> {
                const std::vector<int> items{1, 2, 3, 4};
                try {
                    auto results = weir::map(items, 2, slow, order);
                    while (auto next = co_await results.next())
                        BOOST_TEST(*next != 0);
                } catch (const std::exception&) {
                }
                ended = true;
            };
            s.spawn(body);
            for (int steps = 0; steps < 300; ++steps)
                BOOST_TEST(survives([&] { s.world.run_one(); }));
            s.world.run();
            BOOST_TEST(ended);
        });
}

// An item that `push` did not take is not there, and one that is there is given out.
BOOST_AUTO_TEST_CASE(a_schedule_loses_no_item)
{
    each_allocation_fails(6, [&] {
        weir::schedule<int, int> queue(1);
        const weir::time_point now;
        int pushed = 0, popped = 0;
        const auto pop = [&] {
            BOOST_TEST(survives([&] {
                while (auto next = queue.pop(now)) {
                    ++popped;
                    queue.done(next.place);
                }
            }));
        };
        for (int i = 0; i < 6; ++i) {
            pushed += survives([&] { queue.push(i % 2, i); });
            pushed += survives([&] { queue.push_front(i % 3, i); });
            BOOST_TEST(queue.queued() == static_cast<std::size_t>(pushed - popped));
            if (i == 3)
                pop();
        }
        survives([&] { (void)queue.hold(1, now + std::chrono::hours(1), now); });
        survives([&] { (void)queue.override_key(2, 2); });
        BOOST_TEST(survives([&] { queue.resume(1); }));
        BOOST_TEST(survives([&] { queue.reset_key(2); }));
        pop();
        BOOST_TEST(popped == pushed);
        BOOST_TEST(queue.keys() == 0U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
