#include <weir/flow/asio_queue.hpp>

#include <weir/run/cancel.hpp>
#include <weir/run/runner_pool.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using weir::plain_side;

BOOST_AUTO_TEST_SUITE(stress_asio_queue)

using concurrent_channel = asio::experimental::concurrent_channel<void(weir::error_code, int)>;
using single_channel = asio::experimental::channel<void(weir::error_code, int)>;
using queue = weir::asio_queue<concurrent_channel>;

const auto token = asio::as_tuple(asio::use_awaitable);

void rethrow(std::exception_ptr error)
{
    if (error)
        std::rethrow_exception(error);
}

constexpr int senders = 3;

struct counts {
    explicit counts(int each) : seen(static_cast<std::size_t>(senders * each)), values(each) {}

    void saw(int value) { ++seen[static_cast<std::size_t>(value)]; }

    void check(bool all) const
    {
        int total = 0;
        for (const auto& count : seen) {
            BOOST_TEST(count <= 1);
            total += count;
        }
        BOOST_TEST(total == sent);
        BOOST_TEST(sent + back == senders * values);
        if (all)
            BOOST_TEST(back == 0);
    }

    std::vector<std::atomic<int>> seen;
    std::atomic<int> sent{0};
    std::atomic<int> back{0};
    std::atomic<int> left{senders};
    const int values;
};

// Calls `close` after the last value of all senders.
template <class Queue, class Close>
asio::awaitable<void> send_all(Queue& q, counts& c, int from, Close close)
{
    for (int value = from; value < from + c.values; ++value) {
        if (value % 2 == 1 && q.try_send(int(value))) {
            ++c.sent;
            continue;
        }
        const auto result = co_await q.async_send(value, token);
        if (std::get<0>(result))
            ++c.sent;
        else
            ++c.back;
    }
    if (--c.left == 0)
        close();
}

template <class Close>
asio::awaitable<void> send_all_plainly(concurrent_channel& q, counts& c, int from, Close close)
{
    for (int value = from; value < from + c.values; ++value) {
        if (value % 2 == 1 && q.try_send(weir::error_code(), value)) {
            ++c.sent;
            continue;
        }
        const auto result = co_await q.async_send({}, value, token);
        if (!std::get<0>(result))
            ++c.sent;
        else
            ++c.back;
    }
    if (--c.left == 0)
        close();
}

template <class Queue>
asio::awaitable<void> receive_all(Queue& q, counts& c)
{
    for (;;) {
        auto value = q.try_receive();
        if (!value)
            value = co_await q.async_receive();
        if (!value)
            break;
        c.saw(*value);
    }
}

asio::awaitable<void> receive_all_plainly(concurrent_channel& q, counts& c)
{
    for (;;) {
        const auto next = co_await q.async_receive(token);
        if (std::get<0>(next))
            break;
        c.saw(std::get<1>(next));
    }
}

// Closes at some moment, unless the senders come to their end first.
struct interruption {
    interruption(int round, counts& c) : after(round), counted(c) {}

    template <class Queue>
    void operator()(Queue& q)
    {
        while (counted.sent + counted.back < after && counted.left != 0)
            std::this_thread::yield();
        q.close();
    }

    const int after;
    counts& counted;
};

template <class Queue>
void between_threads(std::size_t capacity, int each, int close_after)
{
    counts c(each);
    weir::runner_pool runners(3);
    Queue q(runners.get_executor(), capacity);
    for (int i = 0; i < senders; ++i) {
        asio::co_spawn(runners.get_executor(), send_all(q, c, i * each, [&] { q.close(); }),
                       rethrow);
        asio::co_spawn(runners.get_executor(), receive_all(q, c), rethrow);
    }
    if (close_after >= 0)
        interruption(close_after, c)(q);
    runners.join();
    c.check(close_after < 0);
    BOOST_TEST(q.is_ended());
    BOOST_TEST(q.sent() == static_cast<std::uint64_t>(c.sent));
}

BOOST_AUTO_TEST_CASE(every_value_arrives_once)
{
    const weir::test::watchdog guard;
    for (const std::size_t capacity : {0, 1, 3, 64}) {
        between_threads<queue>(capacity, 2000, -1);
        // With a channel of its own every use is under one lock: this one, too, is safe.
        between_threads<weir::asio_queue<single_channel>>(capacity, 2000, -1);
    }
}

BOOST_AUTO_TEST_CASE(closing_in_the_middle_loses_nothing)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 80; ++round)
        between_threads<queue>(static_cast<std::size_t>(round % 4), 200, round);
}

void with_plain_senders(std::size_t capacity, int each, int close_after)
{
    counts c(each);
    weir::runner_pool runners(3);
    concurrent_channel channel(runners.get_executor(), capacity);
    queue q(channel, plain_side::senders);
    for (int i = 0; i < senders; ++i) {
        const auto close = [&] { q.close(); };
        if (i == 0) // one by the queue, among the others
            asio::co_spawn(runners.get_executor(), send_all(q, c, i * each, close), rethrow);
        else
            asio::co_spawn(runners.get_executor(), send_all_plainly(channel, c, i * each, close),
                           rethrow);
        asio::co_spawn(runners.get_executor(), receive_all(q, c), rethrow);
    }
    if (close_after >= 0)
        interruption(close_after, c)(q);
    runners.join();
    c.check(close_after < 0);
    BOOST_TEST(q.is_ended());
    BOOST_TEST(q.sent() == static_cast<std::uint64_t>(c.sent));
}

BOOST_AUTO_TEST_CASE(every_value_of_plain_senders_arrives_once)
{
    const weir::test::watchdog guard;
    for (const std::size_t capacity : {0, 1, 3, 64})
        with_plain_senders(capacity, 2000, -1);
}

// With a buffer: see docs/asio_channels.md for what an unbuffered one may lose in this moment.
BOOST_AUTO_TEST_CASE(closing_under_plain_senders_loses_nothing)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 120; ++round)
        with_plain_senders(static_cast<std::size_t>(1 + round % 4), 200, round);
}

void with_plain_receivers(std::size_t capacity, int each, int close_after)
{
    counts c(each);
    weir::runner_pool runners(3);
    concurrent_channel channel(runners.get_executor(), capacity);
    queue q(channel, plain_side::receivers);
    for (int i = 0; i < senders; ++i) {
        asio::co_spawn(runners.get_executor(), send_all(q, c, i * each, [&] { q.close(); }),
                       rethrow);
        asio::co_spawn(runners.get_executor(), receive_all_plainly(channel, c), rethrow);
    }
    if (close_after >= 0)
        interruption(close_after, c)(q);
    runners.join();
    c.check(close_after < 0);
    BOOST_TEST(q.is_ended());
}

BOOST_AUTO_TEST_CASE(plain_receivers_receive_every_value_once)
{
    const weir::test::watchdog guard;
    for (const std::size_t capacity : {0, 1, 3, 64})
        with_plain_receivers(capacity, 2000, -1);
    for (int round = 0; round < 120; ++round)
        with_plain_receivers(static_cast<std::size_t>(round % 4), 200, round);
}

BOOST_AUTO_TEST_CASE(cancelling_from_another_thread_loses_nothing)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 200; ++round) {
        weir::runner_pool runners(2);
        concurrent_channel channel(runners.executor(0), 1);
        queue q(channel, plain_side::senders);
        int received = 0;
        weir::cancel_source source;
        const auto impatient = [&]() -> asio::awaitable<void> {
            weir::cancel_link link(source.token(), runners.executor(0));
            for (;;) {
                const auto got =
                    co_await q.async_receive(asio::bind_cancellation_slot(link.slot(), token));
                if (std::get<0>(got) || !std::get<1>(got))
                    break;
                ++received;
            }
        };
        int sent = 0;
        const auto feeder = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 50; ++i)
                if (channel.try_send(weir::error_code(), i))
                    ++sent;
                else
                    co_await asio::post(asio::deferred);
        };
        asio::co_spawn(runners.executor(0), impatient, rethrow);
        asio::co_spawn(runners.executor(1), feeder, rethrow);
        for (int i = 0; i < round; ++i)
            std::this_thread::yield();
        source.cancel();
        runners.join();
        while (q.try_receive())
            ++received;
        BOOST_TEST(received == sent);
    }
}

BOOST_AUTO_TEST_SUITE_END()
