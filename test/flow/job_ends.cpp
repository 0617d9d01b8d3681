// What a job leaves behind: its callable goes first, then its outcome comes, once.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/sleep.hpp>

#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::pool_options;
using weir::status;

namespace {

/// Its moves throw, from the first that is told to on.
class hard_to_move {
public:
    explicit hard_to_move(bool& throws) : throws_(&throws) {}
    hard_to_move(hard_to_move&& other) : throws_(other.throws_)
    {
        if (*throws_)
            throw std::runtime_error("too heavy");
    }
    hard_to_move& operator=(hard_to_move&&) = delete;

private:
    bool* throws_;
};

/// Sees, whenever it moves, how many own what is kept.
class witness {
public:
    witness(const std::shared_ptr<int>& kept, long& seen) : kept_(&kept), seen_(&seen) {}
    witness(witness&& other) noexcept : kept_(other.kept_), seen_(other.seen_)
    {
        *seen_ = kept_->use_count();
    }
    witness& operator=(witness&&) = delete;

private:
    const std::shared_ptr<int>* kept_;
    long* seen_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(job_ends)

BOOST_AUTO_TEST_CASE(a_callable_is_destroyed_before_its_outcome_is_there)
{
    in_many_orders([](simulation& s) {
        for (const weir::limit limit : {weir::limit(1), weir::unlimited}) {
            weir::task_pool tasks(both(s), pool_options(limit));
            s.spawn([&]() -> asio::awaitable<void> {
                const auto plain = std::make_shared<int>(1);
                const std::weak_ptr<int> plain_there = plain;
                auto call = [kept = plain] { return *kept; };
                auto first = co_await tasks.async_submit(std::move(call));
                const auto coroutine = std::make_shared<int>(2);
                auto start = [kept = coroutine] { return slow(*kept); };
                auto second = co_await tasks.async_submit(std::move(start));
                const auto failing = std::make_shared<int>(3);
                auto fail = [kept = failing]() -> int { throw std::runtime_error("no"); };
                auto third = co_await tasks.async_submit(std::move(fail));
                const auto one = co_await first.async_outcome();
                BOOST_TEST(plain.use_count() == 1);
                const auto two = co_await second.async_outcome();
                BOOST_TEST(coroutine.use_count() == 1);
                const auto three = co_await third.async_outcome();
                BOOST_TEST(failing.use_count() == 1);
                tasks.close();
            });
            s.run();
        }
    });
}

BOOST_AUTO_TEST_CASE(a_permit_that_a_callable_holds_is_back_when_the_job_has_ended)
{
    in_many_orders([](simulation& s) {
        weir::semaphore places(s.a.get_executor(), 1);
        weir::task_pool tasks(both(s), pool_options(1));
        s.spawn([&]() -> asio::awaitable<void> {
            auto mine = co_await places.async_acquire();
            auto call = [held = std::move(mine)] {};
            auto handle = co_await tasks.async_submit(std::move(call));
            const auto out = co_await handle.async_outcome();
            BOOST_TEST(bool(out));
            BOOST_TEST(places.in_use() == 0U); // though the task lives
            tasks.close();
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(the_callable_of_a_dropped_job_is_destroyed_before_its_outcome_is_there)
{
    simulation s(1);
    weir::task_pool tasks(both(s), pool_options(weir::paused));
    const auto kept = std::make_shared<int>(1);
    auto handle = tasks.try_submit([kept] { return *kept; });
    BOOST_TEST(kept.use_count() == 2);
    tasks.stop();
    s.run();
    BOOST_TEST(handle.is_done());
    BOOST_TEST(kept.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(the_callable_of_an_abandoned_job_lives_as_long_as_its_coroutine)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(1).timeout(1s).grace(1s));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto kept = std::make_shared<int>(10);
            auto start = [kept] { return stubborn(*kept * 1s); };
            auto handle = co_await tasks.async_submit(std::move(start));
            const auto out = co_await handle.async_outcome();
            BOOST_TEST((out.status() == status::abandoned));
            BOOST_TEST((s.elapsed() == 2s));
            BOOST_TEST(kept.use_count() == 3); // ours, `start`'s, and the job's
            co_await weir::async_sleep_for(s.a.get_executor(), 9s);
            BOOST_TEST(tasks.ledger().late == 1U);
            BOOST_TEST(kept.use_count() <= 2);
            tasks.close();
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_job_of_a_worker_pool_is_destroyed_before_its_outcome_is_there)
{
    using jobs_type = weir::worker_pool<std::shared_ptr<int>, witness>;
    simulation s(1);
    for (const bool suspends : {false, true}) {
        const auto kept = std::make_shared<int>(7);
        long seen = 0;
        const auto plain = [&](const std::shared_ptr<int>&) { return witness(kept, seen); };
        const auto coroutine = [&](const std::shared_ptr<int>&) -> asio::awaitable<witness> {
            co_return witness(kept, seen);
        };
        std::optional<jobs_type> jobs;
        if (suspends)
            jobs.emplace(both(s), pool_options(1), coroutine);
        else
            jobs.emplace(both(s), pool_options(1), plain);
        (void)jobs->try_submit(std::shared_ptr<int>(kept));
        s.world.run();
        BOOST_TEST(jobs->ledger().ok == 1U);
        BOOST_TEST(seen == 1); // when the outcome moved into the queue; it is still there
        jobs->close();
        s.run();
    }
}

BOOST_AUTO_TEST_CASE(a_value_that_cannot_be_moved_is_an_outcome_with_what_its_move_threw)
{
    in_many_orders([](simulation& s) {
        bool throws = false;
        weir::task_pool tasks(both(s), pool_options(1));
        int asked = 0;
        const auto make = [&] { return hard_to_move(throws); };
        const auto make_later = [&]() -> asio::awaitable<hard_to_move> {
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
            co_return hard_to_move(throws);
        };
        const auto look = [&](weir::error_code error, weir::outcome<hard_to_move> out) {
            ++asked;
            BOOST_TEST(!error);
            BOOST_TEST((out.status() == status::failed));
            BOOST_CHECK_THROW(out.value(), std::runtime_error);
        };
        auto first = tasks.try_submit(make);
        auto second = tasks.try_submit(make_later);
        s.world.run();
        BOOST_TEST(tasks.ledger().ok == 2U);
        throws = true;
        first.async_outcome(look);
        second.async_outcome(look);
        tasks.async_run(make, look); // what the call gives is not moved, but its outcome is
        tasks.async_run(make_later, look);
        s.world.run();
        BOOST_TEST(asked == 4);
        tasks.close();
        s.run();
        BOOST_TEST(tasks.ledger().balanced());
    });
}

BOOST_AUTO_TEST_CASE(the_value_of_a_job_that_timed_out_says_so_whatever_the_job_threw)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(1).timeout(100ms));
        s.spawn([&]() -> asio::awaitable<void> {
            auto out = co_await tasks.async_run([] { return slow(1); });
            BOOST_TEST((out.status() == status::timed_out));
            const auto is = [](weir::error_code code) {
                return [code](const weir::system_error& e) { return e.code() == code; };
            };
            BOOST_CHECK_EXCEPTION(out.value(), weir::system_error, is(weir::errc::timed_out));
            BOOST_CHECK_EXCEPTION(std::rethrow_exception(out.error()), weir::system_error,
                                  is(asio::error::operation_aborted));
            tasks.close();
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(an_outcome_is_given_out_once)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(1));
        s.spawn([&]() -> asio::awaitable<void> {
            auto handle = co_await tasks.async_submit([] { return slow(7); });
            auto first = co_await handle.async_outcome();
            BOOST_TEST(first.value() == 7);
            auto again = handle.async_outcome(asio::as_tuple(asio::use_awaitable));
            const auto second = co_await std::move(again);
            BOOST_TEST((std::get<0>(second) == weir::errc::taken));
            BOOST_TEST(!std::get<1>(second));
            tasks.close();
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(of_two_that_wait_for_one_outcome_one_has_it)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(1));
        int values = 0, refused = 0;
        auto handle = tasks.try_submit([] { return slow(7); });
        const auto look = [&](weir::error_code error, weir::outcome<int> out) {
            if (error == weir::errc::taken)
                ++refused;
            else if (out && out.value() == 7)
                ++values;
        };
        handle.async_outcome(asio::bind_executor(s.a.get_executor(), look));
        handle.async_outcome(asio::bind_executor(s.b.get_executor(), look));
        s.world.run();
        BOOST_TEST(values == 1);
        BOOST_TEST(refused == 1);
        tasks.close();
        s.run();
    });
}

// Between the end of the job and the resumption of its waiter, the waiter's context goes.
BOOST_AUTO_TEST_CASE(a_failure_whose_waiter_dies_before_it_goes_on_goes_to_the_hook)
{
    int before = 0;
    for (std::size_t steps = 0; steps < 12; ++steps)
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            weir::sim::world w(seed);
            weir::sim::context here(w);
            auto away = std::make_unique<weir::sim::context>(w);
            int unclaimed = 0, received = 0;
            weir::task_pool tasks({here.get_executor()}, pool_options(1),
                                  [&](weir::outcome<void>&&) { ++unclaimed; });
            const auto fail = []() -> int { throw std::runtime_error("no"); };
            const auto look = [&](weir::error_code, weir::outcome<int>) { ++received; };
            bool done = false;
            {
                auto handle = tasks.try_submit(fail);
                handle.async_outcome(asio::bind_executor(away->get_executor(), look));
            }
            for (std::size_t i = 0; i < steps; ++i)
                w.run_one();
            done = tasks.ledger().failed == 1U;
            before += done && received == 0 ? 1 : 0;
            away.reset();
            w.run();
            BOOST_TEST(unclaimed + received == 1);
            tasks.close();
            w.run();
        }
    BOOST_TEST(before > 0); // it was tried
}

BOOST_AUTO_TEST_SUITE_END()
