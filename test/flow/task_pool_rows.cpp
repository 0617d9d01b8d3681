// What docs/cancellation.md promises of a `task_pool`.
#include <weir/flow/task_pool.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(task_pool_rows)

asio::awaitable<int> takes_an_hour()
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1h, asio::use_awaitable);
    co_return 1;
}

/// A pool without a free worker and with a full queue: a submitter has to wait.
struct full_pool {
    explicit full_pool(simulation& s)
    {
        const std::vector<asio::any_io_executor> executors = {s.a.get_executor()};
        jobs = std::make_unique<weir::task_pool>(executors, weir::pool_options(1).queue(1));
        running = jobs->try_submit(takes_an_hour);
        BOOST_TEST(bool(running));
        while (jobs->ledger().queued() != 0) // the worker takes it
            s.world.run_one();
        waiting = jobs->try_submit(takes_an_hour);
        BOOST_TEST(bool(waiting));
    }

    std::unique_ptr<weir::task_pool> jobs;
    weir::task<int> running;
    weir::task<int> waiting;
};

const auto submits = [](weir::task_pool& jobs, auto handler) {
    jobs.async_submit(takes_an_hour, std::move(handler));
};
const auto runs = [](weir::task_pool& jobs, auto handler) {
    jobs.async_run(takes_an_hour, std::move(handler));
};

/// Neither job is accepted: the waiting submitter completes at once.
template <class End>
void is_not_accepted(End end, weir::error_code expected)
{
    const auto both = [&](auto begin) {
        in_many_orders([&](simulation& s) {
            full_pool full(s);
            asio::cancellation_signal signal;
            int calls = 0;
            auto handler = [&](weir::error_code error, auto&&) {
                ++calls;
                BOOST_CHECK(error == expected);
            };
            begin(*full.jobs, asio::bind_cancellation_slot(signal.slot(), handler));
            end(full, signal);
            BOOST_TEST(calls == 0);
            while (calls == 0 && s.world.run_one()) {
            }
            BOOST_TEST(calls == 1);
            BOOST_TEST((s.elapsed() == 0s));
            full.jobs.reset();
            s.run();
        });
    };
    both(submits);
    both(runs);
}

BOOST_AUTO_TEST_CASE(a_cancelled_submit_or_run_is_not_accepted)
{
    using type = asio::cancellation_type;
    for (const type kind : {type::terminal, type::partial, type::total})
        is_not_accepted([kind](full_pool&, asio::cancellation_signal& s) { s.emit(kind); },
                        asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(closing_or_destroying_the_pool_refuses_waiting_submitters)
{
    is_not_accepted([](full_pool& f, asio::cancellation_signal&) { f.jobs->close(); },
                    make_error_code(weir::errc::closed));
    is_not_accepted([](full_pool& f, asio::cancellation_signal&) { f.jobs.reset(); },
                    make_error_code(weir::errc::closed));
}

BOOST_AUTO_TEST_CASE(waiters_in_a_destroyed_context_are_dropped)
{
    simulation s(1);
    full_pool full(s);
    auto alive = std::make_shared<int>();
    {
        asio::io_context away;
        const auto handler = [alive](weir::error_code, auto&&) {
            BOOST_ERROR("called, though its context is gone");
        };
        submits(*full.jobs, asio::bind_executor(away, handler));
        runs(*full.jobs, asio::bind_executor(away, handler));
        full.running.async_outcome(asio::bind_executor(away, handler));
        BOOST_TEST(alive.use_count() == 5);
    }
    BOOST_TEST(alive.use_count() == 1);
    full.jobs.reset();
    s.run();
}

BOOST_AUTO_TEST_SUITE_END()
