#include <weir/flow/histogram.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/run/cancel.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/event.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/alarm.hpp>

#include "support/simulation.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// What every handle does that can be moved: moved onto itself it keeps what it holds; moved away
// and back too; assigned over it lets go of what it held, once.

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(handles)

/// `holds(handle)`: what the handle stands for is there, and this is it. `held` says how many of
/// these there are.
template <class Handle>
void moves_safely(const std::string& name, std::function<Handle()> make,
                  std::function<bool(Handle&)> holds, std::function<std::size_t()> held = nullptr)
{
    BOOST_TEST_CONTEXT(name)
    {
        Handle first = make();
        const auto count = [&] { return held ? held() : 1; };
        const std::size_t one = count();
        BOOST_TEST(holds(first));
        Handle& same = first;
        first = std::move(same);
        BOOST_TEST(holds(first));
        BOOST_TEST(count() == one);
        Handle second = std::move(first);
        BOOST_TEST(holds(second));
        first = std::move(second);
        BOOST_TEST(holds(first));
        BOOST_TEST(count() == one);
        Handle other = make();
        first = std::move(other);
        BOOST_TEST(holds(first));
        BOOST_TEST(count() == one);
    }
}

BOOST_AUTO_TEST_CASE(of_sync)
{
    simulation s(1);
    weir::semaphore semaphore(s.a.get_executor(), 5);
    moves_safely<weir::permit>(
        "permit", [&] { return semaphore.try_acquire(); },
        [](weir::permit& p) { return p.weight() == 1; }, [&] { return semaphore.in_use(); });
    BOOST_TEST(semaphore.in_use() == 0U);

    weir::gate gate(s.a.get_executor());
    moves_safely<weir::pass>(
        "pass", [&] { return gate.try_enter(); },
        [](weir::pass& p) { return static_cast<bool>(p); }, [&] { return gate.inside(); });
    BOOST_TEST(gate.inside() == 0U);

    weir::channel<int> channel(s.a.get_executor(), 3);
    const auto reserved = [&] {
        std::vector<weir::channel_reservation<int>> free;
        while (auto one = channel.try_reserve())
            free.push_back(std::move(one));
        return 3 - free.size();
    };
    moves_safely<weir::channel_reservation<int>>(
        "channel_reservation", [&] { return channel.try_reserve(); },
        [](weir::channel_reservation<int>& r) { return static_cast<bool>(r); }, reserved);
    BOOST_TEST(reserved() == 0U);

    moves_safely<weir::event>(
        "event",
        [] {
            weir::event e;
            e.set();
            return e;
        },
        [](weir::event& e) { return e.is_set(); });
}

BOOST_AUTO_TEST_CASE(of_run)
{
    moves_safely<weir::cancel_source>(
        "cancel_source", [] { return weir::cancel_source(); },
        [](weir::cancel_source& c) { return c.token().can_be_cancelled(); });
    const weir::cancel_source source;
    moves_safely<weir::cancel_token>(
        "cancel_token", [&] { return source.token(); },
        [](weir::cancel_token& t) { return t.can_be_cancelled(); });
    // A link is bound to its slot's address.
    static_assert(!std::is_move_constructible_v<weir::cancel_link>);
    static_assert(!std::is_move_assignable_v<weir::cancel_link>);
}

BOOST_AUTO_TEST_CASE(an_alarm_moved_onto_itself_still_rings)
{
    simulation s(1);
    int rung = 0;
    weir::alarm first(s.a.get_executor(), weir::time_point() + 1s, [&] { ++rung; });
    weir::alarm& same = first;
    first = std::move(same);
    weir::alarm second = std::move(first);
    first = std::move(second);
    weir::alarm third(s.a.get_executor(), weir::time_point() + 2s, [&] { rung += 10; });
    third = weir::alarm(s.a.get_executor(), weir::time_point() + 3s, [&] { rung += 100; });
    s.run();
    BOOST_TEST(rung == 101);
}

BOOST_AUTO_TEST_CASE(of_flow)
{
    simulation s(1);
    weir::task_pool jobs(std::vector<asio::any_io_executor>{s.a.get_executor()},
                         weir::pool_options(1));
    const auto submit = [&] { return jobs.try_submit([] { return 7; }); };
    moves_safely<weir::task<int>>("task", submit,
                                  [](weir::task<int>& t) { return static_cast<bool>(t); });
    const auto outcome_of = [&] {
        weir::outcome<int> found;
        weir::task<int> job = submit();
        job.async_outcome([&](weir::error_code, weir::outcome<int> o) { found = std::move(o); });
        s.world.run();
        return found;
    };
    moves_safely<weir::outcome<int>>("outcome", outcome_of, [](weir::outcome<int>& o) {
        return o.status() == weir::status::ok && o.value() == 7;
    });
    moves_safely<weir::histogram>(
        "histogram",
        [] {
            weir::histogram h;
            h.add(1s);
            return h;
        },
        [](weir::histogram& h) { return h.count() == 1 && h.count_up_to(2s) == 1; });
}

BOOST_AUTO_TEST_SUITE_END()
