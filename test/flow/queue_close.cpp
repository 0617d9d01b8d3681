#include <weir/flow/queue.hpp>

#include "flow/queue_kinds.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

// What `close` and destruction do to every queue: see queue.cpp.

namespace asio = boost::asio;
using namespace weir::test;

BOOST_AUTO_TEST_SUITE(queue)

using sent_int = weir::send_result<int>;

// ---- close

BOOST_AUTO_TEST_CASE_TEMPLATE(close_delivers_what_is_buffered_and_hands_back_what_is_not, Kind,
                              exact_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 2);
        BOOST_TEST(bool(queue->try_send(1)));
        BOOST_TEST(bool(queue->try_send(2)));
        std::optional<int> back;
        weir::error_code error;
        queue->async_send(3, [&](sent_int r) {
            error = r.error();
            back = r.value();
        });
        queue->close();
        BOOST_TEST(queue->is_closed());
        BOOST_TEST(!queue->is_ended());
        s.world.run();
        BOOST_TEST((error == weir::errc::closed));
        BOOST_TEST(back.value() == 3);
        BOOST_TEST((queue->try_send(4).error() == weir::errc::closed));
        queue->async_send(5, [&](sent_int r) {
            error = r.error();
            back = r.value();
        });
        s.world.run();
        BOOST_TEST(back.value() == 5);
        std::vector<int> got;
        s.spawn([&]() -> asio::awaitable<void> {
            while (auto value = co_await queue->async_receive())
                got.push_back(*value);
        });
        s.run();
        BOOST_TEST(got == (std::vector<int>{1, 2}), boost::test_tools::per_element());
        BOOST_TEST(queue->is_ended());
        BOOST_TEST(queue->sent() == 2U);
        queue->close(); // any number of times
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_receiver_sees_the_end_of_the_stream_once, Kind, all_queues)
{
    for (const std::size_t capacity : {0, 1, 3})
        in_many_orders(
            [capacity](simulation& s) {
                auto queue = Kind::make(s.a.get_executor(), capacity);
                int ends = 0;
                int values = 0;
                const auto until_end = [&]() -> asio::awaitable<void> {
                    while (const auto value = co_await queue->async_receive())
                        values += value ? 1 : 0;
                    ++ends;
                };
                s.spawn(s.a, until_end);
                s.spawn(s.b, until_end);
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 5; ++i) {
                        const auto sent = co_await queue->async_send(i);
                        BOOST_TEST(bool(sent));
                    }
                    queue->close();
                });
                s.run();
                s.spawn(s.b, until_end); // it comes late
                s.run();
                BOOST_TEST(ends == 3);
                BOOST_TEST(values == 5);
                BOOST_TEST(!queue->try_receive());
            },
            60);
}

// ---- destruction

BOOST_AUTO_TEST_CASE_TEMPLATE(destroying_it_is_closing_it_and_what_is_left_goes_to_the_hook, Kind,
                              exact_queues)
{
    in_many_orders([](simulation& s) {
        std::vector<int> lost;
        std::optional<int> back;
        auto queue = Kind::make(s.a.get_executor(), 2, [&](int&& value) { lost.push_back(value); });
        BOOST_TEST(bool(queue->try_send(1)));
        BOOST_TEST(bool(queue->try_send(2)));
        queue->async_send(3, [&](sent_int r) { back = r.value(); });
        queue.queue.reset();
        s.run();
        BOOST_TEST(lost == (std::vector<int>{1, 2}), boost::test_tools::per_element());
        BOOST_TEST(back.value() == 3);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(destroying_it_wakes_receivers_with_the_end_of_the_stream, Kind,
                              all_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 2);
        int ends = 0;
        for (int i = 0; i < 2; ++i)
            queue->async_receive([&](weir::error_code error, std::optional<int> v) {
                ends += !error && !v ? 1 : 0;
            });
        s.world.run();
        queue.queue.reset();
        s.run();
        BOOST_TEST(ends == 2);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_value_whose_sender_is_destroyed_goes_to_the_hook, Kind,
                              exact_queues)
{
    weir::sim::world w(1);
    weir::sim::context b(w);
    std::vector<int> lost;
    auto queue = Kind::make(b.get_executor(), 1, [&](int&& value) { lost.push_back(value); });
    BOOST_TEST(bool(queue->try_send(1)));
    {
        weir::sim::context a(w);
        queue->async_send(2, asio::bind_executor(a.get_executor(), [](sent_int) {}));
        w.run();
    }
    BOOST_TEST(lost == (std::vector<int>{2}), boost::test_tools::per_element());
    BOOST_TEST(queue->sent() == 2U);
    BOOST_TEST(queue->size() == 1U);
    BOOST_TEST(queue->try_receive().value() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_receiver_destroyed_while_it_waits_takes_nothing, Kind, all_queues)
{
    weir::sim::world w(1);
    weir::sim::context b(w);
    auto queue = Kind::make(b.get_executor(), 1);
    {
        weir::sim::context a(w);
        const auto never = [](weir::error_code, std::optional<int>) { BOOST_ERROR("called"); };
        queue->async_receive(asio::bind_executor(a.get_executor(), never));
        w.run();
    }
    BOOST_TEST(bool(queue->try_send(5)));
    w.run();
    BOOST_TEST(queue->try_receive().value() == 5);
    BOOST_TEST(w.outstanding() == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_completion_that_is_destroyed_gives_the_value_to_the_next, Kind,
                              all_queues)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        weir::sim::world w(seed);
        auto a = std::make_unique<weir::sim::context>(w);
        weir::sim::context b(w);
        auto queue = Kind::make(b.get_executor(), 1);
        std::optional<int> got;
        const auto never = [](weir::error_code, std::optional<int>) { BOOST_ERROR("called"); };
        const auto keep = [&](weir::error_code, std::optional<int> v) { got = v; };
        queue->async_receive(asio::bind_executor(a->get_executor(), never));
        queue->async_receive(asio::bind_executor(b.get_executor(), keep));
        w.run();
        BOOST_TEST(bool(queue->try_send(5))); // for the first, on a
        a.reset();
        w.run();
        BOOST_TEST(got.value() == 5);
    }
}

// ---- all at once

// Law 2 as a sum, sent = received + handed back + hook, with cancels and close at random.
template <class Kind>
void nothing_is_lost(simulation& s, std::size_t capacity)
{
    std::vector<int> seen(40, 0);
    int sent = 0, back = 0, hooked = 0, ended = 0, ends = 0, cut = 0;
    auto queue = Kind::make(s.a.get_executor(), capacity, [&](int&& v) {
        ++hooked;
        ++seen[static_cast<std::size_t>(v)];
    });
    const auto token = asio::as_tuple(asio::use_awaitable);
    std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
    std::vector<bool> started; // Boost 1.81 loses a coroutine cancelled before that
    const auto spawn = [&](weir::sim::context& where, auto body) {
        started.push_back(false);
        signals.push_back(std::make_unique<asio::cancellation_signal>());
        asio::co_spawn(where.get_executor(), std::move(body),
                       asio::bind_cancellation_slot(signals.back()->slot(),
                                                    [&](std::exception_ptr) { ++ended; }));
    };
    for (int sender = 0; sender < 4; ++sender)
        spawn(sender % 2 == 0 ? s.a : s.b, [&, sender]() -> asio::awaitable<void> {
            co_await asio::this_coro::throw_if_cancelled(false);
            started[static_cast<std::size_t>(sender)] = true;
            for (int i = 0; i < 10; ++i) {
                const int value = sender * 10 + i;
                auto result = co_await queue->async_send(value, token);
                sent_int& r = std::get<0>(result);
                if (r) {
                    ++sent;
                } else {
                    ++back;
                    BOOST_TEST(r.value() == value);
                    ++seen[static_cast<std::size_t>(r.value())];
                }
            }
        });
    for (int receiver = 0; receiver < 3; ++receiver)
        spawn(receiver % 2 == 0 ? s.a : s.b, [&, receiver]() -> asio::awaitable<void> {
            co_await asio::this_coro::throw_if_cancelled(false);
            started[static_cast<std::size_t>(4 + receiver)] = true;
            for (;;) {
                auto got = co_await queue->async_receive(token);
                if (!std::get<1>(got)) {
                    ++(std::get<0>(got) ? cut : ends);
                    break;
                }
                ++seen[static_cast<std::size_t>(*std::get<1>(got))];
            }
        });
    std::mt19937_64 random(s.world.seed());
    const int close_at = static_cast<int>(random() % 250);
    for (int step = 0; s.world.run_one(); ++step) {
        const std::size_t victim = random() % signals.size();
        if (random() % 40 == 0 && started[victim])
            signals[victim]->emit(asio::cancellation_type::terminal);
        if (step == close_at)
            queue->close();
    }
    queue->close();
    s.world.run();
    while (const std::optional<int> value = queue->try_receive()) // all receivers were cut short
        ++seen[static_cast<std::size_t>(*value)];
    s.world.run();
    BOOST_TEST(queue->is_ended());
    BOOST_TEST(queue->sent() == static_cast<std::uint64_t>(sent));
    queue.queue.reset();
    s.world.run();
    int accounted = 0;
    for (const int count : seen) {
        BOOST_TEST(count <= 1);
        accounted += count;
    }
    BOOST_TEST(accounted == sent + back);
    BOOST_TEST(hooked == 0); // nothing was destroyed, and all was taken out
    BOOST_TEST(ended == 7);
    BOOST_TEST(ends + cut == 3);
    BOOST_TEST(s.world.outstanding() == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_is_lost_and_nothing_comes_twice, Kind, all_queues)
{
    for (const std::size_t capacity : {0, 1, 2, 3})
        in_many_orders([capacity](simulation& s) { nothing_is_lost<Kind>(s, capacity); }, 250);
}

BOOST_AUTO_TEST_SUITE_END()
