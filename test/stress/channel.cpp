#include <weir/sync/channel.hpp>

#include <weir/run/cancel.hpp>
#include <weir/run/runner_pool.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(stress_channel)

void rethrow(std::exception_ptr error)
{
    if (error)
        std::rethrow_exception(error);
}

struct counts {
    std::vector<std::atomic<int>> seen;
    std::atomic<long> sent{0};
    std::atomic<long> back{0};
    std::atomic<int> senders{0};

    explicit counts(std::size_t n) : seen(n) {}
};

// Tries first on odd values, so that both ways in are mixed.
asio::awaitable<void> send_all(weir::channel<long>& channel, counts& c, long from, long to)
{
    for (long value = from; value < to; ++value) {
        long copy = value;
        if (value % 2 == 1 && channel.try_send(std::move(copy))) {
            ++c.sent;
            continue;
        }
        const auto result = co_await channel.async_send(value);
        if (result)
            ++c.sent;
        else
            ++c.back;
    }
    if (--c.senders == 0)
        channel.close();
}

asio::awaitable<void> receive_all(weir::channel<long>& channel, counts& c, bool in_batches)
{
    std::vector<long> batch;
    for (;;) {
        batch.clear();
        if (in_batches)
            channel.try_receive_n(batch, 16);
        if (batch.empty()) {
            const auto value = co_await channel.async_receive();
            if (!value)
                break;
            batch.push_back(*value);
        }
        for (const long value : batch)
            ++c.seen[static_cast<std::size_t>(value)];
    }
}

BOOST_AUTO_TEST_CASE(every_value_arrives_once_between_threads)
{
    const weir::test::watchdog guard;
    constexpr long each = 10'000;
    for (const std::size_t capacity : {0, 1, 3, 64}) {
        counts c(4 * each);
        c.senders = 4;
        weir::runner_pool runners(3);
        weir::channel<long> channel(runners.get_executor(), capacity);
        for (int i = 0; i < 4; ++i) {
            asio::co_spawn(runners.get_executor(), send_all(channel, c, i * each, (i + 1) * each),
                           rethrow);
            asio::co_spawn(runners.get_executor(), receive_all(channel, c, i % 2 == 0), rethrow);
        }
        runners.join();
        BOOST_TEST(c.sent == 4 * each);
        BOOST_TEST(c.back == 0);
        long wrong = 0;
        for (const auto& count : c.seen)
            wrong += count == 1 ? 0 : 1;
        BOOST_TEST(wrong == 0);
        BOOST_TEST(channel.is_ended());
    }
}

BOOST_AUTO_TEST_CASE(closing_in_the_middle_loses_nothing)
{
    const weir::test::watchdog guard;
    constexpr long each = 300;
    for (int round = 0; round < 60; ++round) {
        counts c(3 * each);
        c.senders = 3;
        weir::runner_pool runners(3);
        weir::channel<long> channel(runners.get_executor(), static_cast<std::size_t>(round % 4));
        for (int i = 0; i < 3; ++i) {
            asio::co_spawn(runners.get_executor(), send_all(channel, c, i * each, (i + 1) * each),
                           rethrow);
            asio::co_spawn(runners.get_executor(), receive_all(channel, c, false), rethrow);
        }
        while (c.sent < 50 + round)
            std::this_thread::yield();
        channel.close();
        runners.join();
        long seen = 0;
        for (const auto& count : c.seen) {
            BOOST_TEST(count <= 1);
            seen += count;
        }
        BOOST_TEST(seen == c.sent);
        BOOST_TEST(c.sent + c.back == 3 * each);
    }
}

BOOST_AUTO_TEST_CASE(cancelling_from_another_thread_loses_nothing)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 200; ++round) {
        weir::runner_pool runners(2);
        weir::channel<int> channel(runners.executor(0), 1);
        std::atomic<int> received{0};
        weir::cancel_source source;
        const auto impatient = [&]() -> asio::awaitable<void> {
            weir::cancel_link link(source.token(), runners.executor(0));
            const auto token = asio::as_tuple(asio::use_awaitable);
            for (;;) {
                const auto got = co_await channel.async_receive(
                    asio::bind_cancellation_slot(link.slot(), token));
                if (std::get<0>(got) || !std::get<1>(got))
                    break;
                ++received;
            }
        };
        std::atomic<int> sent{0};
        const auto feeder = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 50; ++i)
                if (channel.try_send(i))
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
        while (channel.try_receive())
            ++received;
        BOOST_TEST(received == sent);
    }
}

BOOST_AUTO_TEST_SUITE_END()
