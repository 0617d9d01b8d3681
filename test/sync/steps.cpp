#include <weir/sync/detail/channel_core.hpp>
#include <weir/sync/detail/count_core.hpp>
#include <weir/sync/detail/semaphore_core.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

// How much work the cores do with many waiters, in steps: accesses to what their lock protects. A
// call costs steps in proportion to the waiters it ends, and holds the lock for a bounded number of
// them: other threads spin on it.

namespace {

std::size_t steps = 0;        // in all
std::size_t longest_hold = 0; // of the lock, in steps

template <class T>
class counted_plain {
public:
    counted_plain() = default;
    counted_plain(T value) : value_(std::move(value)) {}
    counted_plain& operator=(T value)
    {
        ++steps;
        value_ = std::move(value);
        return *this;
    }
    operator T() const
    {
        ++steps;
        return value_;
    }
    T operator++() { return *this = *this + 1; }
    T operator--() { return *this = *this - 1; }

private:
    T value_{};
};

class counted_mutex {
public:
    void lock() { at_lock_ = steps; }
    void unlock() { longest_hold = std::max(longest_hold, steps - at_lock_); }

private:
    std::size_t at_lock_ = 0;
};

struct counted_atomics {
    template <class T>
    using atomic = std::atomic<T>;
    template <class T>
    using plain = counted_plain<T>;
    using mutex = counted_mutex;
    static constexpr std::size_t batch = 64;
    static void pause(unsigned) {}
};

constexpr std::size_t many = 20'000;
// The largest number of steps in one hold, and the number for each waiter in all.
constexpr std::size_t most_in_a_hold = 3'000;
constexpr std::size_t most_for_each = 200;

// Does something that ends or passes `many` waiters.
template <class Do>
void counts_steps(const std::string& what, Do work, std::size_t for_each = most_for_each)
{
    steps = 0;
    longest_hold = 0;
    work();
    BOOST_TEST_CONTEXT(what)
    {
        BOOST_TEST(steps > 0U);
        BOOST_TEST(steps <= for_each * many);
        BOOST_TEST(longest_hold <= most_in_a_hold);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(steps_of)

using semaphore = weir::detail::semaphore_core<counted_atomics>;
using weir::detail::acquire_result;

struct acquirer final : semaphore::node {
    acquirer(std::size_t w, std::size_t& how_many) : semaphore::node(w), ended(how_many) {}
    void settled(acquire_result) noexcept override { ++ended; }

    std::size_t& ended;
};

// A semaphore with `many` waiters in line.
struct line_of_acquirers {
    line_of_acquirers(std::size_t limit, std::size_t taken, std::size_t overtakers,
                      std::size_t first_weight, std::size_t weight)
        : core(limit, overtakers)
    {
        BOOST_TEST((core.try_acquire(taken) == acquire_result::granted));
        for (std::size_t i = 0; i < many; ++i)
            add(i == 0 ? first_weight : weight);
    }
    void add(std::size_t weight)
    {
        waiters.emplace_back(weight, ended);
        BOOST_TEST_REQUIRE((core.park(waiters.back()) == acquire_result::parked));
    }

    std::size_t ended = 0;
    semaphore core;
    std::deque<acquirer> waiters;
};

BOOST_AUTO_TEST_CASE(cancelled_acquirers_with_overtakers)
{
    for (const bool backwards : {false, true}) {
        line_of_acquirers line(10, 9, 1'000'000, 2, 2);
        counts_steps(backwards ? "from the back" : "from the front", [&] {
            for (std::size_t i = 0; i < many; ++i)
                BOOST_TEST_REQUIRE(line.core.unpark(line.waiters[backwards ? many - 1 - i : i]));
        });
        BOOST_TEST(line.core.waiters() == 0U);
        BOOST_TEST(line.ended == 0U);
    }
}

// One unit is released again and again, and the first in line waits for more.
BOOST_AUTO_TEST_CASE(releases_past_a_long_line)
{
    line_of_acquirers line(10, 9, 1'000'000, 3, 3);
    counts_steps("released", [&] {
        for (std::size_t i = 0; i < many; ++i) {
            BOOST_TEST_REQUIRE((line.core.try_acquire(1) != acquire_result::granted));
            line.core.release(1);
            acquirer light(1, line.ended);
            BOOST_TEST_REQUIRE((line.core.park(light) == acquire_result::granted));
        }
    });
    line.core.close();
}

BOOST_AUTO_TEST_CASE(a_semaphore_closed)
{
    line_of_acquirers line(10, 10, 0, 1, 1);
    counts_steps("closed", [&] { line.core.close(); });
    BOOST_TEST(line.ended == many);
}

BOOST_AUTO_TEST_CASE(a_semaphore_resized)
{
    line_of_acquirers widened(10, 10, 0, 1, 1);
    counts_steps("widened", [&] { widened.core.resize(2 * many); });
    BOOST_TEST(widened.ended == many);

    line_of_acquirers narrowed(10, 10, 0, 1, 5);
    counts_steps("narrowed", [&] { narrowed.core.resize(4); });
    BOOST_TEST(narrowed.ended == many - 1);
    BOOST_TEST(narrowed.core.waiters() == 1U);
    narrowed.core.close();

    line_of_acquirers kept(10, 10, 1, 1, 5);
    counts_steps("looked at", [&] { kept.core.resize(9); });
    BOOST_TEST(kept.ended == 0U);
    kept.core.close();
}

BOOST_AUTO_TEST_CASE(a_large_permit_released)
{
    line_of_acquirers line(many, many, 0, 1, 1);
    counts_steps("released", [&] { line.core.release(many); });
    BOOST_TEST(line.ended == many);
}

BOOST_AUTO_TEST_CASE(a_large_head_cancelled)
{
    line_of_acquirers line(2 * many, many, 0, 2 * many, 1);
    counts_steps("cancelled", [&] { BOOST_TEST(line.core.unpark(line.waiters.front())); });
    BOOST_TEST(line.ended == many - 1);
}

// ---- the cores of gate, wait_group and event

using count = weir::detail::count_core<counted_atomics>;

struct waiter final : count::node {
    explicit waiter(std::size_t& how_many) : ended(how_many) {}
    void reached_zero() noexcept override { ++ended; }

    std::size_t& ended;
};

BOOST_AUTO_TEST_CASE(a_count_at_zero)
{
    std::size_t ended = 0;
    count core(1);
    std::deque<waiter> waiters;
    for (std::size_t i = 0; i < many; ++i)
        BOOST_TEST_REQUIRE(
            (core.park(waiters.emplace_back(ended)) == weir::detail::wait_result::parked));
    counts_steps("at zero", [&] { core.leave(1); });
    BOOST_TEST(ended == many);
}

// ---- channels

using channel = weir::detail::channel_core<int, counted_atomics>;
using weir::detail::attempt_result;

struct sender final : channel::sender {
    sender(int* what, std::size_t& how_many) : channel::sender(what), ended(how_many) {}
    void settled(attempt_result) noexcept override { ++ended; }

    std::size_t& ended;
};

struct receiver final : channel::receiver {
    explicit receiver(std::size_t& how_many) : ended(how_many) {}
    void notified() noexcept override { ++ended; }

    std::size_t& ended;
};

struct line_of_senders {
    explicit line_of_senders(std::size_t capacity) : core(capacity)
    {
        for (std::size_t i = 0; i < capacity; ++i)
            BOOST_TEST_REQUIRE((core.try_push(value) == attempt_result::done));
        for (std::size_t i = 0; i < many; ++i) {
            senders.emplace_back(&value, ended);
            BOOST_TEST_REQUIRE((core.push_or_park(senders.back()) == attempt_result::parked));
        }
    }

    int value = 1;
    std::size_t ended = 0;
    channel core;
    std::deque<sender> senders;
};

BOOST_AUTO_TEST_CASE(a_channel_with_senders_closed)
{
    for (const std::size_t capacity : {0u, 1u}) {
        line_of_senders line(capacity);
        counts_steps("closed", [&] { line.core.close(); });
        BOOST_TEST(line.ended == many);
    }
}

BOOST_AUTO_TEST_CASE(many_values_received_at_once)
{
    line_of_senders line(many);
    std::size_t received = 0;
    counts_steps("received", [&] { line.core.try_pop(many, [&](int&&) { ++received; }); });
    BOOST_TEST(received == many);
    BOOST_TEST(line.ended == many);
    line.core.close();
}

struct line_of_receivers {
    explicit line_of_receivers(std::size_t capacity) : core(capacity)
    {
        for (std::size_t i = 0; i < many; ++i)
            BOOST_TEST_REQUIRE(core.park_unless_ready(receivers.emplace_back(ended)));
    }

    std::size_t ended = 0;
    channel core;
    std::deque<receiver> receivers;
};

BOOST_AUTO_TEST_CASE(a_channel_with_receivers_closed)
{
    line_of_receivers line(1);
    counts_steps("closed", [&] { line.core.close(); });
    BOOST_TEST(line.ended == many);
}

BOOST_AUTO_TEST_CASE(many_values_sent_at_once)
{
    line_of_receivers line(many);
    counts_steps("sent", [&] {
        const std::size_t sent = line.core.try_push_some(many, [](std::size_t) { return 1; });
        BOOST_TEST(sent == many);
    });
    BOOST_TEST(line.ended == many);
    line.core.close();
}

BOOST_AUTO_TEST_SUITE_END()
