#include <weir/sync/channel.hpp>

#include <weir/time/wait.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(channel)

using ints = weir::channel<int>;

// Nothing in it: a receive has to wait.
struct empty {
    explicit empty(asio::any_io_executor executor) : channel(std::make_unique<ints>(executor, 1)) {}
    template <class Handler>
    void begin(Handler handler)
    {
        channel->async_receive(std::move(handler));
    }

    std::unique_ptr<ints> channel;
};

// No room in it: a send has to wait.
struct full {
    explicit full(asio::any_io_executor executor) : channel(std::make_unique<ints>(executor, 1))
    {
        BOOST_TEST(bool(channel->try_send(1)));
    }
    template <class Handler>
    void begin(Handler handler)
    {
        channel->async_send(2, std::move(handler));
    }

    std::unique_ptr<ints> channel;
};

const auto start_receive = [](asio::any_io_executor executor) { return empty(executor); };
const auto finish_receive = [](empty& e) { BOOST_TEST(bool(e.channel->try_send(3))); };
const auto start_send = [](asio::any_io_executor executor) { return full(executor); };
const auto finish_send = [](full& f) { BOOST_TEST(f.channel->try_receive().value() == 1); };

BOOST_AUTO_TEST_CASE(a_receive_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start_receive, finish_receive);
}

BOOST_AUTO_TEST_CASE(a_send_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start_send, finish_send);
}

BOOST_AUTO_TEST_CASE(a_receive_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start_receive, finish_receive);
}

BOOST_AUTO_TEST_CASE(a_send_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start_send, finish_send);
}

BOOST_AUTO_TEST_CASE(a_cancelled_receive_takes_no_value)
{
    weir::test::ends_when_cancelled(start_receive,
                                    [](weir::error_code error, const std::optional<int>& value) {
                                        BOOST_TEST(error == asio::error::operation_aborted);
                                        BOOST_TEST(!value.has_value());
                                    });
}

BOOST_AUTO_TEST_CASE(a_cancelled_send_hands_the_value_back)
{
    weir::test::ends_when_cancelled(start_send, [](weir::send_result<int> result) {
        BOOST_TEST(result.error() == asio::error::operation_aborted);
        BOOST_TEST(result.value() == 2);
    });
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    weir::test::any_order_of_destruction_is_clean(start_receive);
    weir::test::any_order_of_destruction_is_clean(start_send);
}

BOOST_AUTO_TEST_CASE(values_come_out_in_the_order_they_went_in)
{
    for (const std::size_t capacity : {0, 1, 2, 3, 7, 8, 1024})
        in_many_orders(
            [capacity](simulation& s) {
                ints channel(s.a.get_executor(), capacity);
                std::vector<int> got;
                s.spawn(s.a, [&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 20; ++i) {
                        const auto sent = co_await channel.async_send(i);
                        BOOST_TEST(bool(sent));
                        BOOST_TEST(channel.size() <= capacity);
                    }
                    channel.close();
                });
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    while (auto value = co_await channel.async_receive())
                        got.push_back(*value);
                });
                s.run();
                BOOST_REQUIRE(got.size() == 20U);
                for (int i = 0; i < 20; ++i)
                    BOOST_TEST(got[static_cast<std::size_t>(i)] == i);
                BOOST_TEST(channel.sent() == 20U);
                BOOST_TEST(channel.is_ended());
            },
            40);
}

BOOST_AUTO_TEST_CASE(the_capacity_is_exact)
{
    simulation s(1);
    for (const std::size_t capacity : {1, 2, 3, 5, 8, 100}) {
        ints channel(s.a.get_executor(), capacity);
        BOOST_TEST(channel.capacity() == capacity);
        for (int round = 0; round < 3; ++round) {
            for (std::size_t i = 0; i < capacity; ++i)
                BOOST_TEST(bool(channel.try_send(1)));
            BOOST_TEST((channel.try_send(1).error() == weir::errc::full));
            BOOST_TEST(channel.size() == capacity);
            while (channel.try_receive()) {
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(without_a_buffer_a_send_waits_until_its_value_is_taken)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 0);
        BOOST_TEST((channel.try_send(1).error() == weir::errc::full)); // nobody there
        bool sent = false;
        channel.async_send(7, [&](weir::send_result<int> r) { sent = bool(r); });
        s.world.run();
        BOOST_TEST(!sent);
        BOOST_TEST(channel.try_receive().value() == 7);
        s.world.run();
        BOOST_TEST(sent);
        // A receiver that waits can be given a value without waiting.
        std::optional<int> got;
        channel.async_receive([&](weir::error_code, std::optional<int> v) { got = v; });
        s.world.run();
        BOOST_TEST(bool(channel.try_send(8)));
        s.run();
        BOOST_TEST(got.value() == 8);
    });
}

BOOST_AUTO_TEST_CASE(close_delivers_what_is_buffered_and_hands_back_what_is_not)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 2);
        BOOST_TEST(bool(channel.try_send(1)));
        BOOST_TEST(bool(channel.try_send(2)));
        std::optional<int> back;
        weir::error_code error;
        channel.async_send(3, [&](weir::send_result<int> r) {
            error = r.error();
            back = r.value();
        });
        channel.close();
        s.world.run();
        BOOST_TEST((error == weir::errc::closed));
        BOOST_TEST(back.value() == 3);
        BOOST_TEST((channel.try_send(4).error() == weir::errc::closed));
        std::vector<int> got;
        s.spawn([&]() -> asio::awaitable<void> {
            while (auto value = co_await channel.async_receive())
                got.push_back(*value);
        });
        s.run();
        BOOST_TEST(got == (std::vector<int>{1, 2}), boost::test_tools::per_element());
        channel.close(); // any number of times
    });
}

BOOST_AUTO_TEST_CASE(close_wakes_receivers_with_the_end_of_the_stream)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 2);
        int ends = 0;
        for (auto* where : {&s.a, &s.b})
            s.spawn(*where, [&]() -> asio::awaitable<void> {
                const auto got = co_await channel.async_receive();
                ends += got ? 0 : 1;
            });
        s.world.run();
        channel.close();
        s.run();
        BOOST_TEST(ends == 2);
    });
}

BOOST_AUTO_TEST_CASE(destroying_it_is_closing_it_and_what_is_left_goes_to_the_hook)
{
    in_many_orders([](simulation& s) {
        std::vector<int> lost;
        std::optional<int> back;
        auto channel = std::make_unique<ints>(s.a.get_executor(), 2,
                                              [&](int&& value) { lost.push_back(value); });
        BOOST_TEST(bool(channel->try_send(1)));
        BOOST_TEST(bool(channel->try_send(2)));
        channel->async_send(3, [&](weir::send_result<int> r) { back = r.value(); });
        channel.reset();
        s.run();
        BOOST_TEST(lost == (std::vector<int>{1, 2}), boost::test_tools::per_element());
        BOOST_TEST(back.value() == 3);
    });
}

BOOST_AUTO_TEST_CASE(a_value_whose_sender_is_destroyed_goes_to_the_hook)
{
    weir::sim::world w(1);
    weir::sim::context b(w);
    std::vector<int> lost;
    ints channel(b.get_executor(), 1, [&](int&& value) { lost.push_back(value); });
    BOOST_TEST(bool(channel.try_send(1)));
    {
        weir::sim::context a(w);
        channel.async_send(2, asio::bind_executor(a.get_executor(), [](weir::send_result<int>) {}));
        w.run();
    }
    BOOST_TEST(lost == (std::vector<int>{2}), boost::test_tools::per_element());
    BOOST_TEST(channel.waiting_senders() == 0U);
}

BOOST_AUTO_TEST_CASE(a_wake_up_that_is_destroyed_wakes_the_next)
{
    weir::sim::world w(1);
    auto a = std::make_unique<weir::sim::context>(w);
    weir::sim::context b(w);
    ints channel(b.get_executor(), 1);
    std::optional<int> got;
    const auto keep = [&](weir::error_code, std::optional<int> v) { got = v; };
    channel.async_receive(asio::bind_executor(a->get_executor(), keep));
    channel.async_receive(asio::bind_executor(b.get_executor(), keep));
    w.run();
    BOOST_TEST(bool(channel.try_send(5))); // wakes the first, on a
    a.reset();
    w.run();
    BOOST_TEST(got.value() == 5);
}

BOOST_AUTO_TEST_CASE(a_receiver_cancelled_after_it_was_woken_passes_the_wake_on)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 1);
        asio::cancellation_signal signal;
        std::optional<int> first, second;
        channel.async_receive(asio::bind_cancellation_slot(
            signal.slot(), [&](weir::error_code, std::optional<int> v) { first = v; }));
        channel.async_receive([&](weir::error_code, std::optional<int> v) { second = v; });
        s.world.run();
        BOOST_TEST(bool(channel.try_send(5)));
        signal.emit(asio::cancellation_type::total);
        s.world.run();
        BOOST_TEST(!first.has_value());
        BOOST_TEST(second.value() == 5);
    });
}

BOOST_AUTO_TEST_CASE(a_value_need_not_copy_nor_have_a_default)
{
    struct only_moves {
        explicit only_moves(int n) : value(std::make_unique<int>(n)) {}
        std::unique_ptr<int> value;
    };
    simulation s(1);
    weir::channel<only_moves> channel(s.a.get_executor(), 2);
    only_moves kept(1);
    BOOST_TEST(bool(channel.try_send(only_moves(0))));
    BOOST_TEST(bool(channel.try_send(only_moves(0))));
    BOOST_TEST(!channel.try_send(std::move(kept)));
    BOOST_TEST(*kept.value == 1); // moved from only when it was sent
    BOOST_TEST(*channel.try_receive()->value == 0);
    s.spawn([&]() -> asio::awaitable<void> {
        const auto sent = co_await channel.async_emplace(5);
        BOOST_TEST(bool(sent));
    });
    s.run();
}

BOOST_AUTO_TEST_CASE(batches_take_what_is_there)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 4);
    std::vector<int> values = {1, 2, 3, 4, 5, 6};
    BOOST_TEST(channel.try_send_n(values) == 4U);
    std::vector<int> got;
    BOOST_TEST(channel.try_receive_n(got, 3) == 3U);
    BOOST_TEST(channel.try_receive_n(got, 100) == 1U);
    BOOST_TEST(channel.try_receive_n(got, 100) == 0U);
    BOOST_TEST(got == (std::vector<int>{1, 2, 3, 4}), boost::test_tools::per_element());
}

std::vector<int> all_of(ints& channel)
{
    std::vector<int> got;
    while (auto value = channel.try_receive())
        got.push_back(*value);
    return got;
}

// Of 3, where the ring is larger than the capacity and has to count; of 4, where it has not.
BOOST_AUTO_TEST_CASE(a_batch_fills_the_room_there_is_and_no_more)
{
    simulation s(1);
    for (const int capacity : {3, 4}) {
        ints channel(s.a.get_executor(), static_cast<std::size_t>(capacity));
        int next = 0;
        int expected = 0;
        for (int inside = 0; inside <= capacity; ++inside) { // the ring's ends come by
            for (int i = 0; i < inside; ++i)
                BOOST_TEST(bool(channel.try_send(next++)));
            std::vector<int> values;
            for (int i = 0; i < 6; ++i)
                values.push_back(next + i);
            const auto room = static_cast<std::size_t>(capacity - inside);
            BOOST_TEST(channel.try_send_n(values) == room);
            next += capacity - inside;
            BOOST_TEST(channel.size() == static_cast<std::size_t>(capacity));
            for (const int value : all_of(channel))
                BOOST_TEST(value == expected++);
            BOOST_TEST(expected == next);
        }
        BOOST_TEST(channel.sent() == static_cast<std::uint64_t>(next));
        std::vector<int> none;
        BOOST_TEST(channel.try_send_n(none) == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_batch_leaves_reserved_places_free_and_overtakes_nobody)
{
    simulation s(1);
    for (const std::size_t capacity : {3, 4}) {
        ints channel(s.a.get_executor(), capacity);
        auto place = channel.try_reserve();
        std::vector<int> values = {1, 2, 3, 4, 5};
        BOOST_TEST(channel.try_send_n(values) == capacity - 1);
        place.send(10);
        s.spawn([&]() -> asio::awaitable<void> {
            const auto sent = co_await channel.async_send(20);
            BOOST_TEST(bool(sent));
        });
        s.world.run(); // it waits for room
        std::vector<int> more = {30, 31};
        BOOST_TEST(channel.try_send_n(more) == 0U);
        BOOST_TEST(channel.try_receive().value() == 1); // and its value comes in
        BOOST_TEST(channel.try_send_n(more) == 0U);
        BOOST_TEST(channel.try_receive().value() == 2);
        BOOST_TEST(channel.try_send_n(more) == 1U);
        s.run();
        const std::vector<int> rest = all_of(channel);
        BOOST_REQUIRE(rest.size() == capacity);
        BOOST_TEST(rest[capacity - 3] == 10);
        BOOST_TEST(rest[capacity - 2] == 20);
        BOOST_TEST(rest[capacity - 1] == 30);
    }
}

BOOST_AUTO_TEST_CASE(a_batch_is_not_taken_in_after_close)
{
    simulation s(1);
    weir::channel<std::unique_ptr<int>> channel(s.a.get_executor(), 4);
    std::vector<std::unique_ptr<int>> values(2);
    values[0] = std::make_unique<int>(7);
    channel.close();
    BOOST_TEST(channel.try_send_n(values) == 0U);
    BOOST_REQUIRE(values[0]);
    BOOST_TEST(channel.is_ended());
}

BOOST_AUTO_TEST_CASE(a_batch_wakes_a_receiver_for_each_value)
{
    in_many_orders([](simulation& s) {
        for (const std::size_t capacity : {0, 3, 4}) {
            ints channel(s.a.get_executor(), capacity);
            std::vector<int> got;
            for (int i = 0; i < 3; ++i)
                s.spawn(i % 2 == 0 ? s.a : s.b, [&]() -> asio::awaitable<void> {
                    const auto value = co_await channel.async_receive();
                    got.push_back(value.value());
                });
            s.world.run();
            std::vector<int> values = {1, 2, 3};
            // Without a buffer, one value is on its way from hand to hand at a time.
            for (std::size_t sent = 0; sent < 3;) {
                const std::size_t count = channel.try_send_n(std::span(values).subspan(sent));
                BOOST_TEST(count == (capacity == 0 ? 1U : 3U));
                sent += count;
                s.world.run();
            }
            s.run();
            std::sort(got.begin(), got.end());
            BOOST_TEST(got == values, boost::test_tools::per_element());
            BOOST_TEST(channel.try_send_n(values) == std::min<std::size_t>(capacity, 3));
        }
    });
}

BOOST_AUTO_TEST_CASE(a_batch_that_has_no_room_makes_it_where_the_rule_is_to_drop)
{
    simulation s(1);
    for (const auto rule :
         {weir::overflow::reject, weir::overflow::drop_oldest, weir::overflow::drop_newest}) {
        std::vector<int> lost;
        ints channel(s.a.get_executor(), 2, rule, [&lost](int&& v) { lost.push_back(v); });
        std::vector<int> values = {1, 2, 3, 4};
        const std::size_t sent = channel.try_send_n(values);
        const std::vector<int> rest = all_of(channel);
        const bool keeps_the_first = rule != weir::overflow::drop_oldest;
        BOOST_TEST(sent == (rule == weir::overflow::reject ? 2U : 4U));
        BOOST_TEST(rest == (keeps_the_first ? std::vector<int>{1, 2} : std::vector<int>{3, 4}),
                   boost::test_tools::per_element());
        if (rule != weir::overflow::reject)
            BOOST_TEST(lost == (keeps_the_first ? std::vector<int>{3, 4} : std::vector<int>{1, 2}),
                       boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(parked_senders_come_in_as_room_appears_and_nobody_overtakes)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 1);
        BOOST_TEST(bool(channel.try_send(0)));
        int settled = 0;
        for (int i = 1; i <= 3; ++i)
            channel.async_send(i, [&](weir::send_result<int> r) { settled += r ? 1 : 0; });
        BOOST_TEST(channel.waiting_senders() == 3U);
        for (int i = 0; i <= 3; ++i) {
            BOOST_TEST(!channel.try_send(9));
            BOOST_TEST(channel.try_receive().value() == i);
            s.world.run();
            BOOST_TEST(settled == std::min(i + 1, 3));
        }
        s.run();
    });
}

// Law 2 as a sum: sent = received + handed back + hook + still buffered, under cancels and close at
// random.
BOOST_AUTO_TEST_CASE(nothing_is_lost_and_nothing_comes_twice)
{
    for (const std::size_t capacity : {0, 1, 2, 3})
        in_many_orders(
            [capacity](simulation& s) {
                std::vector<int> seen(40, 0);
                int sent = 0, back = 0, hooked = 0, cut_short = 0;
                auto channel = std::make_unique<ints>(s.a.get_executor(), capacity, [&](int&& v) {
                    ++hooked;
                    ++seen[static_cast<std::size_t>(v)];
                });
                const auto token = asio::as_tuple(asio::use_awaitable);
                std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
                std::vector<bool> started; // Boost 1.81 loses a coroutine cancelled before that
                const auto spawn = [&](weir::sim::context& where, auto body) {
                    started.push_back(false);
                    signals.push_back(std::make_unique<asio::cancellation_signal>());
                    asio::co_spawn(
                        where.get_executor(), std::move(body),
                        asio::bind_cancellation_slot(signals.back()->slot(),
                                                     [&](std::exception_ptr) { ++cut_short; }));
                };
                for (int sender = 0; sender < 4; ++sender)
                    spawn(sender % 2 == 0 ? s.a : s.b, [&, sender]() -> asio::awaitable<void> {
                        started[static_cast<std::size_t>(sender)] = true;
                        for (int i = 0; i < 10; ++i) {
                            const int value = sender * 10 + i;
                            const auto result = co_await channel->async_send(value, token);
                            if (std::get<0>(result)) {
                                ++sent;
                            } else {
                                ++back;
                                ++seen[static_cast<std::size_t>(value)];
                            }
                        }
                    });
                for (int receiver = 0; receiver < 3; ++receiver)
                    spawn(receiver % 2 == 0 ? s.a : s.b, [&, receiver]() -> asio::awaitable<void> {
                        started[static_cast<std::size_t>(4 + receiver)] = true;
                        for (;;) {
                            const auto got = co_await channel->async_receive(token);
                            if (std::get<0>(got) || !std::get<1>(got))
                                break;
                            ++seen[static_cast<std::size_t>(*std::get<1>(got))];
                        }
                    });
                std::mt19937_64 random(s.world.seed());
                for (int step = 0; s.world.run_one(); ++step) {
                    const std::size_t victim = random() % signals.size();
                    if (random() % 60 == 0 && started[victim])
                        signals[victim]->emit(asio::cancellation_type::terminal);
                    if (step == static_cast<int>(150 + random() % 50))
                        channel->close();
                }
                channel->close();
                s.world.run();
                channel.reset(); // what is buffered goes to the hook
                for (const int count : seen)
                    BOOST_TEST(count <= 1);
                int accounted = 0;
                for (const int count : seen)
                    accounted += count;
                BOOST_TEST(sent <= accounted);
                BOOST_TEST(accounted == sent + back);
                BOOST_TEST(cut_short == 7);
                BOOST_TEST(s.world.outstanding() == 0U);
            },
            300);
}

BOOST_AUTO_TEST_CASE(any_kind_of_handler_will_do)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 1);
    int calls = 0;
    asio::any_completion_handler<void(weir::error_code, std::optional<int>)> erased =
        [&](weir::error_code error, std::optional<int> v) { calls += !error && v == 4 ? 1 : 0; };
    channel.async_receive(std::move(erased));
    asio::any_completion_handler<void(weir::send_result<int>)> erased_send =
        [&](weir::send_result<int> r) { calls += r ? 1 : 0; };
    channel.async_send(4, std::move(erased_send));
    s.run();
    BOOST_TEST(calls == 2);
}

// ---- receiving several

BOOST_AUTO_TEST_CASE(several_are_received_at_once_and_the_end_is_zero)
{
    for (const std::size_t capacity : {0, 1, 3, 8})
        in_many_orders(
            [capacity](simulation& s) {
                ints channel(s.a.get_executor(), capacity);
                std::vector<int> got;
                s.spawn(s.a, [&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 20; ++i)
                        BOOST_TEST(bool(co_await channel.async_send(i)));
                    channel.close();
                });
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    for (;;) {
                        const std::size_t before = got.size();
                        const std::size_t n = co_await channel.async_receive_some(got, 3);
                        BOOST_TEST(n == got.size() - before);
                        BOOST_TEST(n <= 3U);
                        if (n == 0)
                            break;
                    }
                });
                s.run();
                BOOST_REQUIRE(got.size() == 20U);
                for (int i = 0; i < 20; ++i)
                    BOOST_TEST(got[static_cast<std::size_t>(i)] == i);
            },
            60);
}

// ---- what to do when there is no room

BOOST_AUTO_TEST_CASE(a_full_channel_that_rejects_hands_the_value_back)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 1, weir::overflow::reject);
    s.spawn([&]() -> asio::awaitable<void> {
        BOOST_TEST(bool(co_await channel.async_send(1)));
        const auto second = co_await channel.async_send(2);
        BOOST_TEST((second.error() == weir::errc::full));
    });
    s.run();
    BOOST_TEST((channel.try_send(3).error() == weir::errc::full));
    BOOST_TEST(channel.try_receive().value() == 1);
}

BOOST_AUTO_TEST_CASE(the_oldest_or_the_newest_is_dropped_and_goes_to_the_hook)
{
    using weir::overflow;
    for (const overflow rule : {overflow::drop_oldest, overflow::drop_newest}) {
        simulation s(1);
        std::vector<int> dropped, got;
        ints channel(s.a.get_executor(), 2, rule, [&](int&& v) { dropped.push_back(v); });
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 3; ++i)
                BOOST_TEST(bool(co_await channel.async_send(i)));
            BOOST_TEST(bool(channel.try_send(3)));
            channel.close();
            while (auto value = co_await channel.async_receive())
                got.push_back(*value);
        });
        s.run();
        const std::vector<int> first{0, 1}, last{2, 3};
        BOOST_TEST(got == (rule == overflow::drop_oldest ? last : first));
        BOOST_TEST(dropped == (rule == overflow::drop_oldest ? first : last));
        BOOST_TEST(channel.sent() == 4U);
    }
}

BOOST_AUTO_TEST_CASE(with_nothing_to_drop_the_value_that_came_is_dropped)
{
    simulation s(1);
    std::vector<int> dropped;
    const auto keep = [&](int&& v) { dropped.push_back(v); };
    ints none(s.a.get_executor(), 0, weir::overflow::drop_oldest, keep);
    BOOST_TEST(bool(none.try_send(1)));
    ints reserved(s.a.get_executor(), 1, weir::overflow::drop_oldest, keep);
    auto place = reserved.try_reserve();
    BOOST_TEST(bool(place));
    BOOST_TEST(bool(reserved.try_send(2)));
    place.send(3);
    BOOST_TEST(reserved.try_receive().value() == 3);
    BOOST_TEST((dropped == std::vector<int>{1, 2}));
}

// ---- deadlines

BOOST_AUTO_TEST_CASE(a_receive_past_its_deadline_takes_no_value)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 1);
        int received = 0, timed_out = 0;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            for (;;) {
                const auto at = weir::now(s.a.get_executor()) + 1s;
                auto receive = channel.async_receive_until(at, asio::as_tuple(asio::use_awaitable));
                const auto result = co_await std::move(receive);
                if (std::get<0>(result))
                    BOOST_TEST((std::get<0>(result) == weir::errc::timed_out));
                else if (!std::get<1>(result))
                    break;
                ++(std::get<0>(result) ? timed_out : received);
            }
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 5; ++i) { // at the very moment of a deadline
                co_await weir::async_sleep_for(s.b.get_executor(), 2s);
                BOOST_TEST(bool(channel.try_send(1)));
            }
            channel.close();
        });
        s.run();
        BOOST_TEST(received == 5); // none went to a receive that had given up
        BOOST_TEST(timed_out >= 5);
    });
}

BOOST_AUTO_TEST_CASE(a_send_past_its_deadline_hands_the_value_back)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 1);
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(co_await channel.async_send(1)));
            const auto at = weir::now(s.a.get_executor()) + 1s;
            const auto late = co_await channel.async_send_until(at, 2);
            BOOST_TEST((late.error() == weir::errc::timed_out));
            BOOST_TEST(channel.waiting_senders() == 0U);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 1s));
        BOOST_TEST(channel.sent() == 1U);
    });
}

// ---- reservations

BOOST_AUTO_TEST_CASE(a_reserved_place_is_kept_from_the_others)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 2);
    auto place = channel.try_reserve();
    BOOST_TEST(bool(place));
    BOOST_TEST(bool(channel.try_send(1)));
    BOOST_TEST((channel.try_send(2).error() == weir::errc::full));
    BOOST_TEST(!channel.try_reserve());
    place.send(3);
    BOOST_TEST(!place);
    BOOST_TEST((channel.try_send(4).error() == weir::errc::full));
    BOOST_TEST(channel.try_receive().value() == 1);
    BOOST_TEST(channel.try_receive().value() == 3);
    place = channel.try_reserve();
    place.release();
    BOOST_TEST(bool(channel.try_send(5)));
    BOOST_TEST(bool(channel.try_send(6)));
}

BOOST_AUTO_TEST_CASE(a_reservation_made_before_close_may_still_send_and_the_end_waits_for_it)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 1);
        std::vector<int> got;
        bool ended = false;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            auto place = co_await channel.async_reserve();
            channel.close();
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            BOOST_TEST(!ended);
            BOOST_TEST(!channel.is_ended());
            place.send(7);
        });
        for (int i = 0; i < 2; ++i)
            s.spawn(s.b, [&]() -> asio::awaitable<void> {
                while (auto value = co_await channel.async_receive())
                    got.push_back(*value);
                ended = true;
            });
        s.run();
        BOOST_TEST(ended);
        BOOST_TEST((got == std::vector<int>{7} || got.empty())); // closed before it was reserved
        BOOST_TEST(channel.sent() == got.size());
    });
}

BOOST_AUTO_TEST_CASE(the_end_comes_when_a_reservation_is_given_back_after_close)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 3);
        auto place = channel.try_reserve();
        channel.close();
        BOOST_TEST(!channel.try_reserve());
        bool ended = false;
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            BOOST_TEST(!(co_await channel.async_receive()).has_value());
            ended = true;
        });
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            BOOST_TEST(!ended);
            place.release();
        });
        s.run();
        BOOST_TEST(ended);
    });
}

BOOST_AUTO_TEST_CASE(reserving_waits_in_line_with_sending)
{
    for (const std::size_t capacity : {1, 2, 3})
        in_many_orders([capacity](simulation& s) {
            ints channel(s.a.get_executor(), capacity);
            std::vector<int> got;
            int senders = 4;
            const auto over = [&] {
                if (--senders == 0)
                    channel.close();
            };
            for (int who = 0; who < 4; ++who)
                s.spawn(who % 2 == 0 ? s.a : s.b, [&, who]() -> asio::awaitable<void> {
                    for (int i = 0; i < 5; ++i) {
                        if (who < 2) {
                            auto place = co_await channel.async_reserve();
                            if (i == 3)
                                continue; // given back
                            co_await weir::async_sleep_for(s.a.get_executor(), 1ms);
                            place.send(10 * who + i);
                        } else {
                            BOOST_TEST(bool(co_await channel.async_send(10 * who + i)));
                        }
                        BOOST_TEST(channel.size() <= capacity);
                    }
                    over();
                });
            s.spawn(s.b, [&]() -> asio::awaitable<void> {
                while (auto value = co_await channel.async_receive())
                    got.push_back(*value);
            });
            s.run();
            BOOST_TEST(got.size() == 18U);
            for (int who = 0; who < 4; ++who) { // each sender's own order
                int last = -1;
                for (const int value : got)
                    if (value / 10 == who) {
                        BOOST_TEST(value > last);
                        last = value;
                    }
            }
        });
}

// Every place is reserved: a reservation has to wait.
struct all_reserved {
    explicit all_reserved(asio::any_io_executor executor)
        : channel(std::make_unique<ints>(executor, 1)), place(channel->try_reserve())
    {
    }
    template <class Handler>
    void begin(Handler handler)
    {
        channel->async_reserve(std::move(handler));
    }

    std::unique_ptr<ints> channel;
    ints::reservation place;
};

const auto start_reserve = [](asio::any_io_executor executor) { return all_reserved(executor); };
const auto finish_reserve = [](all_reserved& r) { r.place.release(); };

BOOST_AUTO_TEST_CASE(a_reserve_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start_reserve, finish_reserve);
}

BOOST_AUTO_TEST_CASE(a_reserve_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start_reserve, finish_reserve);
}

BOOST_AUTO_TEST_CASE(a_cancelled_reserve_reserves_nothing)
{
    weir::test::ends_when_cancelled(start_reserve,
                                    [](weir::error_code error, const ints::reservation& place) {
                                        BOOST_TEST(error == asio::error::operation_aborted);
                                        BOOST_TEST(!place);
                                    });
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean_for_those_who_reserve)
{
    weir::test::any_order_of_destruction_is_clean(start_reserve);
}

BOOST_AUTO_TEST_CASE(a_place_whose_receiver_is_destroyed_goes_to_the_next)
{
    weir::sim::world w(1);
    auto c = std::make_unique<weir::sim::context>(w);
    weir::sim::context other(w);
    ints channel(other.get_executor(), 1);
    auto place = channel.try_reserve();
    channel.async_reserve(asio::bind_executor(
        c->get_executor(), [](weir::error_code, ints::reservation) { BOOST_ERROR("resumed"); }));
    bool sent = false;
    channel.async_send(1, [&](weir::send_result<int> result) { sent = bool(result); });
    place.release(); // its wake-up is under way
    c.reset();
    w.run();
    BOOST_TEST(sent);
}

BOOST_AUTO_TEST_CASE(what_a_reservation_sends_after_its_channel_is_gone_goes_to_the_hook)
{
    simulation s(1);
    std::vector<int> lost;
    auto channel =
        std::make_unique<ints>(s.a.get_executor(), 1, [&](int&& v) { lost.push_back(v); });
    auto place = channel->try_reserve();
    channel.reset();
    place.send(1);
    BOOST_TEST((lost == std::vector<int>{1}));
}

BOOST_AUTO_TEST_CASE(there_is_nothing_to_reserve_where_there_are_no_places)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 0);
    BOOST_TEST(!channel.try_reserve());
    weir::error_code code;
    channel.async_reserve([&](weir::error_code e, ints::reservation) { code = e; });
    s.world.run();
    BOOST_TEST((code == weir::errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_place_is_used_or_given_back_once)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 2);
    auto kept = channel.try_reserve();
    {
        auto place = channel.try_reserve();
        place.release();
        place.release(); // nothing any more
    }
    BOOST_TEST(bool(channel.try_send(1)));
    BOOST_REQUIRE(!channel.try_send(2)); // the other place is still kept
    BOOST_TEST(channel.try_receive().value() == 1);
    {
        auto place = channel.try_reserve();
        place.send(3);
    }
    BOOST_REQUIRE(!channel.try_send(4));
    BOOST_TEST(channel.try_receive().value() == 3);
    {
        auto place = channel.try_reserve();
        place = ints::reservation(); // gives it back
        BOOST_TEST(bool(channel.try_send(5)));
    }
    BOOST_REQUIRE(!channel.try_send(6));
    kept.send(7);
    BOOST_TEST(channel.try_receive().value() == 5);
    BOOST_TEST(channel.try_receive().value() == 7);
    BOOST_TEST(bool(channel.try_send(8)));
    BOOST_TEST(bool(channel.try_send(9)));
    BOOST_TEST(!channel.try_send(10));
}

BOOST_AUTO_TEST_CASE(it_is_ended_when_closed_and_nothing_is_buffered_nor_reserved)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 2);
    BOOST_TEST(!channel.is_ended());
    auto place = channel.try_reserve();
    BOOST_TEST(bool(channel.try_send(1)));
    channel.close();
    BOOST_TEST(!channel.is_ended());
    place.send(2);
    BOOST_TEST(!channel.is_ended());
    BOOST_TEST(channel.try_receive().value() == 1);
    BOOST_TEST(!channel.is_ended());
    BOOST_TEST(channel.try_receive().value() == 2);
    BOOST_TEST(channel.is_ended());
    BOOST_TEST(!channel.try_receive());
}

BOOST_AUTO_TEST_SUITE_END()
