#include <weir/flow/task_pool.hpp>

#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(task_pool)

BOOST_AUTO_TEST_CASE(an_unclaimed_failure_goes_to_the_hook)
{
    in_many_orders([](simulation& s) {
        std::vector<std::string> told;
        weir::task_pool tasks(both(s), pool_options(1), [&](weir::outcome<void>&& out) {
            try {
                out.value();
            } catch (const std::runtime_error& e) {
                told.push_back(e.what());
            }
        });
        s.spawn([&]() -> asio::awaitable<void> {
            const auto fail = [](const char* what) -> int { throw std::runtime_error(what); };
            const auto first = [fail] { return fail("dropped before it ended"); };
            const auto second = [fail] { return fail("dropped after it ended"); };
            const auto third = [fail] { return fail("asked about"); };
            {
                (void)co_await tasks.async_submit(first);
            }
            {
                auto handle = co_await tasks.async_submit(second);
                while (!handle.is_done())
                    co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            }
            BOOST_TEST(!co_await tasks.async_run(third));
            (void)co_await tasks.async_submit([] { return 1; }); // no failure
            co_await tasks.drain(1s);
        });
        s.run();
        BOOST_REQUIRE(told.size() == 2U);
        BOOST_TEST(told[0] == "dropped before it ended");
        BOOST_TEST(told[1] == "dropped after it ended");
    });
}

BOOST_AUTO_TEST_CASE(a_failure_that_was_asked_about_does_not_go_to_the_hook)
{
    in_many_orders([](simulation& s) {
        int told = 0;
        weir::task_pool tasks(both(s), pool_options(1), [&](weir::outcome<void>&&) { ++told; });
        s.spawn([&]() -> asio::awaitable<void> {
            const auto fail = []() -> int { throw std::runtime_error("no"); };
            {
                auto handle = co_await tasks.async_submit(fail);
                const auto out = co_await handle.async_outcome();
                BOOST_TEST((out.status() == status::failed));
            }
            co_await tasks.drain(1s);
        });
        s.run();
        BOOST_TEST(told == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_failure_that_is_being_waited_for_does_not_go_to_the_hook)
{
    in_many_orders([](simulation& s) {
        int told = 0;
        int asked = 0;
        weir::job_id id = 0;
        weir::task_pool tasks(both(s), pool_options(1), [&](weir::outcome<void>&&) { ++told; });
        const auto fail = []() -> int { throw std::runtime_error("no"); };
        {
            auto handle = tasks.try_submit(fail, weir::job_options().name("its name"));
            id = handle.id();
            handle.async_outcome([&](weir::error_code, weir::outcome<int> out) {
                ++asked;
                BOOST_TEST((out.status() == status::failed));
                BOOST_TEST(out.id() == id);
                BOOST_TEST(out.name() == "its name");
            });
        } // dropped while it is waited for
        tasks.close();
        s.run();
        BOOST_TEST(asked == 1);
        BOOST_TEST(told == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_failure_whose_wait_was_given_up_goes_to_the_hook)
{
    in_many_orders([](simulation& s) {
        int told = 0;
        weir::task_pool tasks(both(s), pool_options(1), [&](weir::outcome<void>&&) { ++told; });
        const auto fail = []() -> asio::awaitable<int> {
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
            throw std::runtime_error("no");
        };
        asio::cancellation_signal signal;
        weir::error_code code;
        const auto on_end = [&](weir::error_code error, weir::outcome<int>) { code = error; };
        tasks.async_run(fail, asio::bind_cancellation_slot(signal.slot(), on_end));
        const weir::alarm later(s.a.get_executor(), weir::time_point{} + 500ms,
                                [&] { signal.emit(asio::cancellation_type::total); });
        s.world.run();
        BOOST_TEST(code == asio::error::operation_aborted);
        BOOST_TEST(told == 1);
        tasks.close();
        s.run();
    });
}

BOOST_AUTO_TEST_SUITE_END()
