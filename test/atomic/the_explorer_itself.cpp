#include "explorer.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>

using weir::test::explored;
using weir::test::explored_atomic;
using weir::test::explorer;

BOOST_AUTO_TEST_SUITE(the_explorer_itself)

// Waits for a value. `announce_first` is right: the flag is set before it looks once more.
struct waiter {
    explicit waiter(bool first) : announce_first(first) {}

    void wait(explorer& e)
    {
        if (value.load() != 0)
            return;
        if (announce_first) {
            waiting.store(1);
            if (value.load() != 0)
                return;
        } else {
            if (value.load() != 0)
                return;
            waiting.store(1);
        }
        e.wait_until([this] { return told; });
    }
    void set()
    {
        value.store(1);
        if (waiting.load() != 0)
            told = true;
    }

    const bool announce_first;
    explored_atomic<int> value;
    explored_atomic<int> waiting;
    bool told = false;
};

explored wait_and_set(bool announce_first, unsigned preemptions)
{
    explorer e(preemptions);
    return e.explore([announce_first](explorer& run) {
        auto w = std::make_shared<waiter>(announce_first);
        run.thread([w, &run] { w->wait(run); });
        run.thread([w] { w->set(); });
        return [w] {};
    });
}

BOOST_AUTO_TEST_CASE(a_wake_up_that_can_be_lost_is_found_and_replayed)
{
    const explored found = wait_and_set(false, 2);
    BOOST_TEST(found.failure == "a thread waits for ever");
    BOOST_TEST(!found.complete);
    explorer again(2, found.choices);
    auto told = std::make_shared<waiter>(false);
    const explored replayed = again.explore([](explorer& run) {
        auto w = std::make_shared<waiter>(false);
        run.thread([w, &run] { w->wait(run); });
        run.thread([w] { w->set(); });
        return [w] {};
    });
    BOOST_TEST(replayed.schedules == 1U);
    BOOST_TEST(replayed.failure == found.failure);
}

BOOST_AUTO_TEST_CASE(one_that_cannot_be_lost_is_complete)
{
    const explored found = wait_and_set(true, 2);
    BOOST_TEST(found.failure == "");
    BOOST_TEST(found.complete);
    BOOST_TEST(found.schedules > 5U);
}

BOOST_AUTO_TEST_CASE(a_lost_update_needs_one_preemption)
{
    for (const unsigned preemptions : {0U, 1U}) {
        explorer e(preemptions);
        const explored found = e.explore([](explorer& run) {
            auto count = std::make_shared<explored_atomic<int>>(0);
            for (int i = 0; i < 2; ++i)
                run.thread([count] { count->store(count->load() + 1); });
            return [count, &run] { run.check(count->load() == 2, "an update was lost"); };
        });
        BOOST_TEST(found.failure == (preemptions == 0 ? "" : "an update was lost"));
    }
}

BOOST_AUTO_TEST_CASE(every_order_of_three_threads_is_tried)
{
    explorer e(10);
    std::uint64_t orders = 0;
    const explored found = e.explore([&orders](explorer& run) {
        auto turns = std::make_shared<explored_atomic<int>>(0);
        for (int i = 0; i < 3; ++i)
            run.thread([turns] { turns->fetch_add(1); });
        ++orders;
        return [turns] {};
    });
    BOOST_TEST(found.complete);
    // Each thread has two pieces, before its access and from there: 6! / (2! 2! 2!).
    BOOST_TEST(found.schedules == 90U);
    BOOST_TEST(orders == 90U);
}

BOOST_AUTO_TEST_CASE(who_pauses_for_ever_goes_round_in_circles)
{
    explorer e(0);
    const explored found = e.explore([](explorer& run) {
        run.thread([] {
            for (;;)
                explorer::pause();
        });
        return [] {};
    });
    BOOST_TEST(found.failure == "it goes round in circles");
}

BOOST_AUTO_TEST_SUITE_END()
