#include <weir/flow/asio_queue.hpp>

#include "flow/queue_kinds.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <type_traits>
#include <vector>

// What plain Asio calls see at the other side of a queue: the rows of docs/asio_channels.md.

namespace asio = boost::asio;
namespace channel_error = boost::asio::experimental::error;
using namespace weir::test;
using weir::plain_side;

BOOST_AUTO_TEST_SUITE(queue_plain)

using plain_senders = boost::mp11::mp_list<under_senders, under_concurrent_senders>;
using plain_receivers = boost::mp11::mp_list<under_receivers, under_concurrent_receivers>;
using sent_int = weir::send_result<int>;

const auto token = asio::as_tuple(asio::use_awaitable);

// ---- users of the single-threaded channel

static_assert(!std::is_constructible_v<weir::asio_queue<asio_channel>, asio_channel&, plain_side>,
              "over a channel that is not safe between threads, say which executors use it");
static_assert(std::is_constructible_v<weir::asio_queue<asio_concurrent_channel>,
                                      asio_concurrent_channel&, plain_side>);

BOOST_AUTO_TEST_CASE(a_channel_for_one_thread_is_refused_unless_all_use_its_executor)
{
    simulation s(1);
    const asio::any_io_executor a = s.a.get_executor();
    const asio::any_io_executor strand = asio::make_strand(a);
    const std::vector<asio::any_io_executor> same = {a, a};
    const std::vector<asio::any_io_executor> two = {a, s.b.get_executor()};
    const std::vector<asio::any_io_executor> another = {strand};
    asio_channel channel(a, 1);
    using single = weir::asio_queue<asio_channel>;
    BOOST_CHECK_NO_THROW(single(channel, plain_side::senders, same));
    BOOST_CHECK_THROW(single(channel, plain_side::senders, two), std::invalid_argument);
    BOOST_CHECK_THROW(single(channel, plain_side::senders, another), std::invalid_argument);
    asio_channel on_strand(strand, 1);
    BOOST_CHECK_NO_THROW(single(on_strand, plain_side::receivers, another));
    BOOST_CHECK_THROW(single(on_strand, plain_side::receivers, same), std::invalid_argument);
    asio_concurrent_channel any(a, 1);
    using concurrent = weir::asio_queue<asio_concurrent_channel>;
    BOOST_CHECK_NO_THROW(concurrent(any, plain_side::senders, two));
}

// ---- letting go

using plain_queues = boost::mp11::mp_append<plain_senders, plain_receivers>;

BOOST_AUTO_TEST_CASE_TEMPLATE(after_letting_go_the_channel_may_be_destroyed_first, Kind,
                              plain_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 1);
        int ends = 0;
        const auto receive = [&](weir::error_code error, std::optional<int> v) {
            ends += !error && !v ? 1 : 0;
        };
        queue->async_receive(receive);
        s.world.run();
        queue->disconnect();
        queue.below.reset();
        s.run();
        BOOST_TEST(ends == 1);
        BOOST_TEST((queue->try_send(1).error() == weir::errc::closed));
        std::optional<int> back;
        queue->async_send(2, [&](sent_int r) { back = r.value(); });
        queue->async_receive(receive);
        BOOST_TEST(!queue->try_receive());
        queue->close();
        s.run();
        BOOST_TEST(back.value() == 2);
        BOOST_TEST(ends == 2);
        BOOST_TEST(queue->is_ended());
        BOOST_TEST(queue->size() == 0U);
    });
}

// ---- others send by plain calls

BOOST_AUTO_TEST_CASE_TEMPLATE(values_of_plain_senders_arrive_in_order, Kind, plain_senders)
{
    for (const std::size_t capacity : {0, 1, 3, 64})
        in_many_orders(
            [capacity](simulation& s) {
                auto queue = Kind::make(s.a.get_executor(), capacity);
                std::vector<int> got;
                s.spawn(s.a, [&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 20; ++i) {
                        const auto sent = co_await queue.below->async_send({}, i, token);
                        BOOST_TEST(!std::get<0>(sent));
                    }
                    queue->close();
                });
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    while (auto value = co_await queue->async_receive())
                        got.push_back(*value);
                });
                s.run();
                BOOST_REQUIRE(got.size() == 20U);
                for (int i = 0; i < 20; ++i)
                    BOOST_TEST(got[static_cast<std::size_t>(i)] == i);
                BOOST_TEST(queue->sent() == 20U);
                BOOST_TEST(queue->is_ended());
            },
            40);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_plain_sender_finds_receivers_that_wait, Kind, plain_senders)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 0);
        BOOST_TEST(!queue.below->try_send(weir::error_code(), 1));
        std::vector<int> got;
        for (int i = 0; i < 2; ++i)
            queue->async_receive(
                [&](weir::error_code, std::optional<int> v) { got.push_back(*v); });
        s.world.run();
        BOOST_TEST(queue.below->try_send(weir::error_code(), 1));
        s.world.run(); // the second waits in the channel now
        BOOST_TEST(queue.below->try_send(weir::error_code(), 2));
        s.run();
        BOOST_TEST(got == (std::vector<int>{1, 2}), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_error_code_beside_a_value_is_dropped_but_not_the_value, Kind,
                              plain_senders)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 2);
        std::vector<int> got;
        const auto keep = [&](weir::error_code error, std::optional<int> v) {
            BOOST_TEST(!error);
            got.push_back(*v);
        };
        queue->async_receive(keep);
        s.world.run();
        BOOST_TEST(queue.below->try_send(asio::error::make_error_code(asio::error::eof), 1));
        BOOST_TEST(queue.below->try_send(asio::error::make_error_code(asio::error::eof), 2));
        s.world.run();
        queue->async_receive(keep);
        s.run();
        BOOST_TEST(got == (std::vector<int>{1, 2}), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(at_close_plain_senders_that_wait_are_cancelled_and_later_ones_closed,
                              Kind, plain_senders)
{
    for (const std::size_t capacity : {0, 2})
        in_many_orders([capacity](simulation& s) {
            auto queue = Kind::make(s.a.get_executor(), capacity);
            for (std::size_t i = 0; i < capacity; ++i)
                BOOST_TEST(queue.below->try_send(weir::error_code(), 1));
            std::vector<weir::error_code> errors;
            for (int i = 0; i < 2; ++i)
                queue.below->async_send({}, 7,
                                        [&](weir::error_code error) { errors.push_back(error); });
            queue->close();
            BOOST_TEST(!queue.below->is_open());
            s.world.run();
            BOOST_REQUIRE(errors.size() == 2U);
            BOOST_TEST((errors[0] == channel_error::channel_cancelled));
            BOOST_TEST((errors[1] == channel_error::channel_cancelled));
            queue.below->async_send({}, 7,
                                    [&](weir::error_code error) { errors.push_back(error); });
            BOOST_TEST(!queue.below->try_send(weir::error_code(), 7));
            s.world.run();
            BOOST_REQUIRE(errors.size() == 3U);
            BOOST_TEST((errors[2] == channel_error::channel_closed));
            // What was buffered is still received.
            BOOST_TEST(queue->size() == capacity);
            for (std::size_t i = 0; i < capacity; ++i)
                BOOST_TEST(queue->try_receive().value() == 1);
            BOOST_TEST(!queue->try_receive());
            BOOST_TEST(queue->is_ended());
            s.run();
        });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_plain_close_ends_the_stream, Kind, plain_senders)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 2);
        int ends = 0;
        std::optional<int> back;
        s.spawn([&]() -> asio::awaitable<void> {
            while (co_await queue->async_receive()) {
            }
            ++ends;
        });
        s.world.run();
        queue.below->close();
        s.world.run();
        BOOST_TEST(ends == 1);
        BOOST_TEST(queue->is_ended());
        queue->async_send(3, [&](sent_int r) {
            BOOST_TEST((r.error() == weir::errc::closed));
            back = r.value();
        });
        s.run();
        BOOST_TEST(back.value() == 3);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_send_learns_of_a_plain_close_by_itself, Kind, plain_senders)
{
    simulation s(1);
    auto queue = Kind::make(s.a.get_executor(), 2);
    queue.below->close();
    BOOST_TEST((queue->try_send(1).error() == weir::errc::closed));
    BOOST_TEST(queue->is_ended());
    s.run();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_plain_cancel_does_not_end_receivers_of_the_queue, Kind,
                              plain_senders)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 2);
        std::optional<int> got;
        queue->async_receive([&](weir::error_code, std::optional<int> v) { got = v; });
        s.world.run();
        queue.below->cancel();
        s.world.run();
        BOOST_TEST(queue.below->try_send(weir::error_code(), 4));
        s.run();
        BOOST_TEST(got.value() == 4);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_the_channel_holds_goes_to_the_hook, Kind, plain_senders)
{
    simulation s(1);
    std::vector<int> lost;
    auto queue = Kind::make(s.a.get_executor(), 2, [&](int&& v) { lost.push_back(v); });
    BOOST_TEST(queue.below->try_send(weir::error_code(), 1));
    BOOST_TEST(bool(queue->try_send(2)));
    queue.queue.reset();
    BOOST_TEST(lost == (std::vector<int>{1, 2}), boost::test_tools::per_element());
    BOOST_TEST(!queue.below->is_open());
    s.run();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_value_on_its_way_when_the_queue_goes_is_not_lost, Kind,
                              plain_senders)
{
    in_many_orders([](simulation& s) {
        int hooked = 0, got = 0, ends = 0;
        auto queue = Kind::make(s.a.get_executor(), 0, [&](int&& v) { hooked += v == 5 ? 1 : 0; });
        queue->async_receive([&](weir::error_code, std::optional<int> v) { ++(v ? got : ends); });
        s.world.run();
        BOOST_TEST(queue.below->try_send(weir::error_code(), 5));
        queue.queue.reset();
        s.run();
        BOOST_TEST(hooked + got == 1);
        BOOST_TEST(ends + got == 1);
    });
}

// When a plain send succeeds, its value is received or goes to the hook, whenever close comes.
template <class Kind>
void plain_successes_are_received(simulation& s, std::size_t capacity)
{
    std::vector<int> seen(40, 0);
    std::vector<int> taken(40, 0);
    auto queue = Kind::make(s.a.get_executor(), capacity,
                            [&](int&& v) { ++seen[static_cast<std::size_t>(v)]; });
    std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
    for (int sender = 0; sender < 4; ++sender)
        s.spawn(sender % 2 == 0 ? s.a : s.b, [&, sender]() -> asio::awaitable<void> {
            for (int i = 0; i < 10; ++i) {
                const int value = sender * 10 + i;
                bool ok = false;
                if (sender == 3) {
                    const auto sent = co_await queue->async_send(value, token);
                    ok = bool(std::get<0>(sent));
                } else {
                    const auto sent = co_await queue.below->async_send({}, value, token);
                    ok = !std::get<0>(sent);
                }
                taken[static_cast<std::size_t>(value)] = ok ? 1 : 0;
            }
        });
    std::vector<bool> started;
    for (std::size_t receiver = 0; receiver < 3; ++receiver) {
        signals.push_back(std::make_unique<asio::cancellation_signal>());
        started.push_back(false);
        const auto body = [&, receiver]() -> asio::awaitable<void> {
            co_await asio::this_coro::throw_if_cancelled(false);
            started[receiver] = true;
            for (;;) {
                auto got = co_await queue->async_receive(token);
                if (std::get<1>(got))
                    ++seen[static_cast<std::size_t>(*std::get<1>(got))];
                else if (!std::get<0>(got))
                    break;
            }
        };
        asio::co_spawn(
            (receiver == 0 ? s.b : s.a).get_executor(), body,
            asio::bind_cancellation_slot(signals.back()->slot(),
                                         [](std::exception_ptr error) { BOOST_TEST(!error); }));
    }
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
    queue.queue.reset();
    s.run();
    int total = 0;
    for (std::size_t i = 0; i < seen.size(); ++i) {
        BOOST_TEST(seen[i] == taken[i]);
        total += seen[i];
    }
    BOOST_TEST(total <= 40);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_successful_plain_send_is_received_or_reaches_the_hook, Kind,
                              plain_senders)
{
    for (const std::size_t capacity : {0, 1, 2, 5})
        in_many_orders(
            [capacity](simulation& s) { plain_successes_are_received<Kind>(s, capacity); }, 250);
}

BOOST_AUTO_TEST_SUITE_END()
