#include <weir/flow/asio_queue.hpp>

#include "flow/queue_kinds.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <vector>

// What plain receivers see at the other side of a queue: see queue_plain.cpp.

namespace asio = boost::asio;
namespace channel_error = boost::asio::experimental::error;
using namespace weir::test;

BOOST_AUTO_TEST_SUITE(queue_plain)

using plain_receivers = boost::mp11::mp_list<under_receivers, under_concurrent_receivers>;
using sent_int = weir::send_result<int>;

const auto token = asio::as_tuple(asio::use_awaitable);

BOOST_AUTO_TEST_CASE_TEMPLATE(plain_receivers_see_every_value_and_then_closed, Kind,
                              plain_receivers)
{
    for (const std::size_t capacity : {0, 1, 3, 64})
        in_many_orders(
            [capacity](simulation& s) {
                auto queue = Kind::make(s.a.get_executor(), capacity);
                std::vector<int> got;
                int ends = 0;
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 20; ++i) {
                        const auto sent = co_await queue->async_send(i);
                        BOOST_TEST(bool(sent));
                    }
                    queue->close();
                });
                for (int receiver = 0; receiver < 2; ++receiver)
                    s.spawn(s.a, [&]() -> asio::awaitable<void> {
                        for (;;) {
                            const auto next = co_await queue.below->async_receive(token);
                            if (std::get<0>(next)) {
                                BOOST_TEST((std::get<0>(next) == channel_error::channel_closed));
                                break;
                            }
                            got.push_back(std::get<1>(next));
                        }
                        ++ends;
                    });
                s.run();
                BOOST_TEST(ends == 2);
                std::sort(got.begin(), got.end()); // two receivers may be resumed in either order
                BOOST_REQUIRE(got.size() == 20U);
                for (int i = 0; i < 20; ++i)
                    BOOST_TEST(got[static_cast<std::size_t>(i)] == i);
                BOOST_TEST(queue->sent() == 20U);
                BOOST_TEST(queue->is_ended());
            },
            40);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_buffered_at_close_is_left_to_plain_receivers, Kind,
                              plain_receivers)
{
    for (const std::size_t capacity : {1, 3})
        in_many_orders([capacity](simulation& s) {
            auto queue = Kind::make(s.a.get_executor(), capacity);
            int accepted = 0, back = 0;
            for (int i = 0; i < 6; ++i)
                queue->async_send(i, [&](sent_int r) { ++(r ? accepted : back); });
            queue->close();
            s.world.run();
            BOOST_TEST(accepted == static_cast<int>(capacity) + 1); // one waits in the channel
            BOOST_TEST(accepted + back == 6);
            queue.queue.reset(); // they are the user's now
            s.world.run();
            int got = 0;
            for (;;) {
                bool over = false;
                queue.below->async_receive([&](weir::error_code error, int value) {
                    over = bool(error);
                    if (!over)
                        BOOST_TEST(value == got++);
                });
                s.world.run();
                if (over)
                    break;
            }
            s.run();
            BOOST_TEST(got == accepted);
        });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(room_made_by_a_plain_receive_goes_to_the_waiting_sender_first, Kind,
                              plain_receivers)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 1);
        for (int i = 0; i < 3; ++i)
            queue->async_send(i, [](sent_int r) { BOOST_TEST(bool(r)); });
        s.world.run();
        std::vector<int> got;
        const auto keep = [&](weir::error_code, int value) { got.push_back(value); };
        BOOST_TEST(queue.below->try_receive(keep));
        BOOST_TEST(queue.below->try_receive(keep));
        // There is room now, but the third sender does not know it yet.
        BOOST_TEST((queue->try_send(9).error() == weir::errc::full));
        s.world.run();
        BOOST_TEST(queue.below->try_receive(keep));
        s.run();
        BOOST_TEST(got == (std::vector<int>{0, 1, 2}), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_a_buffer_the_last_value_waits_for_a_plain_receiver, Kind,
                              plain_receivers)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 0);
        std::vector<weir::error_code> errors;
        for (int i = 0; i < 2; ++i)
            queue->async_send(i, [&](sent_int r) { errors.push_back(r.error()); });
        queue->close();
        s.world.run();
        BOOST_REQUIRE(errors.size() == 2U); // one is in the channel, one was handed back
        BOOST_TEST((!errors[0] || !errors[1]));
        BOOST_TEST((errors[0] == weir::errc::closed || errors[1] == weir::errc::closed));
        BOOST_TEST(!queue->is_ended());
        std::vector<weir::error_code> got;
        for (int i = 0; i < 2; ++i) {
            queue.below->async_receive([&](weir::error_code error, int value) {
                got.push_back(error);
                BOOST_TEST(value == 0);
            });
            s.world.run();
        }
        s.run();
        BOOST_REQUIRE(got.size() == 2U);
        BOOST_TEST(!got[0]);
        BOOST_TEST((got[1] == channel_error::channel_closed));
        BOOST_TEST(queue->is_ended());
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(sends_after_a_plain_close_have_their_value_back, Kind,
                              plain_receivers)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 0);
        queue.below->close();
        std::optional<int> back;
        queue->async_send(3, [&](sent_int r) {
            BOOST_TEST((r.error() == weir::errc::closed));
            back = r.value();
        });
        s.run();
        BOOST_TEST(back.value() == 3);
        BOOST_TEST((queue->try_send(4).error() == weir::errc::closed));
    });
}

// Plain receivers receive what the queue calls sent; the sender gets back the rest.
template <class Kind>
void plain_receivers_receive_what_was_sent(simulation& s, std::size_t capacity)
{
    std::vector<int> seen(40, 0);
    std::vector<int> sent(40, 0);
    auto queue = Kind::make(s.a.get_executor(), capacity);
    std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
    std::vector<bool> started;
    for (std::size_t sender = 0; sender < 4; ++sender) {
        signals.push_back(std::make_unique<asio::cancellation_signal>());
        started.push_back(false);
        const auto body = [&, sender]() -> asio::awaitable<void> {
            co_await asio::this_coro::throw_if_cancelled(false);
            started[sender] = true;
            for (std::size_t i = 0; i < 10; ++i) {
                const std::size_t value = sender * 10 + i;
                auto result = co_await queue->async_send(static_cast<int>(value), token);
                sent_int& r = std::get<0>(result);
                sent[value] = r ? 1 : 0;
                if (!r)
                    BOOST_TEST(r.value() == static_cast<int>(value));
            }
        };
        asio::co_spawn(
            (sender % 2 == 0 ? s.a : s.b).get_executor(), body,
            asio::bind_cancellation_slot(signals.back()->slot(),
                                         [](std::exception_ptr error) { BOOST_TEST(!error); }));
    }
    for (int receiver = 0; receiver < 2; ++receiver)
        s.spawn(receiver == 0 ? s.a : s.b, [&]() -> asio::awaitable<void> {
            for (;;) {
                const auto next = co_await queue.below->async_receive(token);
                if (std::get<0>(next))
                    break;
                ++seen[static_cast<std::size_t>(std::get<1>(next))];
            }
        });
    std::mt19937_64 random(s.world.seed());
    const int close_at = static_cast<int>(random() % 200);
    for (int step = 0; s.world.run_one(); ++step) {
        const std::size_t victim = random() % signals.size();
        if (random() % 20 == 0 && started[victim])
            signals[victim]->emit(asio::cancellation_type::terminal);
        if (step == close_at)
            queue->close();
    }
    queue->close();
    s.run();
    BOOST_TEST(queue->is_ended());
    for (std::size_t i = 0; i < seen.size(); ++i)
        BOOST_TEST(seen[i] == sent[i]);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(plain_receivers_have_exactly_what_was_sent, Kind, plain_receivers)
{
    for (const std::size_t capacity : {0, 1, 2, 5})
        in_many_orders(
            [capacity](simulation& s) { plain_receivers_receive_what_was_sent<Kind>(s, capacity); },
            250);
}

BOOST_AUTO_TEST_SUITE_END()
