#include <weir/sync/wait_group.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(wait_group)

// A group with one to be done.
struct busy {
    explicit busy(asio::any_io_executor executor)
        : group(std::make_unique<weir::wait_group>(executor))
    {
        group->add();
    }
    template <class Handler>
    void begin(Handler handler)
    {
        group->async_wait(std::move(handler));
    }

    std::unique_ptr<weir::wait_group> group;
};

const auto start = [](asio::any_io_executor executor) { return busy(executor); };
const auto finish = [](busy& b) { b.group->done(); };

BOOST_AUTO_TEST_CASE(a_wait_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start, finish);
}

BOOST_AUTO_TEST_CASE(a_wait_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start, finish);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_is_aborted)
{
    weir::test::ends_when_cancelled(
        start, [](weir::error_code error) { BOOST_TEST(error == asio::error::operation_aborted); });
}

BOOST_AUTO_TEST_CASE(a_wait_ends_at_its_deadline_and_the_count_stays)
{
    weir::test::in_many_orders([](weir::test::simulation& s) {
        weir::wait_group group(s.a.get_executor());
        group.add();
        const weir::time_point begin = weir::now(s.a.get_executor());
        weir::error_code late, in_time(asio::error::operation_aborted);
        weir::time_point ended;
        group.async_wait_until(begin + std::chrono::seconds(1), [&](weir::error_code error) {
            late = error;
            ended = weir::now(s.a.get_executor());
            BOOST_TEST(group.count() == 1U);
            group.done();
        });
        group.async_wait_until(begin + std::chrono::hours(1),
                               [&](weir::error_code error) { in_time = error; });
        s.run();
        BOOST_CHECK(late == weir::errc::timed_out);
        BOOST_TEST((ended == begin + std::chrono::seconds(1)));
        BOOST_TEST(!in_time);
    });
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    weir::test::any_order_of_destruction_is_clean(start);
}

BOOST_AUTO_TEST_CASE(zero_wakes_every_waiter_and_the_group_may_be_used_again)
{
    weir::test::in_many_orders([](weir::test::simulation& s) {
        weir::wait_group group(s.a.get_executor());
        for (int round = 0; round < 2; ++round) {
            int told = 0;
            group.add(3);
            for (int i = 0; i < 2; ++i)
                group.async_wait([&](weir::error_code error) { told += error ? 0 : 1; });
            for (int i = 0; i < 3; ++i) {
                s.world.run();
                BOOST_TEST(told == 0);
                group.done();
            }
            s.run();
            BOOST_TEST(told == 2);
            BOOST_TEST(group.count() == 0U);
        }
    });
}

BOOST_AUTO_TEST_CASE(waiting_for_nothing_completes)
{
    weir::test::simulation s(1);
    weir::wait_group group(s.a.get_executor());
    bool told = false;
    group.async_wait([&](weir::error_code error) { told = !error; });
    BOOST_TEST(!told);
    s.run();
    BOOST_TEST(told);
}

BOOST_AUTO_TEST_SUITE_END()
