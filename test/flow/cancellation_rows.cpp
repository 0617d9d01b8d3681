// Promises of docs/cancellation.md that the other tests of this layer do not show.
#include <weir/flow/for_each.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/run/scope.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(flow_cancellation_rows)

using pool = weir::worker_pool<int, int>;
using pool_options = weir::pool_options;

asio::awaitable<int> takes_an_hour(int n)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1h, asio::use_awaitable);
    co_return n;
}

/// A pool without a free worker and with a full queue: a submitter has to wait.
class full_pool {
public:
    explicit full_pool(simulation& s)
    {
        const std::vector<asio::any_io_executor> executors = {s.a.get_executor()};
        jobs = std::make_unique<pool>(executors, pool_options(1).queue(1), takes_an_hour,
                                      [](weir::outcome<int>&&) {});
        BOOST_TEST(!!jobs->try_submit(1));
        while (jobs->ledger().queued() != 0) // the worker takes it
            s.world.run_one();
        BOOST_TEST(!!jobs->try_submit(2));
    }

    std::unique_ptr<pool> jobs;
};

template <class End>
void hands_the_job_back(End end, weir::error_code expected)
{
    in_many_orders([&](simulation& s) {
        full_pool full(s);
        asio::cancellation_signal signal;
        int calls = 0;
        auto handler = [&](weir::submit_result<int> result) {
            ++calls;
            BOOST_CHECK(result.error() == expected);
            BOOST_TEST(result.job() == 3);
        };
        full.jobs->async_submit(3, asio::bind_cancellation_slot(signal.slot(), handler));
        BOOST_TEST(calls == 0);
        end(full, signal);
        BOOST_TEST(calls == 0);
        while (calls == 0 && s.world.run_one()) {
        }
        BOOST_TEST(calls == 1);
        BOOST_TEST((s.elapsed() == 0s));
        full.jobs.reset();
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_cancelled_submit_hands_the_job_back)
{
    using type = asio::cancellation_type;
    for (const type kind : {type::terminal, type::partial, type::total})
        hands_the_job_back([kind](full_pool&, asio::cancellation_signal& s) { s.emit(kind); },
                           asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(closing_or_destroying_the_pool_hands_the_job_back)
{
    hands_the_job_back([](full_pool& f, asio::cancellation_signal&) { f.jobs->close(); },
                       make_error_code(weir::errc::closed));
    hands_the_job_back([](full_pool& f, asio::cancellation_signal&) { f.jobs.reset(); },
                       make_error_code(weir::errc::closed));
}

BOOST_AUTO_TEST_CASE(a_submit_whose_context_is_destroyed_is_dropped)
{
    simulation s(1);
    full_pool full(s);
    auto alive = std::make_shared<int>();
    {
        asio::io_context away;
        full.jobs->async_submit(3, asio::bind_executor(away, [alive](weir::submit_result<int>) {
                                    BOOST_ERROR("called, though its context is gone");
                                }));
        BOOST_TEST(alive.use_count() == 2);
    }
    BOOST_TEST(alive.use_count() == 1);
    full.jobs.reset();
    s.run();
}

BOOST_AUTO_TEST_CASE(a_cancelled_drain_is_aborted_and_the_intake_stays_closed)
{
    in_many_orders([](simulation& s) {
        full_pool full(s);
        asio::cancellation_signal signal;
        bool aborted = false;
        const auto drain = [&]() -> asio::awaitable<void> {
            try {
                (void)co_await full.jobs->drain(24h);
            } catch (const weir::system_error& e) {
                aborted = e.code() == asio::error::operation_aborted;
            }
        };
        asio::co_spawn(s.a.get_executor(), drain,
                       asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
        const weir::alarm later(s.a.get_executor(), weir::time_point{} + 1s,
                                [&] { signal.emit(asio::cancellation_type::terminal); });
        while (!aborted && s.world.run_one()) {
        }
        BOOST_TEST(aborted);
        BOOST_TEST((s.elapsed() == 1s));
        BOOST_CHECK(full.jobs->try_submit(3).error() == weir::errc::closed);
        full.jobs.reset();
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_drain_outlives_its_pool)
{
    in_many_orders([](simulation& s) {
        full_pool full(s);
        bool drained = false;
        s.spawn([&]() -> asio::awaitable<void> {
            (void)co_await full.jobs->drain(24h);
            drained = true;
        });
        const weir::alarm later(s.a.get_executor(), weir::time_point{} + 1s,
                                [&] { full.jobs.reset(); });
        s.run();
        BOOST_TEST(drained);
        BOOST_TEST((s.elapsed() < 1h));
    });
}

/// `body` waits forever in a context that is then destroyed: everything it held is released.
template <class Body>
void leaves_nothing_behind(Body body)
{
    auto alive = std::make_shared<int>();
    {
        asio::io_context io;
        const auto whole = [alive, &body]() -> asio::awaitable<void> {
            co_await body(alive);
            BOOST_ERROR("it does not end");
        };
        asio::co_spawn(io, whole, [alive](std::exception_ptr) {});
        io.poll();
        BOOST_TEST(alive.use_count() > 1);
    }
    BOOST_TEST(alive.use_count() == 1);
}

asio::awaitable<void> wait_with(std::shared_ptr<int>)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1h, asio::use_awaitable);
}

BOOST_AUTO_TEST_CASE(for_each_is_dropped_with_its_context)
{
    leaves_nothing_behind([](std::shared_ptr<int> held) -> asio::awaitable<void> {
        const std::vector<int> items = {1, 2, 3};
        const auto wait = [held](int) { return wait_with(held); };
        co_await weir::for_each(items, 2, wait);
    });
}

BOOST_AUTO_TEST_CASE(with_timeout_is_dropped_with_its_context)
{
    leaves_nothing_behind([](std::shared_ptr<int> held) -> asio::awaitable<void> {
        co_await weir::with_timeout(2h, wait_with(held));
    });
}

BOOST_AUTO_TEST_CASE(a_drain_is_dropped_with_its_context)
{
    leaves_nothing_behind([](std::shared_ptr<int> held) -> asio::awaitable<void> {
        const asio::any_io_executor here = co_await asio::this_coro::executor;
        const std::vector<asio::any_io_executor> executors = {here};
        const auto wait = [held](int n) -> asio::awaitable<int> {
            co_await wait_with(held);
            co_return n;
        };
        pool jobs(executors, pool_options(1), wait, [](weir::outcome<int>&&) {});
        BOOST_TEST(!!jobs.try_submit(1));
        (void)co_await jobs.drain(2h);
    });
}

BOOST_AUTO_TEST_SUITE_END()
