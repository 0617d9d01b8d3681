// What the deadlines of all primitives have in common. That they end the wait in time is tested
// with each; with several threads, in test/stress/deadlines.cpp.
#include <weir/sync/channel.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "support/hand_clock.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <optional>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::hand_clock;

BOOST_AUTO_TEST_SUITE(deadlines)

// One operation of each kind, which would wait until `at`.
struct one_of_each {
    explicit one_of_each(hand_clock& clock)
        : executor(clock.executor()), limit(executor, 1), full(executor, 1),
          unbuffered(executor, 0), empty(executor, 1), group(executor), taken(limit.try_acquire())
    {
        (void)full.try_send(1);
        group.add();
    }

    void begin(weir::time_point at)
    {
        limit.async_acquire_until(at, [this](weir::error_code e, weir::permit p) {
            BOOST_TEST(!p);
            log(e);
        });
        for (auto* to : {&full, &unbuffered})
            to->async_send_until(at, 7, [this](weir::send_result<int> r) {
                BOOST_TEST(r.value() == 7); // handed back
                log(r.error());
            });
        empty.async_receive_until(at, [this](weir::error_code e, std::optional<int> v) {
            BOOST_TEST(!v);
            log(e);
        });
        group.async_wait_until(at, [this](weir::error_code e) { log(e); });
    }

    bool nothing_waits() const
    {
        return limit.waiters() == 0 && full.waiting_senders() == 0 &&
               unbuffered.waiting_senders() == 0 && empty.waiting_receivers() == 0;
    }

    void log(weir::error_code e)
    {
        ++ended;
        last = e;
    }

    static constexpr int kinds = 5;
    asio::io_context::executor_type executor;
    weir::semaphore limit;
    weir::channel<int> full, unbuffered, empty;
    weir::wait_group group;
    weir::permit taken;
    int ended = 0;
    weir::error_code last;
};

BOOST_AUTO_TEST_CASE(an_operation_whose_alarm_cannot_be_set_ends_with_the_error)
{
    hand_clock clock;
    one_of_each each(clock);
    clock.fail_next(one_of_each::kinds);
    each.begin(weir::time_point{} + 1s);
    BOOST_TEST(each.ended == 0); // not inside the call
    BOOST_TEST(each.nothing_waits());
    clock.context().run();
    BOOST_TEST(each.ended == one_of_each::kinds);
    BOOST_TEST((each.last == weir::error_code(EMFILE, asio::error::get_system_category())));
    BOOST_TEST(each.group.count() == 1U);
}

BOOST_AUTO_TEST_CASE(operations_whose_alarm_is_lost_end_with_the_error)
{
    hand_clock clock;
    one_of_each each(clock);
    int slept = 0;
    weir::async_sleep_until(clock.executor(), weir::time_point{} + 1s,
                            [&](weir::error_code e) { slept += e ? 0 : 1; });
    each.begin(weir::time_point{} + 2s);
    weir::error_code overslept;
    weir::async_sleep_until(clock.executor(), weir::time_point{} + 3s,
                            [&](weir::error_code e) { overslept = e; });
    clock.context().poll();
    clock.fail_next(1);
    clock.advance_to(weir::time_point{} + 1s); // the next wake-up cannot be had
    clock.context().run();
    BOOST_TEST(slept == 1);
    BOOST_TEST(each.ended == one_of_each::kinds);
    BOOST_TEST(each.nothing_waits());
    BOOST_TEST((each.last == weir::error_code(EMFILE, asio::error::get_system_category())));
    BOOST_TEST((overslept == each.last));
}

BOOST_AUTO_TEST_CASE(an_alarm_that_cannot_be_set_throws_and_calls_nothing)
{
    hand_clock clock;
    int called = 0;
    clock.fail_next(1);
    const auto at = weir::time_point{} + 1s;
    BOOST_CHECK_THROW(weir::alarm(clock.executor(), at, [&] { ++called; }), weir::system_error);
    clock.fail_next(1);
    const auto call = [](void* count) { ++*static_cast<int*>(count); };
    BOOST_CHECK_THROW(weir::alarm(clock.executor(), at, +call, &called), weir::system_error);
    clock.advance_to(at);
    clock.context().run();
    BOOST_TEST(called == 0);
}

// Early is better than never.
BOOST_AUTO_TEST_CASE(an_alarm_that_is_lost_calls_at_once)
{
    hand_clock clock;
    int called = 0;
    const weir::alarm soon(clock.executor(), weir::time_point{} + 1s, [&] { ++called; });
    const weir::alarm later(clock.executor(), weir::time_point{} + 2s, [&] { ++called; });
    clock.fail_next(1);
    clock.advance_to(weir::time_point{} + 1s);
    clock.context().run();
    BOOST_TEST(called == 2);
}

BOOST_AUTO_TEST_CASE(a_deadline_that_has_passed_ends_what_would_wait_and_only_that)
{
    hand_clock clock;
    one_of_each each(clock);
    clock.advance_to(weir::time_point{} + 5s);
    each.taken.release();
    std::optional<weir::error_code> granted;
    each.limit.async_acquire_until(weir::time_point{} + 1s,
                                   [&](weir::error_code e, weir::permit p) {
                                       granted = e;
                                       each.taken = std::move(p);
                                   });
    clock.advance_to(weir::time_point{} + 5s);
    each.begin(weir::time_point{} + 1s);
    clock.advance_to(weir::time_point{} + 5s);
    clock.context().run();
    BOOST_TEST((granted == weir::error_code()));
    BOOST_TEST(each.ended == one_of_each::kinds);
    BOOST_TEST((each.last == weir::errc::timed_out));
    BOOST_TEST(each.limit.in_use() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
