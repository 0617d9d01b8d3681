#include <weir/sync/semaphore.hpp>

#include <weir/run/cancel.hpp>
#include <weir/run/runner_pool.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(stress_semaphore)

BOOST_AUTO_TEST_CASE(permits_balance_between_threads_under_cancels_and_resizes)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 20; ++round) {
        weir::runner_pool runners(3);
        weir::semaphore limit(runners.get_executor(), 3);
        std::atomic<std::size_t> inside{0};
        std::atomic<bool> too_many{false};
        std::atomic<long> granted{0};
        std::vector<std::unique_ptr<weir::cancel_source>> sources;
        for (std::size_t i = 0; i < 12; ++i) {
            sources.push_back(std::make_unique<weir::cancel_source>());
            const auto executor = runners.get_executor();
            const auto user = [&, executor, token = sources.back()->token(),
                               weight = 1 + i % 2]() -> asio::awaitable<void> {
                weir::cancel_link link(token, executor);
                const auto quiet = asio::as_tuple(asio::use_awaitable);
                for (int n = 0; n < 300; ++n) {
                    auto got = co_await limit.async_acquire(
                        weight, asio::bind_cancellation_slot(link.slot(), quiet));
                    if (std::get<0>(got))
                        continue;
                    ++granted;
                    if ((inside += weight) > 4)
                        too_many = true;
                    if (n % 3 == 0)
                        co_await asio::post(executor, asio::use_awaitable);
                    inside -= weight;
                }
            };
            asio::co_spawn(executor, user, [](std::exception_ptr error) {
                if (error)
                    std::rethrow_exception(error);
            });
        }
        for (std::size_t i = 0; i < sources.size(); i += 2) {
            limit.resize(2 + i % 3);
            sources[i]->cancel();
            std::this_thread::yield();
        }
        runners.join();
        BOOST_TEST(granted > 0);
        BOOST_TEST(!too_many);
        BOOST_TEST(limit.in_use() == 0U);
        BOOST_TEST(limit.waiters() == 0U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
