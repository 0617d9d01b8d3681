#include <weir/flow/asio_queue.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::status;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(pool_over_asio_channels)

using pool_options = weir::pool_options;
template <class T>
using concurrent =
    asio::experimental::concurrent_channel<asio::any_io_executor, void(weir::error_code, T)>;
template <class T>
using single = asio::experimental::channel<asio::any_io_executor, void(weir::error_code, T)>;

template <template <class> class Channel>
using pool_over = weir::worker_pool<int, int, weir::asio_queue<Channel<int>>,
                                    weir::asio_queue<Channel<weir::outcome<int>>>>;

asio::awaitable<int> slow(int n)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
    if (n == 3)
        throw std::runtime_error("three");
    co_return n;
}

// Users without weir: they send jobs and receive outcomes by Asio's own calls.
template <class Channel>
asio::awaitable<void> send_plainly(Channel& jobs, int n, int& sent)
{
    for (int i = 0; i < n; ++i) {
        auto send = jobs.async_send(weir::error_code(), i, asio::as_tuple(asio::use_awaitable));
        const auto result = co_await std::move(send);
        sent += std::get<0>(result) ? 0 : 1;
    }
}

template <class Channel>
asio::awaitable<void> receive_plainly(Channel& results, std::map<weir::job_id, status>& got,
                                      weir::error_code& end)
{
    for (;;) {
        auto result = co_await results.async_receive(asio::as_tuple(asio::use_awaitable));
        if (std::get<0>(result)) {
            end = std::get<0>(result);
            co_return;
        }
        const weir::outcome<int>& out = std::get<1>(result);
        BOOST_TEST(got.count(out.id()) == 0U);
        got[out.id()] = out.status();
    }
}

template <template <class> class Channel>
void every_job_has_one_outcome(simulation& s, std::vector<asio::any_io_executor> executors,
                               weir::sim::context& users)
{
    for (const std::size_t capacity : {0, 1, 4}) {
        Channel<int> jobs(s.a.get_executor(), capacity);
        Channel<weir::outcome<int>> results(s.a.get_executor(), capacity);
        std::map<weir::job_id, status> got;
        weir::error_code end;
        int sent = 0;
        pool_over<Channel> pool(executors, pool_options(2), slow, jobs, results);
        s.spawn(users, [&]() -> asio::awaitable<void> {
            co_await send_plainly(jobs, 8, sent);
            pool.close();
        });
        s.spawn(users,
                [&]() -> asio::awaitable<void> { co_await receive_plainly(results, got, end); });
        s.world.run();
        BOOST_TEST(sent == 8);
        BOOST_TEST(got.size() == 8U);
        BOOST_TEST(end == asio::experimental::error::channel_closed);
        BOOST_TEST(pool.ledger().ok == 7U);
        BOOST_TEST(pool.ledger().failed == 1U);
        BOOST_TEST(pool.ledger().balanced());
    }
    s.run();
}

BOOST_AUTO_TEST_CASE(jobs_and_outcomes_pass_through_concurrent_channels_of_the_users)
{
    in_many_orders([](simulation& s) {
        every_job_has_one_outcome<concurrent>(s, {s.a.get_executor(), s.b.get_executor()}, s.b);
    });
}

BOOST_AUTO_TEST_CASE(single_threaded_channels_will_do_where_one_executor_has_it_all)
{
    in_many_orders(
        [](simulation& s) { every_job_has_one_outcome<single>(s, {s.a.get_executor()}, s.a); });
}

BOOST_AUTO_TEST_CASE(a_single_threaded_channel_is_refused_between_two_executors)
{
    simulation s(1);
    single<int> jobs(s.a.get_executor(), 1);
    single<weir::outcome<int>> results(s.a.get_executor(), 1);
    const std::vector<asio::any_io_executor> two{s.a.get_executor(), s.b.get_executor()};
    BOOST_CHECK_THROW(pool_over<single>(two, pool_options(2), slow, jobs, results),
                      std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(queues_of_the_pools_own_may_be_asios_too)
{
    in_many_orders([](simulation& s) {
        pool_over<concurrent> pool({s.a.get_executor(), s.b.get_executor()},
                                   pool_options(2).queue(1).results(1), slow);
        std::map<weir::job_id, status> got;
        int rejected = 0;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 8; ++i) {
                auto result = co_await pool.async_submit(i);
                if (!result) {
                    BOOST_TEST(result.job() == i);
                    ++rejected;
                }
            }
            pool.close();
            BOOST_TEST((pool.try_submit(9).error() == weir::errc::closed));
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            while (auto out = co_await pool.results().async_receive())
                got[out->id()] = out->status();
        });
        s.run();
        BOOST_TEST(rejected == 0);
        BOOST_TEST(got.size() == 8U);
    });
}

BOOST_AUTO_TEST_CASE(stopping_loses_no_job_of_a_plain_sender)
{
    in_many_orders([](simulation& s) {
        concurrent<int> jobs(s.a.get_executor(), 2);
        concurrent<weir::outcome<int>> results(s.a.get_executor(), 2);
        std::map<weir::job_id, status> got;
        weir::error_code end;
        int sent = 0;
        pool_over<concurrent> pool({s.a.get_executor(), s.b.get_executor()}, pool_options(1), slow,
                                   jobs, results);
        s.spawn(s.a, [&]() -> asio::awaitable<void> { co_await send_plainly(jobs, 8, sent); });
        s.spawn(s.b,
                [&]() -> asio::awaitable<void> { co_await receive_plainly(results, got, end); });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.b.get_executor(), 2500ms);
            const auto report = co_await pool.drain(1s);
            BOOST_TEST(report.complete);
        });
        s.run();
        BOOST_TEST(got.size() == static_cast<std::size_t>(sent));
        BOOST_TEST(pool.ledger().balanced());
        BOOST_TEST(pool.ledger().accepted == static_cast<std::uint64_t>(sent));
    });
}

BOOST_AUTO_TEST_SUITE_END()
