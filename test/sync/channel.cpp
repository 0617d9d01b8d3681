#include <weir/sync/channel.hpp>

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
        BOOST_TEST((channel.try_send(1).error() == weir::errc::full)); // no receiver is there
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

BOOST_AUTO_TEST_CASE(parked_senders_take_new_room_in_order_before_newcomers)
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
