#include <weir/sim/world.hpp>

#include <weir/flow/task_pool.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/run/cleanup.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(world)

BOOST_AUTO_TEST_CASE(a_year_of_virtual_time_takes_no_time)
{
    weir::test::simulation s(1);
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 365 * 24h);
    });
    s.run();
    BOOST_TEST((s.elapsed() == 365 * 24h));
}

std::string order_of(std::uint64_t seed)
{
    std::string order;
    weir::test::simulation s(seed);
    for (char name : {'a', 'b', 'c', 'd'})
        asio::post(s.a.get_executor(), [&order, name] { order += name; });
    s.world.run();
    return order;
}

BOOST_AUTO_TEST_CASE(a_seed_chooses_the_order_and_the_same_seed_the_same_order)
{
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        orders.insert(order_of(seed));
        BOOST_TEST(order_of(seed) == order_of(seed));
    }
    BOOST_TEST(orders.size() == 24U); // every order of four
}

BOOST_AUTO_TEST_CASE(a_waiter_that_never_wakes_counts_as_outstanding)
{
    weir::sim::world w(1);
    weir::sim::context c(w);
    weir::channel<int> never(c.get_executor(), 1);
    bool resumed = false;
    const auto wait = [&]() -> asio::awaitable<void> {
        co_await never.async_receive();
        resumed = true;
    };
    asio::co_spawn(c.get_executor(), wait, [](std::exception_ptr) {});
    w.run();
    BOOST_TEST(!resumed);
    BOOST_TEST(w.outstanding() > 0U);
}

void go_round(weir::sim::context& c)
{
    asio::post(c.get_executor(), [&c] { go_round(c); });
}

BOOST_AUTO_TEST_CASE(going_round_in_a_circle_is_a_livelock)
{
    weir::sim::world w(1);
    weir::sim::context c(w);
    go_round(c);
    BOOST_CHECK_THROW(w.run(), weir::sim::livelock);
}

BOOST_AUTO_TEST_CASE(what_a_handler_throws_leaves_run)
{
    weir::sim::world w(1);
    weir::sim::context c(w);
    asio::post(c.get_executor(), [] { throw std::runtime_error("no"); });
    BOOST_CHECK_THROW(w.run(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(two_contexts_share_one_clock)
{
    weir::test::simulation s(3);
    weir::time_point seen[2];
    s.spawn(s.a, [&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 1h);
        seen[0] = weir::now(s.b.get_executor());
    });
    s.spawn(s.b, [&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.b.get_executor(), 1h);
        seen[1] = weir::now(s.a.get_executor());
    });
    s.run();
    BOOST_TEST((seen[0] == seen[1]));
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_first_drops_what_is_queued_and_what_waits)
{
    weir::sim::world w(1);
    auto counted = std::make_shared<int>(0);
    auto c = std::make_unique<weir::sim::context>(w);
    asio::post(c->get_executor(), [counted] { ++*counted; });
    weir::async_sleep_for(c->get_executor(), 1h, [counted](weir::error_code) { ++*counted; });
    c.reset();
    BOOST_TEST(counted.use_count() == 1);
    w.run();
    BOOST_TEST(*counted == 0);
}

BOOST_AUTO_TEST_CASE(the_clock_cannot_be_installed_late)
{
    asio::io_context io;
    BOOST_TEST((weir::now(io.get_executor()) > weir::time_point{}));
    auto& context = static_cast<asio::execution_context&>(io);
    BOOST_CHECK_THROW(asio::make_service<weir::detail::time_service>(context),
                      asio::service_already_exists);
}

// The frame of a coroutine that waits uses an object of the scenario's when it is destroyed.
struct at_end {
    at_end(std::string& order, std::string what, weir::semaphore& used)
        : order_(order), what_(std::move(what)), used_(used)
    {
    }
    ~at_end()
    {
        used_.close();
        order_ += what_;
    }

private:
    std::string& order_;
    const std::string what_;
    weir::semaphore& used_;
};

asio::awaitable<void> wait_forever(weir::semaphore& paused, std::string& order, std::string what)
{
    const at_end here(order, what, paused);
    const auto never = co_await paused.async_acquire();
}

BOOST_AUTO_TEST_CASE(after_a_deadlock_what_waits_goes_before_the_objects_it_waits_for)
{
    std::string order;
    const auto scenario = [&order](weir::sim::world& w) {
        weir::sim::context first(w), second(w);
        weir::semaphore paused(second.get_executor(), weir::paused);
        first.spawn([&] { return wait_forever(paused, order, "a "); }, "waiter a");
        second.spawn([&] { return wait_forever(paused, order, "b "); }, "waiter b");
        struct scenario_end {
            ~scenario_end() { order += "objects "; }
            std::string& order;
        } const here{order};
        w.run_to_end();
    };
    const auto found = weir::sim::explore(weir::sim::schedules::replay("0"), scenario);
    BOOST_TEST(found.failures == 1U);
    BOOST_TEST(found.first->message.find("deadlock") != std::string::npos);
    BOOST_TEST(found.first->message.find("waiter a, waiter b") != std::string::npos);
    BOOST_TEST(order == "a b objects ");
}

BOOST_AUTO_TEST_CASE(after_an_exception_what_waits_goes_before_the_objects_it_waits_for)
{
    std::string order;
    const auto scenario = [&order](weir::sim::world& w) {
        weir::sim::context c(w);
        weir::semaphore paused(c.get_executor(), weir::paused);
        c.spawn([&] { return wait_forever(paused, order, "a "); });
        c.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(c.get_executor(), 1s);
            throw std::runtime_error("found");
        });
        w.run_to_end();
    };
    const auto found = weir::sim::explore(weir::sim::schedules::replay("0"), scenario);
    BOOST_TEST(found.first->message == "found");
    BOOST_TEST(order == "a ");
}

// ---- time begins where the test says

const weir::time_point last = weir::time_point::max();
const weir::time_point beginnings[] = {weir::time_point::min(), weir::time_point() - 1h,
                                       weir::time_point(),
                                       weir::time_point() + last.time_since_epoch() / 2, last - 1h};

BOOST_AUTO_TEST_CASE(time_begins_where_the_test_says)
{
    for (const weir::time_point begin : beginnings) {
        const auto scenario = [begin](weir::sim::world& w) {
            weir::sim::context c(w);
            c.spawn([&]() -> asio::awaitable<void> {
                BOOST_TEST((weir::now(c.get_executor()) == begin));
                co_await weir::async_sleep_for(c.get_executor(), 59min);
                BOOST_TEST((weir::now(c.get_executor()) == begin + 59min));
            });
            w.run_to_end();
            BOOST_TEST((w.began() == begin));
        };
        const auto found =
            weir::sim::explore(weir::sim::schedules::all().begin_at(begin), scenario);
        BOOST_TEST(bool(found), found.text());
    }
}

// Two hours from now is beyond the end of the clock, for the last beginning.
BOOST_AUTO_TEST_CASE(a_limit_beyond_the_end_of_the_clock_does_not_come_early)
{
    for (const weir::time_point begin : beginnings)
        for (const weir::duration limit : {weir::duration(2h), weir::duration::max()}) {
            weir::test::simulation s(1, begin);
            int done = 0;
            const auto work = [&]() -> asio::awaitable<int> {
                co_await weir::async_sleep_for(s.a.get_executor(), 59min);
                co_return 7;
            };
            s.spawn([&]() -> asio::awaitable<void> {
                done += co_await weir::with_timeout(limit, work());
            });
            s.spawn([&]() -> asio::awaitable<void> {
                const auto nothing = []() -> asio::awaitable<void> { co_return; };
                const int value = co_await weir::with_cleanup(work(), limit, nothing);
                done += value;
            });
            const std::vector<asio::any_io_executor> executors = {s.a.get_executor()};
            weir::task_pool jobs(executors, weir::pool_options(1).timeout(limit).grace(limit));
            auto job = jobs.try_submit(work);
            s.spawn([&]() -> asio::awaitable<void> {
                auto out = co_await job.async_outcome();
                done += out.value();
                jobs.close();
            });
            weir::channel<int> values(s.a.get_executor(), 0);
            const auto soon = weir::saturating_add(begin, limit);
            s.spawn([&]() -> asio::awaitable<void> {
                const auto sent = co_await values.async_send_until(soon, 7);
                BOOST_TEST(bool(sent));
            });
            s.spawn([&]() -> asio::awaitable<void> {
                co_await weir::async_sleep_for(s.a.get_executor(), 30min);
                done += *co_await values.async_receive_until(soon);
            });
            s.world.run();
            BOOST_TEST(s.world.unfinished() == "");
            BOOST_TEST(done == 28);
        }
}

BOOST_AUTO_TEST_SUITE_END()
