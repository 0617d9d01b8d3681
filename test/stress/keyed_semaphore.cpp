#include <weir/policy/keyed_semaphore.hpp>

#include <weir/run/cancel.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/time/clock.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using semaphore = weir::keyed_semaphore<std::size_t>;
using permit = weir::keyed_permit<std::size_t>;

BOOST_AUTO_TEST_SUITE(stress_keyed_semaphore)

constexpr std::size_t key_count = 5;
constexpr std::size_t most_of_a_key = 3; // the limit goes between 2 and this
constexpr std::size_t most_of_all = 5;   // the wide one too

/// What is known to be in use.
struct counts {
    void enter(const permit& p, bool wide)
    {
        if (++of_key.at(p.key()) > most_of_a_key || (++of_all > most_of_all && wide))
            too_many = true;
        ++granted;
    }
    void leave(permit p)
    {
        --of_key.at(p.key());
        --of_all;
        p.release();
    }

    std::array<std::atomic<std::size_t>, key_count> of_key{};
    std::atomic<std::size_t> of_all{0};
    std::atomic<bool> too_many{false};
    std::atomic<long> granted{0};
};

/// Acquires of every kind, one after another; half of them may be cancelled by another thread.
asio::awaitable<void> acquire_often(semaphore& all, counts& known, bool wide,
                                    asio::any_io_executor executor, std::size_t me,
                                    weir::cancel_token token)
{
    weir::cancel_link link(token, executor);
    const auto quiet = asio::as_tuple(asio::use_awaitable);
    for (std::size_t n = 0; n < 400; ++n) {
        const std::size_t key = (n * 7 + me) % key_count;
        permit held = all.try_acquire(key);
        if (!held) {
            const auto deadline = n % 4 == 0 ? weir::now(executor) + 50us : weir::time_point::max();
            auto got = co_await all.async_acquire_until(
                deadline, key, asio::bind_cancellation_slot(link.slot(), quiet));
            if (std::get<0>(got))
                continue;
            held = std::move(std::get<1>(got));
        }
        known.enter(held, wide);
        if (n % 5 == 0)
            held.succeeded();
        if (n % 3 == 0)
            co_await asio::post(executor, asio::use_awaitable);
        known.leave(std::move(held));
    }
}

void balance(bool wide)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 10; ++round) {
        weir::runner_pool runners(3);
        const weir::key_options options = weir::key_options(most_of_a_key).max_hold(1s);
        const auto home = runners.get_executor();
        const auto all = wide ? std::make_unique<semaphore>(home, options, most_of_all)
                              : std::make_unique<semaphore>(home, options);
        counts known;
        std::vector<std::unique_ptr<weir::cancel_source>> sources;
        for (std::size_t i = 0; i < 12; ++i) {
            sources.push_back(std::make_unique<weir::cancel_source>());
            const auto executor = runners.get_executor();
            asio::co_spawn(executor,
                           acquire_often(*all, known, wide, executor, i, sources.back()->token()),
                           [](std::exception_ptr error) {
                               if (error)
                                   std::rethrow_exception(error);
                           });
        }
        for (std::size_t i = 0; i < 200; ++i) {
            all->resize(2 + i % 2);
            if (wide)
                all->resize_wide(3 + i % 3);
            (void)all->hold(i % key_count, weir::now(home) + 100us);
            (void)all->override_key((i + 1) % key_count, 1 + i % 3, 1 + i % 2,
                                    weir::now(home) + 200us);
            if (i % 3 == 0)
                all->resume((i + 2) % key_count);
            if (i % 5 == 0)
                all->reset_key((i + 3) % key_count);
            if (i % 20 == 0)
                sources.at(i / 20)->cancel();
            std::this_thread::yield();
        }
        all->resize(most_of_a_key);
        for (std::size_t key = 0; key < key_count; ++key) {
            all->reset_key(key);
            all->resume(key);
        }
        runners.join();
        BOOST_TEST(known.granted > 0);
        BOOST_TEST(!known.too_many);
        BOOST_TEST(all->in_use() == 0U);
        BOOST_TEST(all->waiters() == 0U);
        BOOST_TEST(all->keys() == 0U);
        if (wide) {
            all->resize_wide(most_of_all);
            std::vector<permit> out;
            for (std::size_t key = 0; key < most_of_all; ++key)
                out.push_back(all->try_acquire(key));
            BOOST_TEST(bool(out.back())); // no place of it was lost
            BOOST_TEST(!all->try_acquire(key_count));
        }
    }
}

BOOST_AUTO_TEST_CASE(permits_balance_between_threads_under_holds_cancels_and_resizes)
{
    balance(false);
}

BOOST_AUTO_TEST_CASE(permits_of_the_wide_limit_balance_between_threads)
{
    balance(true);
}

// An entry without a line belongs to its shard alone: it may be destroyed while another thread asks
// for it.
BOOST_AUTO_TEST_CASE(a_key_comes_and_goes_while_another_thread_looks_it_up)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(1);
    semaphore all(runners.get_executor(), weir::key_options(1));
    std::atomic<bool> done{false};
    int granted = 0;
    std::thread user([&] {
        for (int n = 0; n < 20'000; ++n)
            granted += all.try_acquire(0) ? 1 : 0;
        done = true;
    });
    std::size_t seen = 0;
    while (!done) {
        all.resume(0);
        all.reset_key(0);
        seen = std::max(seen, all.in_use(0));
    }
    user.join();
    BOOST_TEST(granted == 20'000);
    BOOST_TEST(seen <= 1U);
    BOOST_TEST(all.keys() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
