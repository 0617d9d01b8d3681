#include <weir/sync/detail/count_core.hpp>

#include "explored_atomics.hpp"
#include "scope.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>

using weir::detail::wait_result;
using weir::test::every_order;
using weir::test::explorer;

BOOST_AUTO_TEST_SUITE(count_core)

using core = weir::detail::count_core<weir::test::explored_atomics>;

struct waiter final : core::node {
    void reached_zero() noexcept override
    {
        ++told;
        wake_up.post();
    }

    int told = 0;
    weir::test::explored_post wake_up;
};

struct scene {
    explicit scene(explorer& e) : run(e) {}

    explorer& run;
    core count;
    int inside = 0;
    bool closed = false;
    bool cancel = false;
};

void come_and_go(const std::shared_ptr<scene>& s)
{
    const bool closed_before = s->closed;
    if (!s->count.enter(1))
        return;
    s->run.check(!closed_before, "a thread entered after it was closed");
    ++s->inside;
    explorer::point();
    --s->inside;
    s->count.leave(1);
}

void wait(const std::shared_ptr<scene>& s, bool nobody_comes_again)
{
    waiter w;
    if (s->count.park(w) == wait_result::parked) {
        s->run.wait_until([&] { return w.told != 0 || s->cancel; });
        if (w.told == 0 && s->count.unpark(w))
            return;
        s->run.wait_until([&] { return w.told != 0; });
        w.wake_up.run();
    }
    s->run.check(w.told <= 1, "a waiter was woken twice");
    if (nobody_comes_again)
        s->run.check(s->inside == 0, "a waiter was woken though the gate is not empty");
}

BOOST_AUTO_TEST_CASE(two_come_and_go_and_one_waits)
{
    every_order("count: two come and go, two wait", [](explorer& e) {
        auto s = std::make_shared<scene>(e);
        for (int i = 0; i < 2; ++i)
            e.thread([s] { come_and_go(s); });
        for (int i = 0; i < 2; ++i)
            e.thread([s] { wait(s, false); });
        return [s] { s->run.check(s->count.count() == 0, "the count is wrong"); };
    });
}

BOOST_AUTO_TEST_CASE(a_gate_that_closes_is_empty_when_it_says_so)
{
    every_order("count: two come and go, one closes and waits", [](explorer& e) {
        auto s = std::make_shared<scene>(e);
        for (int i = 0; i < 2; ++i)
            e.thread([s] { come_and_go(s); });
        e.thread([s] {
            s->count.close();
            s->closed = true;
            wait(s, true);
        });
        return [s] { s->run.check(s->count.count() == 0, "the count is wrong"); };
    });
}

BOOST_AUTO_TEST_CASE(cancelled_waiters_wake_at_most_once_and_leave_the_count_right)
{
    every_order("count: one comes and goes, two wait, both cancelled", [](explorer& e) {
        auto s = std::make_shared<scene>(e);
        e.thread([s] { come_and_go(s); });
        for (int i = 0; i < 2; ++i)
            e.thread([s] { wait(s, false); });
        e.thread([s] { s->cancel = true; });
        return [s] { s->run.check(s->count.count() == 0, "the count is wrong"); };
    });
}

BOOST_AUTO_TEST_SUITE_END()
