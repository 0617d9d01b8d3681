// Pools, tasks and scopes that outlive the context of their executors.
#include <weir/flow/explain.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/event.hpp>

#include "support/custom_executor.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <sstream>
#include <utility>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(flow_own_executor)

constexpr int kinds = 4;

asio::any_io_executor place(asio::io_context& io, int kind, int& inside)
{
    switch (kind) {
    case 0:
        return io.get_executor();
    case 1:
        return asio::make_strand(io);
    case 2:
        return asio::make_strand(asio::any_io_executor(io.get_executor()));
    default:
        return weir::test::custom_executor(io, inside);
    }
}

template <class Test>
void with_each_executor(Test test)
{
    for (int kind = 0; kind < kinds; ++kind)
        for (const bool polled : {false, true}) {
            auto io = std::make_unique<asio::io_context>(1);
            asio::io_context other(1);
            int inside = 0;
            BOOST_TEST_CONTEXT("kind " << kind << ", polled " << polled)
            test(place(*io, kind, inside), io, other, polled);
        }
}

BOOST_AUTO_TEST_CASE(a_task_pool_and_its_tasks_outlive_their_context)
{
    with_each_executor([](asio::any_io_executor own, std::unique_ptr<asio::io_context>& io,
                          asio::io_context& other, bool polled) {
        weir::event never;
        const auto waits = [&never](weir::job_context& context) -> asio::awaitable<void> {
            co_await never.async_wait(context.get_executor());
        };
        const bool bare = own == io->get_executor();
        std::optional<weir::task_pool> tasks;
        tasks.emplace(std::vector<asio::any_io_executor>{std::exchange(own, nullptr)},
                      weir::pool_options(1));
        weir::task<void> running = tasks->try_submit(waits);
        weir::task<void> queued = tasks->try_submit(waits);
        weir::task<void> dropped = tasks->try_submit(waits);
        std::optional<weir::outcome<void>> first, second;
        const auto keep = [&](std::optional<weir::outcome<void>>& to) {
            return asio::bind_executor(
                other.get_executor(),
                [&to](weir::error_code, weir::outcome<void> out) { to.emplace(std::move(out)); });
        };
        running.async_outcome(keep(first));
        if (polled)
            io->poll();
        io.reset();
        queued.async_outcome(keep(second));
        bool called = false;
        if (!bare) // a bare executor dangles: only handlers with one of their own may come
            dropped.async_outcome([&](weir::error_code, weir::outcome<void>) { called = true; });
        BOOST_TEST(!tasks->try_submit(waits));
        tasks->resize(2);
        tasks.reset();
        other.run();
        BOOST_REQUIRE(first.has_value());
        BOOST_REQUIRE(second.has_value());
        BOOST_TEST(!(first->status() == weir::status::ok));
        BOOST_TEST(!(second->status() == weir::status::ok));
        BOOST_TEST(!called);
    });
}

BOOST_AUTO_TEST_CASE(a_pool_that_has_lost_one_of_its_contexts_still_works_and_reports)
{
    auto first = std::make_unique<asio::io_context>();
    asio::io_context second;
    weir::task_pool tasks({first->get_executor(), second.get_executor()},
                          weir::pool_options(2).timings().inline_on_runners());
    first->poll();
    second.poll();
    first.reset();
    bool ended = false;
    tasks.async_run([] { return 1; },
                    asio::bind_executor(second.get_executor(),
                                        [&](weir::error_code error, weir::outcome<int> out) {
                                            ended = !error && out.value() == 1;
                                        }));
    second.restart();
    second.poll();
    BOOST_TEST(ended);
    std::ostringstream text;
    weir::explain(tasks, text);
    BOOST_TEST(!text.str().empty());
}

BOOST_AUTO_TEST_CASE(a_paused_pool_ends_with_its_context)
{
    with_each_executor([](asio::any_io_executor own, std::unique_ptr<asio::io_context>& io,
                          asio::io_context& other, bool polled) {
        weir::task_pool tasks(std::vector<asio::any_io_executor>{std::exchange(own, nullptr)},
                              weir::pool_options(weir::paused));
        weir::task<int> waiting = tasks.try_submit([] { return 1; });
        bool ended = false;
        waiting.async_outcome(asio::bind_executor(other.get_executor(),
                                                  [&](weir::error_code, weir::outcome<int> out) {
                                                      ended = out.status() != weir::status::ok;
                                                  }));
        if (polled)
            io->poll();
        io.reset();
        other.run();
        BOOST_TEST(ended);
        tasks.resize(3);
    });
}

BOOST_AUTO_TEST_CASE(a_worker_pool_outlives_its_context)
{
    with_each_executor([](asio::any_io_executor own, std::unique_ptr<asio::io_context>& io,
                          asio::io_context& other, bool polled) {
        const auto handler = [](int n) { return n; };
        weir::worker_pool<int, int> pool(
            std::vector<asio::any_io_executor>{std::exchange(own, nullptr)},
            weir::pool_options(2).inline_on_runners(), handler);
        for (int i = 0; i < 3; ++i)
            BOOST_TEST(bool(pool.try_submit(i)));
        if (polled)
            io->poll();
        io.reset();
        int outcomes = 0;
        while (pool.results().try_receive())
            ++outcomes;
        BOOST_TEST(outcomes == 3);
        std::optional<weir::error_code> refused;
        pool.async_submit(
            4, asio::bind_executor(other.get_executor(), [&](weir::submit_result<int> result) {
                refused = result.error();
            }));
        other.run();
        BOOST_TEST((refused.value() == weir::errc::closed));
        BOOST_TEST(pool.ledger().balanced());
    });
}

BOOST_AUTO_TEST_CASE(a_scope_outlives_its_context)
{
    with_each_executor([](asio::any_io_executor own, std::unique_ptr<asio::io_context>& io,
                          asio::io_context&, bool polled) {
        const bool bare = own == io->get_executor();
        weir::cancel_source source;
        weir::scope children(own, source.token());
        weir::event never;
        auto child = [&never, executor = std::exchange(own, nullptr)]() -> asio::awaitable<void> {
            co_await never.async_wait(executor);
        };
        children.spawn(std::move(child));
        if (polled)
            io->poll();
        io.reset();
        source.cancel();
        bool started = false;
        auto another = [&started]() -> asio::awaitable<void> {
            started = true;
            co_return;
        };
        if (!bare)
            children.spawn(std::move(another));
        children.cancel();
        BOOST_TEST(!started);
    });
}

BOOST_AUTO_TEST_SUITE_END()
