#include <weir/sync/detail/count_core.hpp>
#include <weir/sync/detail/semaphore_core.hpp>

#include "timed_operation.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

// An operation in a line is granted, timed out or cancelled, by threads that know nothing of each
// other. One claim decides, and the operation goes when the last that may touch it has gone. (The
// channel's are in channel_deadlines.cpp.)

using weir::detail::acquire_result;
using weir::detail::wait_result;
using namespace weir::test;

BOOST_AUTO_TEST_SUITE(deadlines)

// ---- semaphore

using semaphore = weir::detail::semaphore_core<explored_atomics>;

class acquire final : public timed_operation, private semaphore::node {
public:
    acquire(stage& s, semaphore& core, std::size_t asked)
        : timed_operation(s), semaphore::node(asked), core_(core)
    {
    }

private:
    void begin() override
    {
        set_alarm();
        const acquire_result result = core_.park(*this);
        if (result != acquire_result::parked)
            settled(result);
    }

    void settled(acquire_result result) noexcept override
    {
        result_ = result == acquire_result::granted     ? ended::done
                  : result == acquire_result::timed_out ? ended::timed_out
                                                        : ended::closed;
        wake();
    }

    void cancelled() override
    {
        if (!core_.unpark(*this))
            return;
        result_ = ended::cancelled;
        wake();
    }

    bool leave_line() noexcept override
    {
        if (!core_.give_up(*this))
            return false;
        result_ = ended::timed_out;
        return true;
    }

    void resumed() override
    {
        if (alarm_is_out())
            complete();
    }

    semaphore& core_;
};

struct semaphore_scene {
    semaphore_scene(explorer& e, std::size_t limit) : at(e), core(limit)
    {
        e.check(core.try_acquire(1) == acquire_result::granted, "there was no room");
    }

    void run_executor(std::size_t weight)
    {
        if (at.run_executor() == ended::done)
            core.release(weight);
    }

    stage at;
    semaphore core;
};

void explore_acquire(const std::string& name, const endings& expected, begun where,
                     const std::function<void(explorer&, std::shared_ptr<semaphore_scene>)>& others)
{
    ends_each_way("semaphore 1, " + name, expected, [&](explorer& e) {
        auto s = std::make_shared<semaphore_scene>(e, 1);
        s->at.make<acquire>(s->core, 1);
        begin<semaphore_scene>(e, s, where, [](semaphore_scene& own) { own.run_executor(1); });
        others(e, s);
        return [s, &e] {
            e.check(s->core.in_use() == 0, "a permit was lost, or invented");
            e.check(s->core.waiters() == 0, "a node is still in line");
            return s->at.how();
        };
    });
}

BOOST_AUTO_TEST_CASE(an_acquire_ends_once_granted_or_timed_out_or_cancelled)
{
    explore_acquire("released, the time is over, cancelled", all_but_closed, begun::in_place,
                    [](explorer& e, const auto& s) {
                        e.thread([s] { s->at.cancel(); });
                        e.thread([s] { s->core.release(1); });
                    });
    explore_acquire("released, the time is over, begun elsewhere", done_or_late, begun::elsewhere,
                    [](explorer& e, const auto& s) { e.thread([s] { s->core.release(1); }); });
}

BOOST_AUTO_TEST_CASE(an_acquire_whose_time_is_over_before_it_stands_in_line_waits_for_nothing_else)
{
    explore_acquire("released afterwards, the time is over", {ended::timed_out}, begun::elsewhere,
                    [](explorer& e, const auto& s) {
                        e.thread([s, &e] {
                            e.wait_until([s] { return s->at.how() != ended::no; });
                            s->core.release(1);
                        });
                    });
}

BOOST_AUTO_TEST_CASE(an_acquire_ends_once_closed_or_timed_out)
{
    explore_acquire("closed, the time is over", {ended::closed, ended::timed_out}, begun::elsewhere,
                    [](explorer& e, const auto& s) {
                        e.thread([s] {
                            s->core.close();
                            s->core.release(1);
                        });
                    });
}

struct second_acquirer final : semaphore::node {
    second_acquirer() : semaphore::node(1) {}
    void settled(acquire_result result) noexcept override { how = result; }

    std::optional<acquire_result> how;
};

void explore_one_behind(const std::string& name, const endings& expected,
                        const std::function<void(semaphore_scene&, const second_acquirer&)>& other)
{
    ends_each_way("semaphore 2, one behind a head of 2, " + name, expected, [&](explorer& e) {
        auto s = std::make_shared<semaphore_scene>(e, 2);
        auto behind = std::make_shared<second_acquirer>();
        s->at.make<acquire>(s->core, 2);
        e.thread([s] { s->run_executor(2); });
        e.thread([s, behind] {
            s->at.start();
            if (s->core.park(*behind) == acquire_result::granted)
                behind->how = acquire_result::granted;
        });
        e.thread([s] { s->at.fire(); });
        e.thread([s, behind, other] { other(*s, *behind); });
        return [s, behind, &e] {
            e.check(behind->how == acquire_result::granted, "the one behind was not granted");
            e.check(s->core.in_use() == 1, "a permit was lost, or invented");
            e.check(s->core.waiters() == 0, "a node is still in line");
            return s->at.how();
        };
    });
}

// The head held it back. Whether that is granted or goes, the one behind it comes in.
BOOST_AUTO_TEST_CASE(an_acquirer_behind_a_head_whose_time_is_over_is_granted)
{
    explore_one_behind("released", done_or_late,
                       [](semaphore_scene& s, const auto&) { s.core.release(1); });
    explore_one_behind("released afterwards", {ended::timed_out},
                       [](semaphore_scene& s, const second_acquirer& behind) {
                           s.at.run.wait_until([&] { return behind.how.has_value(); });
                           s.core.release(1);
                       });
}

// ---- count

using count = weir::detail::count_core<explored_atomics>;

class wait_for_zero final : public timed_operation, private count::node {
public:
    wait_for_zero(stage& s, count& core) : timed_operation(s), core_(core) {}

private:
    void begin() override
    {
        set_alarm();
        const wait_result result = core_.park(*this);
        if (result == wait_result::parked)
            return;
        result_ = result == wait_result::zero ? ended::done : ended::timed_out;
        wake();
    }

    void reached_zero() noexcept override
    {
        result_ = ended::done;
        wake();
    }

    void cancelled() override
    {
        if (!core_.unpark(*this))
            return;
        result_ = ended::cancelled;
        wake();
    }

    bool leave_line() noexcept override
    {
        if (!core_.give_up(*this))
            return false;
        result_ = ended::timed_out;
        return true;
    }

    void resumed() override
    {
        if (alarm_is_out())
            complete();
    }

    count& core_;
};

struct count_scene {
    explicit count_scene(explorer& e) : at(e), core(1) { at.make<wait_for_zero>(core); }

    stage at;
    count core;
};

void explore_wait(const std::string& name, const endings& expected, begun where,
                  const std::function<void(explorer&, std::shared_ptr<count_scene>)>& others)
{
    ends_each_way("count 1, " + name, expected, [&](explorer& e) {
        auto s = std::make_shared<count_scene>(e);
        begin<count_scene>(e, s, where, [](count_scene& own) {
            if (own.at.run_executor() == ended::done)
                own.at.run.check(own.core.count() == 0, "it ended before the count was zero");
        });
        others(e, s);
        return [s] { return s->at.how(); };
    });
}

BOOST_AUTO_TEST_CASE(a_wait_ends_once_at_zero_or_timed_out_or_cancelled)
{
    explore_wait("left, the time is over, cancelled", all_but_closed, begun::in_place,
                 [](explorer& e, const auto& s) {
                     e.thread([s] { s->at.cancel(); });
                     e.thread([s] { s->core.leave(1); });
                 });
    explore_wait("left, the time is over, begun elsewhere", done_or_late, begun::elsewhere,
                 [](explorer& e, const auto& s) { e.thread([s] { s->core.leave(1); }); });
}

BOOST_AUTO_TEST_CASE(a_wait_whose_time_is_over_before_it_stands_in_line_waits_for_nothing_else)
{
    explore_wait("the time is over", {ended::timed_out}, begun::elsewhere,
                 [](explorer&, const auto&) {});
}

BOOST_AUTO_TEST_CASE(a_wait_ends_once_when_all_leave_or_timed_out)
{
    explore_wait("all leave, the time is over", done_or_late, begun::elsewhere,
                 [](explorer& e, const auto& s) { e.thread([s] { s->core.leave_all(); }); });
}

BOOST_AUTO_TEST_SUITE_END()
