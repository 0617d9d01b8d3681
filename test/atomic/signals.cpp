#include <weir/sync/detail/channel_core.hpp>
#include <weir/sync/detail/count_core.hpp>
#include <weir/sync/detail/semaphore_core.hpp>

#include "explored_atomics.hpp"
#include "scope.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <string>

// What a thread asks for, or is refused, it may use as a signal: what another thread did before it
// closed, set or released something can be used then. (A relaxed load orders nothing.)

using weir::detail::acquire_result;
using weir::detail::attempt_result;
using weir::test::every_order;
using weir::test::explored_atomics;
using weir::test::explored_plain;
using weir::test::explorer;

BOOST_AUTO_TEST_SUITE(signals)

using count_core = weir::detail::count_core<explored_atomics>;
using semaphore_core = weir::detail::semaphore_core<explored_atomics>;
using channel_core = weir::detail::channel_core<int, explored_atomics>;

// One thread prepares something and gives the signal; another looks for the signal and, when it is
// there, uses what was prepared.
template <class Core>
void is_seen_in_order(const std::string& name, std::function<std::shared_ptr<Core>()> make,
                      std::function<void(Core&)> give, std::function<bool(Core&)> look)
{
    bool seen = false;
    every_order("signal: " + name, [&](explorer& e) {
        auto c = make();
        auto prepared = std::make_shared<explored_plain<int>>(0);
        e.thread([c, prepared, give] {
            *prepared = 1;
            give(*c);
        });
        e.thread([c, prepared, look, &e, &seen] {
            if (!look(*c))
                return;
            seen = true;
            e.check(*prepared == 1, "the signal came before what it says");
        });
        return [] {};
    });
    BOOST_CHECK_MESSAGE(seen, name << ": the signal was never seen");
}

BOOST_AUTO_TEST_CASE(of_a_count)
{
    const auto one = [] { return std::make_shared<count_core>(1u); };
    const auto is_zero = [](count_core& c) { return c.count() == 0; };
    const auto close = [](count_core& c) { c.close(); };
    is_seen_in_order<count_core>(
        "an event is set", one, [](count_core& c) { c.leave_all(); }, is_zero);
    is_seen_in_order<count_core>(
        "the last has left", one, [](count_core& c) { c.leave(1); }, is_zero);
    is_seen_in_order<count_core>("a gate is closed", one, close,
                                 [](count_core& c) { return c.is_closed(); });
    is_seen_in_order<count_core>("a gate refuses", one, close,
                                 [](count_core& c) { return !c.enter(1); });
}

BOOST_AUTO_TEST_CASE(of_a_semaphore)
{
    const auto taken = [] {
        auto made = std::make_shared<semaphore_core>(1u);
        explorer::expect(made->try_acquire(1) == acquire_result::granted, "no room");
        return made;
    };
    const auto close = [](semaphore_core& s) { s.close(); };
    is_seen_in_order<semaphore_core>(
        "nothing is in use", taken, [](semaphore_core& s) { s.release(1); },
        [](semaphore_core& s) { return s.in_use() == 0; });
    is_seen_in_order<semaphore_core>(
        "a new limit", taken, [](semaphore_core& s) { s.resize(3); },
        [](semaphore_core& s) { return s.limit() == 3; });
    is_seen_in_order<semaphore_core>("a semaphore is closed", taken, close,
                                     [](semaphore_core& s) { return s.is_closed(); });
    is_seen_in_order<semaphore_core>("a semaphore refuses", taken, close, [](semaphore_core& s) {
        return s.try_acquire(1) == acquire_result::closed;
    });
}

BOOST_AUTO_TEST_CASE(of_a_channel)
{
    const auto close = [](channel_core& c) { c.close(); };
    for (const std::size_t capacity : {0u, 1u}) {
        const auto make = [capacity] { return std::make_shared<channel_core>(capacity); };
        const std::string name = "channel " + std::to_string(capacity);
        is_seen_in_order<channel_core>(name + " is closed", make, close,
                                       [](channel_core& c) { return c.is_closed(); });
        is_seen_in_order<channel_core>(name + " has ended", make, close,
                                       [](channel_core& c) { return c.is_ended(); });
        is_seen_in_order<channel_core>(name + " refuses", make, close, [](channel_core& c) {
            int value = 0;
            return c.try_push(value) == attempt_result::closed;
        });
    }
    const auto make = [] { return std::make_shared<channel_core>(1u); };
    const auto push = [](channel_core& c) {
        int value = 1;
        c.try_push(value);
    };
    is_seen_in_order<channel_core>("a channel holds a value", make, push,
                                   [](channel_core& c) { return c.size() == 1; });
    is_seen_in_order<channel_core>("a value was sent", make, push,
                                   [](channel_core& c) { return c.sent() == 1; });
}

BOOST_AUTO_TEST_SUITE_END()
