// Deadlines where nothing is serial: the handlers' executor is that of a thread pool, so that a
// wake-up, the alarm and the completion of one operation come on three threads. Every fourth client
// is on a strand, and cancels.
#include <weir/sync/channel.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <list>
#include <optional>
#include <thread>
#include <utility>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(stress_deadlines)

constexpr int total = 8'000;
constexpr unsigned clients = 64;

struct tally {
    std::atomic<int> left{total};
    std::atomic<int> succeeded{0}, timed_out{0}, cancelled{0};
    std::atomic<int> wrong{0}; // Boost.Test's own assertions are for one thread

    void count(const weir::error_code& error)
    {
        if (!error)
            ++succeeded;
        else if (error == weir::errc::timed_out)
            ++timed_out;
        else
            ++(error == asio::error::operation_aborted ? cancelled : wrong);
    }
};

/// Begins one operation after another: `begin(number, deadline, done)`, where `done(error)` is a
/// handler with an executor and perhaps a cancellation slot.
template <class Begin>
class client {
public:
    client(asio::thread_pool& pool, tally& t, unsigned number, Begin begin)
        : pool_(pool), tally_(t), seed_(number), cancels_(number % 4 == 0), begin_(begin),
          strand_(asio::make_strand(pool))
    {
        asio::post(strand_, [this] { next(); });
    }

private:
    void next()
    {
        if (--tally_.left < 0)
            return;
        seed_ = seed_ * 1664525 + 1013904223;
        const auto at =
            weir::now(pool_.get_executor()) + std::chrono::microseconds(int(seed_ >> 22) - 20);
        const auto ended = [this](const weir::error_code& error) {
            tally_.count(error);
            next();
        };
        if (!cancels_)
            return begin_(seed_, at, asio::bind_executor(pool_.get_executor(), ended));
        begin_(seed_, at,
               asio::bind_cancellation_slot(stop_.slot(), asio::bind_executor(strand_, ended)));
        if ((seed_ & 1U << 12U) != 0)
            asio::post(strand_, [this] { stop_.emit(asio::cancellation_type::terminal); });
    }

    asio::thread_pool& pool_;
    tally& tally_;
    unsigned seed_;
    const bool cancels_;
    Begin begin_;
    asio::strand<asio::thread_pool::executor_type> strand_;
    asio::cancellation_signal stop_;
};

/// Passes on what an operation completed with, and keeps the executor and the slot of `done`.
template <class Done, class Then>
auto completes(Done done, Then then)
{
    const auto executor = asio::get_associated_executor(done);
    const auto slot = asio::get_associated_cancellation_slot(done);
    auto handler = [done = std::move(done), then](const weir::error_code& error,
                                                  auto&&... results) mutable {
        then(error, std::move(results)...);
        done(error);
    };
    return asio::bind_cancellation_slot(slot, asio::bind_executor(executor, std::move(handler)));
}

template <class Begin>
void run_clients(asio::thread_pool& pool, tally& t, Begin begin)
{
    std::list<client<Begin>> all;
    for (unsigned i = 0; i < clients; ++i)
        all.emplace_back(pool, t, i, begin);
    pool.join();
    BOOST_TEST(t.succeeded + t.timed_out + t.cancelled == total);
    BOOST_TEST(t.wrong == 0);
}

/// How the operations end is a matter of the machine's load: again, until some have succeeded and
/// some were too late.
template <class Scenario>
void until_both_were_seen(Scenario scenario)
{
    const weir::test::watchdog guard;
    bool both = false;
    while (!both) {
        tally t;
        scenario(t);
        both = t.timed_out > 0 && t.succeeded > 0;
    }
}

BOOST_AUTO_TEST_CASE(an_acquire_is_granted_or_timed_out_and_no_permit_is_lost)
{
    until_both_were_seen([](tally& t) {
        asio::thread_pool pool(4);
        weir::semaphore limit(pool.get_executor(), 3);
        run_clients(pool, t, [&](unsigned, weir::time_point at, auto done) {
            const auto give_back = [&](const weir::error_code& error, weir::permit permit) {
                t.wrong += bool(permit) == !error ? 0 : 1;
                if (permit)
                    asio::post(pool, [kept = std::move(permit)] {});
            };
            limit.async_acquire_until(at, completes(std::move(done), give_back));
        });
        BOOST_TEST(limit.in_use() == 0U);
        BOOST_TEST(limit.waiters() == 0U);
    });
}

void send_and_receive(tally& t, std::size_t capacity)
{
    asio::thread_pool pool(4);
    std::atomic<long> sent{0}, received{0}, lost{0};
    weir::channel<long> values(pool.get_executor(), capacity, [&](long v) { lost += v; });
    run_clients(pool, t, [&](unsigned seed, weir::time_point at, auto done) {
        if (seed % 2 == 0) {
            const auto taken = [&](const weir::error_code&, std::optional<long> v) {
                received += v.value_or(0);
            };
            return values.async_receive_until(at, completes(std::move(done), taken));
        }
        const auto executor = asio::get_associated_executor(done);
        const auto slot = asio::get_associated_cancellation_slot(done);
        auto handler = [done, &sent, &t](weir::send_result<long> result) mutable {
            if (result)
                ++sent;
            else
                t.wrong += result.value() == 1 ? 0 : 1;
            done(result.error());
        };
        values.async_send_until(
            at, 1L, asio::bind_cancellation_slot(slot, asio::bind_executor(executor, handler)));
    });
    BOOST_TEST(values.waiting_receivers() == 0U);
    BOOST_TEST(values.waiting_senders() == 0U);
    BOOST_TEST(sent == received + lost + static_cast<long>(values.size()));
}

BOOST_AUTO_TEST_CASE(a_value_is_sent_and_received_once_or_handed_back)
{
    for (const std::size_t capacity : {0U, 2U})
        until_both_were_seen([capacity](tally& t) { send_and_receive(t, capacity); });
}

BOOST_AUTO_TEST_CASE(a_wait_for_zero_ends_once)
{
    until_both_were_seen([](tally& t) {
        asio::thread_pool pool(4);
        weir::wait_group group(pool.get_executor());
        run_clients(pool, t, [&](unsigned, weir::time_point at, auto done) {
            group.add();
            group.async_wait_until(at, std::move(done));
            asio::post(pool, [&] { group.done(); });
        });
        BOOST_TEST(group.count() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(a_sleep_ends_once)
{
    const weir::test::watchdog guard;
    asio::thread_pool pool(4);
    tally t;
    run_clients(pool, t, [&](unsigned, weir::time_point at, auto done) {
        const auto executor = asio::get_associated_executor(done);
        const auto slot = asio::get_associated_cancellation_slot(done);
        // The time of a sleep is its success.
        auto handler = [done](const weir::error_code& error) mutable {
            done(error ? error : weir::error_code(weir::errc::timed_out));
        };
        weir::async_sleep_until(
            executor, at,
            asio::bind_cancellation_slot(slot, asio::bind_executor(executor, handler)));
    });
    BOOST_TEST(t.timed_out > 0); // most are not cancelled
}

BOOST_AUTO_TEST_SUITE_END()
