#include "torture/torture.hpp"

#include "flow/pool_jobs.hpp"

#include <weir/policy/timeout.hpp>
#include <weir/run/blocking_lane.hpp>
#include <weir/run/cancel.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/run/scope.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;

using namespace weir::test;
using namespace std::chrono_literals;
using weir::error_code;

BOOST_AUTO_TEST_SUITE(torture_run)

BOOST_AUTO_TEST_CASE(a_scope_is_joined)
{
    for (const auto rule : {weir::error_rule::cancel_siblings, weir::error_rule::collect})
        each_allocation_fails_in(5, [&](simulation& s) {
            int begun = 0, ended = 0;
            bool joined = false;
            weir::cancel_source source;
            const auto child = [&](weir::duration length) -> asio::awaitable<void> {
                struct counts {
                    int& to;
                    ~counts() { ++to; }
                } const at_end{ended};
                co_await weir::async_sleep_for(s.a.get_executor(), length);
                throw std::runtime_error("a child failed");
            };
            const auto parent = [&]() -> asio::awaitable<void> {
                std::optional<weir::scope> children;
                try {
                    children.emplace(s.a.get_executor(), source.token(), rule);
                } catch (const std::bad_alloc&) {
                    joined = true;
                    co_return;
                }
                for (int i = 1; i < 4; ++i)
                    try {
                        children->spawn(child(i * 1s));
                        ++begun;
                    } catch (const std::bad_alloc&) {
                    }
                for (bool again = true; again;) {
                    again = false;
                    try {
                        co_await children->join();
                    } catch (const std::bad_alloc&) {
                        again = children->running() != 0;
                        count_allocations(false); // else it would go on so
                    } catch (const std::exception&) {
                    }
                }
                joined = true;
                BOOST_TEST(children->running() == 0U);
                BOOST_TEST(ended == begun);
            };
            s.spawn(parent);
            for (int steps = 0; steps < 300; ++steps)
                BOOST_TEST(survives([&] { s.world.run_one(); }));
            s.world.run();
            BOOST_TEST(joined);
            BOOST_TEST(s.world.unfinished() == "");
        });
}

BOOST_AUTO_TEST_CASE(an_operation_within_a_timeout_ends)
{
    for (const weir::duration length : {500ms, 2000ms})
        each_allocation_fails_in(3, [&](simulation& s) {
            int ended = 0;
            const auto body = [&]() -> asio::awaitable<void> {
                for (int i = 0; i < 2; ++i)
                    try {
                        auto operation = weir::async_sleep_for(s.a.get_executor(), length);
                        co_await weir::with_timeout(1s, std::move(operation));
                        ++ended;
                    } catch (const std::exception&) {
                        ++ended;
                    }
            };
            s.spawn(body);
            for (int steps = 0; steps < 300; ++steps)
                BOOST_TEST(survives([&] { s.world.run_one(); }));
            s.world.run();
            BOOST_TEST(ended == 2);
        });
}

BOOST_AUTO_TEST_CASE(a_source_cancels_those_that_were_linked)
{
    each_allocation_fails_in(4, [&](simulation& s) {
        std::optional<weir::cancel_source> root;
        if (!survives([&] { root.emplace(); }))
            return;
        std::vector<std::unique_ptr<weir::cancel_source>> linked;
        for (int i = 0; i < 40; ++i)
            survives(
                [&] { linked.push_back(std::make_unique<weir::cancel_source>(root->token())); });
        std::optional<weir::cancel_link> link;
        const bool reaches = survives([&] { link.emplace(root->token(), s.a.get_executor()); });
        error_code error;
        int calls = 0;
        if (reaches)
            weir::async_sleep_for(s.a.get_executor(), 1h,
                                  asio::bind_cancellation_slot(link->slot(), [&](error_code e) {
                                      error = e;
                                      ++calls;
                                  }));
        BOOST_TEST(survives([&] { root->cancel(); }));
        {
            const while_they_fail here;
            BOOST_TEST(run_on(s.world) == 0U);
        }
        for (const auto& each : linked)
            BOOST_TEST((each->token().reason() == weir::cancel_reason::requested));
        BOOST_TEST(calls == (reaches ? 1 : 0));
        BOOST_TEST((!reaches || error == asio::error::operation_aborted));
    });
}

BOOST_AUTO_TEST_CASE(a_call_on_a_lane_ends)
{
    each_allocation_fails(3, [&] {
        asio::io_context io(1), lane_io(1);
        std::optional<weir::blocking_lane> lane;
        if (!survives([&] { lane.emplace(lane_io.get_executor(), 1, 2); }))
            return;
        int calls = 0, begun = 0, seven = 0, failed = 0;
        const auto on_end = [&](std::exception_ptr error, int value) {
            ++calls;
            error ? ++failed : (seven += value == 7 ? 1 : 0);
        };
        for (int i = 0; i < 4; ++i)
            begun += survives([&] {
                lane->async_run([] { return 7; }, asio::bind_executor(io.get_executor(), on_end));
            });
        for (int i = 0; i < 4; ++i) {
            const while_they_fail here;
            BOOST_TEST(run_on(lane_io) == 0U);
            BOOST_TEST(run_on(io) == 0U);
        }
        BOOST_TEST(calls == begun);
        BOOST_TEST(seven + failed == calls);
        BOOST_TEST(lane->running() + lane->queued() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(runners_are_made_or_not)
{
    each_allocation_fails(3, [&] {
        std::optional<weir::runner_pool> runners;
        if (!survives([&] { runners.emplace(2); }))
            return;
        std::vector<asio::any_io_executor> executors;
        survives([&] { executors = runners->executors(); });
        BOOST_TEST(runners->executors().size() == 2U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
