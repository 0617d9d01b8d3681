// A job that is asked to wait holds its key.
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::errc;
using weir::hold_result;
using weir::job_context;
using weir::job_options;
using weir::pool_options;

namespace {

struct start {
    std::string key;
    weir::duration at;
    int number;
};

// A far side that answers the first calls for the key "a" with "come back in so long".
struct far_side {
    asio::awaitable<int> operator()(int n, job_context& context)
    {
        const std::string key(context.key());
        starts.push_back({key, s.elapsed(), n});
        const auto executor = co_await asio::this_coro::executor;
        co_await weir::async_sleep_for(executor, 100ms);
        if (key != "b" && refusals > 0) {
            --refusals;
            (void)context.hold(s.world.now() + pause);
            throw std::runtime_error("429");
        }
        co_return n;
    }

    auto handler()
    {
        return [this](int n, job_context& context) { return (*this)(n, context); };
    }

    simulation& s;
    int refusals = 1;
    weir::duration pause = 30s;
    std::vector<start> starts{};
};

weir::retry_policy soon(std::size_t attempts)
{
    return weir::retry_policy(attempts).backoff(weir::backoff(1ms, 1ms, 1));
}

} // namespace

BOOST_AUTO_TEST_SUITE(pool_hold)

BOOST_AUTO_TEST_CASE(one_that_is_asked_to_wait_holds_its_key_and_no_other)
{
    in_many_orders([](simulation& s) {
        far_side far{s};
        const auto options = pool_options(4).per_key(1).retry(soon(2)).discard_results();
        int_pool jobs(both(s), options, far.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 3; ++i) {
                BOOST_TEST(bool(jobs.try_submit(i, job_options().key("a"))));
                BOOST_TEST(bool(jobs.try_submit(10 + i, job_options().key("b"))));
            }
            const auto report = co_await jobs.drain(10min);
            BOOST_TEST(report.clean());
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 6U);
        BOOST_TEST(jobs.ledger().retries == 1U);
        for (const start& each : far.starts) {
            if (each.key == "b")
                BOOST_TEST((each.at < 1s));
            else
                BOOST_TEST((each.at == 0s || each.at >= 30s));
        }
    });
}

BOOST_AUTO_TEST_CASE(after_a_hold_one_goes_alone)
{
    in_many_orders([](simulation& s) {
        far_side far{s};
        const auto options = pool_options(8).per_key(4).discard_results();
        int_pool jobs(both(s), options, far.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(jobs.try_submit(0, job_options().key("a"))));
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            for (int i = 1; i < 5; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, job_options().key("a"))));
            const auto report = co_await jobs.drain(10min);
            BOOST_TEST(report.complete);
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 4U);
        BOOST_TEST(jobs.ledger().failed == 1U);
        BOOST_REQUIRE(far.starts.size() == 5U);
        BOOST_TEST((far.starts[1].at == 30100ms)); // the probe
        for (std::size_t i = 2; i < 5; ++i)
            BOOST_TEST((far.starts[i].at == 30200ms));
    });
}

BOOST_AUTO_TEST_CASE(a_job_without_a_key_holds_itself_only)
{
    in_many_orders([](simulation& s) {
        far_side far{s};
        int_pool jobs(both(s), pool_options(1).retry(soon(2)).discard_results(), far.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(jobs.try_submit(0)));
            BOOST_TEST(bool(jobs.try_submit(1)));
            const auto report = co_await jobs.drain(10min);
            BOOST_TEST(report.clean());
        });
        run_watching(s, jobs);
        BOOST_REQUIRE(far.starts.size() == 3U);
        BOOST_TEST(far.starts[1].number == 1);
        BOOST_TEST((far.starts[1].at < 1s));
        BOOST_TEST((far.starts[2].at >= 30s));
    });
}

// As many keys are held as may be.
BOOST_AUTO_TEST_CASE(a_job_learns_that_its_key_is_not_held)
{
    constexpr int most = 65'536;
    simulation s(1);
    std::vector<hold_result> answers;
    const auto asks = [&](int n, job_context& context) -> asio::awaitable<int> {
        answers.push_back(context.hold(s.world.now() + 1min));
        co_return n;
    };
    const auto options = pool_options(1).queue(most).per_key(1).discard_results();
    int_pool jobs({s.a.get_executor()}, options, asks);
    s.spawn([&]() -> asio::awaitable<void> {
        for (int i = 0; i <= most; ++i) {
            const auto key = job_options().key(std::to_string(i));
            const auto accepted = co_await jobs.async_submit(i, key);
            BOOST_REQUIRE(bool(accepted));
        }
        jobs.close();
    });
    s.run();
    BOOST_REQUIRE(answers.size() == most + 1U);
    BOOST_TEST((answers.back() == hold_result::refused));
    answers.pop_back();
    BOOST_TEST(std::all_of(answers.begin(), answers.end(),
                           [](hold_result each) { return each == hold_result::held; }));
}

BOOST_AUTO_TEST_CASE(a_hold_in_a_pool_without_limits_is_refused_and_one_in_the_past_is_not)
{
    in_many_orders([](simulation& s) {
        std::vector<hold_result> answers;
        const auto asks = [&](int n, job_context& context) -> asio::awaitable<int> {
            answers.push_back(context.hold(s.world.now() + weir::duration(n)));
            co_return n;
        };
        int_pool unlimited({s.a.get_executor()}, pool_options(1).discard_results(), asks);
        BOOST_TEST(bool(unlimited.try_submit(1, job_options().key("a"))));
        unlimited.close();
        s.run();
        int_pool limited({s.a.get_executor()}, pool_options(1).per_key(1).discard_results(), asks);
        BOOST_TEST(bool(limited.try_submit(0, job_options().key("a"))));
        limited.close();
        s.run();
        BOOST_TEST((answers == std::vector{hold_result::refused, hold_result::held}));
    });
}

BOOST_AUTO_TEST_CASE(being_asked_to_wait_is_no_failure_to_a_breaker)
{
    in_many_orders([](simulation& s) {
        far_side far{s, 6, 1s, {}};
        const auto rule = weir::breaker_options().window(4).failures(2);
        const auto options = pool_options(1).breaker(rule).retry(soon(9)).discard_results();
        int_pool jobs({s.a.get_executor()}, options, far.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 4; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, job_options().key("a"))));
            const auto report = co_await jobs.drain(10min);
            BOOST_TEST(report.clean());
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 4U);
    });
}

BOOST_AUTO_TEST_CASE(a_hold_that_is_over_keeps_no_failure_from_a_breaker)
{
    in_many_orders([](simulation& s) {
        far_side far{s, 100, 0s};
        const auto rule = weir::breaker_options().window(4).failures(2);
        const auto options = pool_options(1).breaker(rule).discard_results();
        int_pool jobs({s.a.get_executor()}, options, far.handler());
        for (int i = 0; i < 20; ++i)
            BOOST_TEST(bool(jobs.try_submit(i, job_options().key("a"))));
        jobs.close();
        run_watching(s, jobs);
        BOOST_TEST(far.starts.size() == 2U);
    });
}

BOOST_AUTO_TEST_CASE(a_hold_of_a_day_ends_the_jobs_of_the_key)
{
    in_many_orders([](simulation& s) {
        far_side far{s, 1, 24h, {}};
        int_pool jobs(both(s), pool_options(2).per_key(1), far.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 3; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, job_options().key("a"))));
            BOOST_TEST(bool(jobs.try_submit(10, job_options().key("b"))));
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            BOOST_TEST(bool(jobs.try_submit(3, job_options().key("a")))); // comes meanwhile
            jobs.close();
        });
        std::map<std::string, int> ended;
        s.spawn([&]() -> asio::awaitable<void> {
            while (auto out = co_await jobs.results().async_receive()) {
                try {
                    (void)out->value();
                    ++ended["ok"];
                } catch (const weir::system_error& error) {
                    BOOST_TEST((error.code() == errc::held_too_long));
                    BOOST_TEST(out->attempts() == 0U);
                    ++ended["held"];
                } catch (const std::runtime_error& error) {
                    ++ended[error.what()];
                }
            }
        });
        run_watching(s, jobs);
        const std::map<std::string, int> expected{{"429", 1}, {"held", 3}, {"ok", 1}};
        BOOST_TEST((ended == expected));
        BOOST_TEST((s.elapsed() == 1s));
        BOOST_TEST(far.starts.size() == 2U);
    });
}

// The second job of the key asks for a day while the first one sleeps between its attempts.
BOOST_AUTO_TEST_CASE(a_hold_of_a_day_ends_a_job_that_sleeps_as_it_wakes)
{
    in_many_orders([](simulation& s) {
        int calls = 0;
        std::vector<hold_result> answers;
        const auto fails = [&](int n, job_context& context) -> asio::awaitable<int> {
            ++calls;
            if (n == 1)
                answers.push_back(context.hold(s.world.now() + 24h));
            throw std::runtime_error("no answer");
            co_return n;
        };
        const auto retry = weir::retry_policy(2).backoff(weir::backoff(10s, 10s, 1));
        int_pool jobs(both(s), pool_options(2).retry(retry), fails);
        std::map<int, weir::error_code> ended;
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(jobs.try_submit(0, job_options().key("a"))));
            co_await weir::async_sleep_for(s.a.get_executor(), 1ns);
            BOOST_TEST(bool(jobs.try_submit(1, job_options().key("a"))));
            jobs.close();
            while (auto out = co_await jobs.results().async_receive())
                try {
                    (void)out->value();
                } catch (const weir::system_error& error) {
                    ended[static_cast<int>(out->id())] = error.code();
                } catch (const std::runtime_error&) {
                }
        });
        run_watching(s, jobs);
        BOOST_TEST(calls == 2);
        BOOST_TEST((answers == std::vector{hold_result::too_long}));
        BOOST_TEST(ended.size() == 1U); // the other has its own error
        BOOST_TEST((s.elapsed() <= 11s));
        for (const auto& [id, error] : ended)
            BOOST_TEST((error == errc::held_too_long));
    });
}

BOOST_AUTO_TEST_CASE(the_longer_of_two_holds_of_one_attempt_counts)
{
    in_many_orders([](simulation& s) {
        std::vector<weir::duration> starts;
        const auto asked_twice = [&](int n, job_context& context) -> asio::awaitable<int> {
            starts.push_back(s.elapsed());
            if (starts.size() == 1) {
                BOOST_TEST((context.hold(s.world.now() + 30s) == hold_result::held));
                BOOST_TEST((context.hold(s.world.now() + 1s) == hold_result::held));
                throw std::runtime_error("429");
            }
            co_return n;
        };
        int_pool jobs(both(s), pool_options(1).retry(soon(2)).discard_results(), asked_twice);
        BOOST_TEST(bool(jobs.try_submit(0)));
        jobs.close();
        run_watching(s, jobs);
        BOOST_REQUIRE(starts.size() == 2U);
        BOOST_TEST((starts[1] >= 30s));
    });
}

BOOST_AUTO_TEST_CASE(a_breaker_hears_of_the_attempts_after_a_hold)
{
    in_many_orders([](simulation& s) {
        int calls = 0;
        const auto refuses_once = [&](int n, job_context& context) -> asio::awaitable<int> {
            if (++calls == 1)
                (void)context.hold(s.world.now() + 1s);
            throw std::runtime_error("503");
            co_return n;
        };
        const auto rule = weir::breaker_options().window(4).failures(2);
        const auto options = pool_options(1).breaker(rule).retry(soon(9)).discard_results();
        int_pool jobs({s.a.get_executor()}, options, refuses_once);
        BOOST_TEST(bool(jobs.try_submit(0, job_options().key("a"))));
        jobs.close();
        run_watching(s, jobs);
        BOOST_TEST(calls == 3); // then it is open
    });
}

BOOST_AUTO_TEST_CASE(a_probe_that_is_cancelled_opens_nothing)
{
    in_many_orders([](simulation& s) {
        far_side far{s};
        weir::cancel_source source;
        const auto options = pool_options(8).per_key(4).discard_results();
        int_pool jobs(both(s), options, far.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(jobs.try_submit(0, job_options().key("a"))));
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            const auto first = job_options().key("a").token(source.token());
            BOOST_TEST(bool(jobs.try_submit(1, first)));
            for (int i = 2; i < 5; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, job_options().key("a"))));
            co_await weir::async_sleep_for(s.a.get_executor(), 29150ms); // 1 is under way
            source.cancel();
            jobs.close();
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().cancelled == 1U);
        BOOST_REQUIRE(far.starts.size() == 5U);
        BOOST_TEST((far.starts[1].at == 30100ms));
        BOOST_TEST((far.starts[2].at == 30150ms)); // another probe, alone
        BOOST_TEST((far.starts[3].at == 30250ms));
        BOOST_TEST((far.starts[4].at == 30250ms));
    });
}

BOOST_AUTO_TEST_SUITE_END()
