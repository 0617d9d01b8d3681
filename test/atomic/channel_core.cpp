#include <weir/sync/detail/channel_core.hpp>

#include "explored_atomics.hpp"
#include "scope.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using weir::detail::attempt_result;
using weir::test::every_order;
using weir::test::explored_atomics;
using weir::test::explorer;

BOOST_AUTO_TEST_SUITE(channel_core)

// Its memory is checked, too: the ring's slots are handed on without a lock.
using checked = weir::test::explored_plain<int>;
using core = weir::detail::channel_core<checked, explored_atomics>;

// What the operations in sync/detail/channel_operations.hpp do, on threads that wait by themselves.
struct scene {
    scene(explorer& e, std::size_t capacity) : run(e), channel(capacity) {}

    explorer& run;
    core channel;
    std::vector<int> sent, received, back;
    std::vector<bool> cancel = std::vector<bool>(6);
    int ends = 0;
};

using shared_scene = std::shared_ptr<scene>;

struct receiver final : core::receiver {
    void notified() noexcept override
    {
        twice = twice || told;
        told = true;
        wake_up.post();
    }

    bool told = false;
    bool twice = false;
    weir::test::explored_post wake_up;
};

struct sender final : core::sender {
    explicit sender(checked* what) : core::sender(what) {}
    void settled(attempt_result result) noexcept override
    {
        twice = how.has_value();
        how = result;
        wake_up.post();
    }

    std::optional<attempt_result> how;
    bool twice = false;
    weir::test::explored_post wake_up;
};

enum class got { something, end, cancelled };

got receive(const shared_scene& s, std::size_t me, std::size_t most)
{
    receiver r;
    core& channel = s->channel;
    bool counted = true;
    if (channel.park_unless_ready(r)) {
        s->run.wait_until([&] { return r.told || s->cancel[me]; });
        if (!r.told && channel.unpark(r)) {
            channel.notify();
            return got::cancelled;
        }
        s->run.wait_until([&] { return r.told; });
        r.wake_up.run();
    }
    for (;;) {
        if (counted)
            channel.woken();
        r.told = false;
        counted = true;
        attempt_result how = attempt_result::retry;
        while (how == attempt_result::retry && !s->cancel[me]) {
            how = channel.pop_or_park(r, most, [&](int&& v) { s->received.push_back(v); });
            if (how == attempt_result::retry)
                explorer::pause();
        }
        if (how == attempt_result::parked) {
            s->run.wait_until([&] { return r.told || s->cancel[me]; });
            if (!r.told && channel.unpark(r)) {
                channel.notify();
                return got::cancelled;
            }
            s->run.wait_until([&] { return r.told; });
            r.wake_up.run();
            continue;
        }
        channel.notify();
        s->run.check(!r.twice, "a receiver was notified twice");
        if (how == attempt_result::done)
            return got::something;
        if (how == attempt_result::retry)
            return got::cancelled;
        ++s->ends;
        return got::end;
    }
}

// Receives until the end of the stream, or until it is cancelled.
void receive_all(const shared_scene& s, std::size_t me, std::size_t most = 1)
{
    while (receive(s, me, most) == got::something) {
    }
}

attempt_result wait_as(const shared_scene& s, sender& node, std::size_t me)
{
    attempt_result how = attempt_result::retry;
    while (how == attempt_result::retry) {
        how = s->channel.push_or_park(node);
        if (how == attempt_result::retry)
            explorer::pause();
    }
    if (how == attempt_result::parked) {
        s->run.wait_until([&] { return node.how.has_value() || s->cancel[me]; });
        if (!node.how && s->channel.unpark(node))
            return attempt_result::full; // cancelled
        s->run.wait_until([&] { return node.how.has_value(); });
        node.wake_up.run();
        how = *node.how;
    }
    s->run.check(!node.twice, "a sender was settled twice");
    return how;
}

void send(const shared_scene& s, std::size_t me, int value)
{
    checked own = value;
    sender node(&own);
    const bool taken = wait_as(s, node, me) == attempt_result::done;
    (taken ? s->sent : s->back).push_back(value);
}

void try_send(const shared_scene& s, int value)
{
    checked own = value;
    const attempt_result how = s->channel.try_push(own);
    (how == attempt_result::done ? s->sent : s->back).push_back(value);
}

void try_send_all(const shared_scene& s, std::vector<int> values)
{
    std::vector<checked> own(values.begin(), values.end());
    const std::size_t count = s->channel.try_push_some(own.data(), own.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        (i < count ? s->sent : s->back).push_back(values[i]);
}

void reserve_and(const shared_scene& s, std::size_t me, std::optional<int> value)
{
    sender node(nullptr);
    if (wait_as(s, node, me) != attempt_result::done)
        return;
    explorer::point();
    if (!value)
        return s->channel.give_back();
    checked own = *value;
    s->channel.push_reserved(own);
    s->sent.push_back(*value);
}

// Sent = received + left, each once; nothing is left behind an end of stream, nor a wake-up.
void settle(const shared_scene& s)
{
    s->channel.try_pop(100, [&](int&& v) {
        s->received.push_back(v);
        s->run.check(s->ends == 0, "a value came after the end of the stream");
    });
    std::vector<int> in = s->sent, out = s->received;
    std::sort(in.begin(), in.end());
    std::sort(out.begin(), out.end());
    s->run.check(in == out, "what was received is not what was sent");
    s->run.check(s->channel.waiting_senders() == 0, "a sender is still in line");
    s->run.check(s->channel.waiting_receivers() == 0, "a receiver is still in line");
    for (std::size_t i = 0; i + 1 < s->received.size(); ++i) // those of one sender, in its order
        for (std::size_t j = i + 1; j < s->received.size(); ++j)
            s->run.check(s->received[i] / 10 != s->received[j] / 10 ||
                             s->received[i] < s->received[j] || s->ends > 1 ||
                             s->received.size() > 2,
                         "one sender's values changed places");
}

using threads = std::vector<std::function<void(const shared_scene&)>>;

void explore(const std::string& name, std::size_t capacity, const threads& bodies,
             unsigned preemptions = 2)
{
    every_order(
        "channel " + std::to_string(capacity) + ", " + name,
        [&](explorer& e) {
            auto s = std::make_shared<scene>(e, capacity);
            for (const auto& body : bodies)
                e.thread([s, body] { body(s); });
            return [s] { settle(s); };
        },
        preemptions);
}

const auto close_it = [](const shared_scene& s) { s->channel.close(); };

BOOST_AUTO_TEST_CASE(two_senders_two_receivers_and_a_closer)
{
    for (const std::size_t capacity : {0, 1, 2})
        explore("two senders, two receivers, closed", capacity,
                {[](const shared_scene& s) { send(s, 0, 10); },
                 [](const shared_scene& s) { send(s, 1, 20); },
                 [](const shared_scene& s) { receive_all(s, 2); },
                 [](const shared_scene& s) { receive_all(s, 3); }, close_it},
                1);
}

BOOST_AUTO_TEST_CASE(two_senders_and_one_receiver_or_the_reverse_and_a_closer)
{
    for (const std::size_t capacity : {0, 1, 2}) {
        explore("two senders, one receiver, closed", capacity,
                {[](const shared_scene& s) { send(s, 0, 10); },
                 [](const shared_scene& s) { send(s, 1, 20); },
                 [](const shared_scene& s) { receive_all(s, 2); }, close_it});
        explore("one sender, two receivers, closed", capacity,
                {[](const shared_scene& s) { send(s, 0, 10); },
                 [](const shared_scene& s) { receive_all(s, 2); },
                 [](const shared_scene& s) { receive_all(s, 3); }, close_it});
    }
}

BOOST_AUTO_TEST_CASE(one_sender_of_three_values_and_one_receiver)
{
    for (const std::size_t capacity : {0, 1, 2})
        explore("three values of one sender, closed after them", capacity,
                {[](const shared_scene& s) {
                     for (int i = 0; i < 3; ++i)
                         send(s, 0, 10 + i);
                     s->channel.close();
                 },
                 [](const shared_scene& s) { receive_all(s, 1); }});
}

BOOST_AUTO_TEST_CASE(several_at_once)
{
    for (const std::size_t capacity : {0, 1, 2})
        explore("three senders, one receives up to three, closed", capacity,
                {[](const shared_scene& s) { send(s, 0, 10); },
                 [](const shared_scene& s) { send(s, 1, 20); },
                 [](const shared_scene& s) { receive_all(s, 2, 3); }, close_it});
}

BOOST_AUTO_TEST_CASE(several_are_sent_at_once)
{
    for (const std::size_t capacity : {0, 1, 2, 3})
        explore("two and one sent at once, received, closed", capacity,
                {[](const shared_scene& s) {
                     try_send_all(s, {10, 11});
                 },
                 [](const shared_scene& s) { try_send_all(s, {20}); },
                 [](const shared_scene& s) { receive_all(s, 2); }, close_it});
    explore("two sent at once beside a reservation, closed", 2,
            {[](const shared_scene& s) {
                 try_send_all(s, {10, 11});
             },
             [](const shared_scene& s) { reserve_and(s, 1, 20); }, close_it});
    for (const std::size_t capacity : {2, 3})
        explore("several sent and several received at once", capacity,
                {[](const shared_scene& s) {
                     try_send_all(s, {10, 11});
                     try_send_all(s, {12, 13});
                     s->channel.close();
                 },
                 [](const shared_scene& s) { receive_all(s, 1, 2); }});
}

BOOST_AUTO_TEST_CASE(a_sender_or_a_receiver_gives_up)
{
    for (const std::size_t capacity : {0, 1}) {
        explore("a sender gives up", capacity,
                {[](const shared_scene& s) { send(s, 0, 10); },
                 [](const shared_scene& s) { send(s, 1, 20); },
                 [](const shared_scene& s) { receive(s, 2, 1); },
                 [](const shared_scene& s) {
                     s->cancel[0] = s->cancel[1] = true;
                     s->channel.close();
                 }});
        explore("a receiver gives up, the other takes the value", capacity,
                {[](const shared_scene& s) { send(s, 0, 10); },
                 [](const shared_scene& s) { receive_all(s, 1); },
                 [](const shared_scene& s) { receive_all(s, 2); },
                 [](const shared_scene& s) {
                     s->cancel[1] = true;
                     explorer::point();
                     s->channel.close();
                 }});
    }
}

// A wake-up whose context is destroyed: it is passed on.
void lose_the_wake_up(const shared_scene& s)
{
    receiver r;
    if (s->channel.park_unless_ready(r)) {
        s->run.wait_until([&] { return r.told || s->cancel[5]; });
        if (!r.told && s->channel.unpark(r))
            return;
        s->run.wait_until([&] { return r.told; });
        r.wake_up.run();
    }
    s->channel.woken();
    s->channel.notify();
}

BOOST_AUTO_TEST_CASE(a_wake_up_is_destroyed)
{
    for (const std::size_t capacity : {0, 1})
        explore("a wake-up is destroyed", capacity,
                {[](const shared_scene& s) { send(s, 0, 10); }, lose_the_wake_up,
                 [](const shared_scene& s) {
                     receive(s, 2, 1);
                     s->cancel[5] = true;
                     s->run.check(s->received.size() == 1, "the other did not get the value");
                 }});
}

BOOST_AUTO_TEST_CASE(try_calls_beside_waiters_lose_no_value)
{
    for (const std::size_t capacity : {0, 1, 2})
        explore("one sends and one takes without waiting, closed", capacity,
                {[](const shared_scene& s) { try_send(s, 10); },
                 [](const shared_scene& s) { send(s, 1, 20); },
                 [](const shared_scene& s) {
                     s->channel.try_pop(1, [&](int&& v) { s->received.push_back(v); });
                 },
                 [](const shared_scene& s) { receive_all(s, 3); }, close_it},
                1);
}

BOOST_AUTO_TEST_CASE(reservations)
{
    for (const std::size_t capacity : {1, 2}) {
        explore("one reserves and sends, one sends, closed", capacity,
                {[](const shared_scene& s) { reserve_and(s, 0, 10); },
                 [](const shared_scene& s) { send(s, 1, 20); },
                 [](const shared_scene& s) { receive_all(s, 2); }, close_it});
        explore("one reserves and gives back, one sends, closed", capacity,
                {[](const shared_scene& s) { reserve_and(s, 0, std::nullopt); },
                 [](const shared_scene& s) { send(s, 1, 20); },
                 [](const shared_scene& s) { receive_all(s, 2); }, close_it});
        explore("two reserve, one of them gives up", capacity,
                {[](const shared_scene& s) { reserve_and(s, 0, 10); },
                 [](const shared_scene& s) { reserve_and(s, 1, 20); },
                 [](const shared_scene& s) { receive(s, 2, 1); },
                 [](const shared_scene& s) {
                     s->cancel[1] = true;
                     explorer::point();
                     s->channel.close();
                 }});
    }
}

BOOST_AUTO_TEST_CASE(the_capacity_is_never_exceeded)
{
    for (const std::size_t capacity : {1, 2})
        every_order(
            "channel " + std::to_string(capacity) + ", a watcher of its size",
            [capacity](explorer& e) {
                auto s = std::make_shared<scene>(e, capacity);
                for (int i = 0; i < 2; ++i)
                    e.thread([s, i] { try_send(s, 10 * i + 10); });
                e.thread([s] { reserve_and(s, 2, 30); });
                e.thread([s] { receive(s, 3, 1); });
                e.thread([s, capacity] {
                    // Read from two words, so it may be more than there ever was at once;
                    // what stands in the ring when nothing moves may not.
                    s->run.wait_until([s] { return !s->received.empty(); });
                    std::size_t count = 0;
                    s->channel.try_pop(100, [&](int&& v) {
                        s->received.push_back(v);
                        ++count;
                    });
                    s->run.check(count <= capacity, "there was more than fits");
                    s->cancel[2] = true;
                });
                return [s] { settle(s); };
            },
            1);
}

// Also where the ring is larger than the capacity, and has to count from a tail that may be old.
BOOST_AUTO_TEST_CASE(try_push_never_reports_full_while_there_is_room)
{
    const auto must_send = [](const shared_scene& s, int value) {
        checked own = value;
        s->run.check(s->channel.try_push(own) == attempt_result::done,
                     "full, though there is room");
        s->sent.push_back(value);
    };
    const auto take_what_is_there = [](const shared_scene& s) {
        for (int i = 0; i < 2; ++i)
            s->channel.try_pop(1, [&](int&& v) { s->received.push_back(v); });
    };
    for (const std::size_t capacity : {2, 3, 5})
        explore("two send without waiting, one takes", capacity,
                {[&](const shared_scene& s) { must_send(s, 10); },
                 [&](const shared_scene& s) { must_send(s, 20); }, take_what_is_there});
    const auto must_send_two = [](const shared_scene& s, int value) {
        checked values[] = {value, value + 1};
        s->run.check(s->channel.try_push_some(values, 2) == 2, "full, though there is room");
        s->sent.insert(s->sent.end(), {value, value + 1});
    };
    for (const std::size_t capacity : {4, 5})
        explore("two send two each without waiting, one takes", capacity,
                {[&](const shared_scene& s) { must_send_two(s, 10); },
                 [&](const shared_scene& s) { must_send_two(s, 20); }, take_what_is_there});
}

// An operation that owns the channel, and gives it up when it is settled: then nothing else may be
// left of the call that parked it.
struct owning_sender final : core::sender {
    owning_sender(std::shared_ptr<core> shared, checked* what)
        : core::sender(what), channel(std::move(shared))
    {
    }
    void settled(attempt_result) noexcept override { channel.reset(); }

    std::shared_ptr<core> channel;
};

BOOST_AUTO_TEST_CASE(a_sender_that_is_settled_while_it_parks_uses_the_channel_no_more)
{
    for (const std::size_t capacity : {0u, 1u})
        every_order("channel " + std::to_string(capacity) +
                        ": one parks and another takes its value, and both give it up",
                    [capacity](explorer& e) {
                        auto memory = std::make_shared<std::shared_ptr<void>>();
                        auto channel = weir::test::given_back<core>(*memory, capacity);
                        auto first = std::make_shared<checked>(1);
                        auto second = std::make_shared<checked>(2);
                        if (capacity != 0)
                            e.check(channel->try_push(*first) == attempt_result::done, "no room");
                        auto node = std::make_shared<owning_sender>(channel, second.get());
                        e.thread([node, second] {
                            core& shared = *node->channel;
                            attempt_result how = attempt_result::retry;
                            while (how == attempt_result::retry) {
                                how = shared.push_or_park(*node);
                                explorer::pause();
                            }
                            if (how == attempt_result::done)
                                node->channel.reset();
                        });
                        e.thread([own = std::move(channel), first]() mutable {
                            // Not through the closure: what it owns must go here.
                            const std::shared_ptr<core> shared = std::move(own);
                            shared->try_pop(2, [](int&&) {});
                        });
                        return [node, memory] { node->channel.reset(); };
                    });
}

BOOST_AUTO_TEST_SUITE_END()
