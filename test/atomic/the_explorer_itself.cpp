#include "explored_atomics.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

using weir::test::bounds;
using weir::test::explored;
using weir::test::explored_atomic;
using weir::test::explored_mutex;
using weir::test::explored_plain;
using weir::test::explorer;

BOOST_AUTO_TEST_SUITE(the_explorer_itself)

// Waits for a value. `announce_first` is right: it sets the flag before it looks once more.
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
    BOOST_TEST(found.failure == "a thread waits forever");
    BOOST_TEST(!found.complete);
    explorer again(2, found.choices);
    auto told = std::make_shared<waiter>(false);
    const explored replayed = again.explore([](explorer& run) {
        auto w = std::make_shared<waiter>(false);
        run.thread([w, &run] { w->wait(run); });
        run.thread([w] { w->set(); });
        return [w] {};
    });
    BOOST_TEST(replayed.runs == 1U);
    BOOST_TEST(replayed.failure == found.failure);
}

BOOST_AUTO_TEST_CASE(one_that_cannot_be_lost_is_complete)
{
    const explored found = wait_and_set(true, 2);
    BOOST_TEST(found.failure == "");
    BOOST_TEST(found.complete);
    BOOST_TEST(found.runs > 5U);
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
    bounds all(10);
    all.merge = false;
    explorer e(all);
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
    BOOST_TEST(found.runs == 90U);
    BOOST_TEST(orders == 90U);
}

BOOST_AUTO_TEST_CASE(a_thread_that_pauses_forever_goes_round_in_circles)
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

constexpr const char* race = "plain data is used by two threads without an order";

// Data and what may protect it.
struct shared {
    explored_plain<int> data{0};
    explored_mutex mutex;
    explored_atomic<int> ready{0};
};

explored use(std::function<void(shared&)> one, std::function<void(shared&)> other)
{
    explorer e(2);
    return e.explore([=](explorer& run) {
        auto s = std::make_shared<shared>();
        run.thread([s, one] { one(*s); });
        run.thread([s, other] { other(*s); });
        return [s, &run] { run.check(s->data < 3, "what threads did is ordered at the end"); };
    });
}

const auto change = [](shared& s) { ++s.data; };
const auto read = [](shared& s) { (void)int(s.data); };

BOOST_AUTO_TEST_CASE(plain_data_without_an_order_is_found_in_the_first_schedule)
{
    for (const explored& found : {use(change, change), use(change, read), use(read, change)}) {
        BOOST_TEST(found.failure == race);
        BOOST_TEST(found.runs == 1U);
    }
    BOOST_TEST(use(read, read).failure == "");
}

BOOST_AUTO_TEST_CASE(a_lock_orders_plain_data_and_half_a_lock_does_not)
{
    const auto locked = [](shared& s) {
        std::lock_guard lock(s.mutex);
        change(s);
    };
    const explored found = use(locked, locked);
    BOOST_TEST(found.failure == "");
    BOOST_TEST(found.complete);
    BOOST_TEST(use(locked, change).failure == race);
    const auto unlocks_too_early = [](shared& s) {
        {
            std::lock_guard lock(s.mutex);
        }
        change(s);
    };
    BOOST_TEST(use(locked, unlocks_too_early).failure == race);
}

BOOST_AUTO_TEST_CASE(a_flag_orders_plain_data_when_it_is_released_and_acquired)
{
    const auto publish = [](std::memory_order order) {
        return [order](shared& s) {
            change(s);
            s.ready.store(1, order);
        };
    };
    const auto consume = [](std::memory_order order) {
        return [order](shared& s) {
            if (s.ready.load(order) != 0)
                change(s);
        };
    };
    const auto release = std::memory_order_release, acquire = std::memory_order_acquire,
               relaxed = std::memory_order_relaxed;
    BOOST_TEST(use(publish(release), consume(acquire)).failure == "");
    BOOST_TEST(use(publish(release), consume(relaxed)).failure == race);
    BOOST_TEST(use(publish(relaxed), consume(acquire)).failure == race);
    const auto too_late = [](shared& s) {
        s.ready.store(1);
        change(s);
    };
    BOOST_TEST(use(too_late, consume(acquire)).failure == race);
}

// A counter in between, changed by a third thread, still hands on what was published before.
BOOST_AUTO_TEST_CASE(a_change_of_an_atomic_keeps_the_order_that_a_store_begins)
{
    for (const bool changed : {true, false}) {
        explorer e(2);
        const explored found = e.explore([changed](explorer& run) {
            auto s = std::make_shared<shared>();
            run.thread([s] {
                change(*s);
                s->ready.store(1, std::memory_order_release);
            });
            run.thread([s, changed] {
                if (changed)
                    s->ready.fetch_add(1, std::memory_order_relaxed);
                else
                    s->ready.store(2, std::memory_order_relaxed);
            });
            run.thread([s] {
                if (s->ready.load(std::memory_order_acquire) == 2)
                    change(*s);
            });
            return [] {};
        });
        BOOST_TEST(found.failure == (changed ? "" : race));
    }
}

BOOST_AUTO_TEST_SUITE_END()
