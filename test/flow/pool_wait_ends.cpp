// What becomes of an accepted job that waits for its key, for the rate, or for its next attempt:
// a small table of docs/cancellation.md, cell by cell.
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::job_context;
using weir::job_options;
using weir::pool_options;
using weir::status;

namespace {

enum class waits_for { key, rate, attempt };

constexpr waits_for kinds[] = {waits_for::key, waits_for::rate, waits_for::attempt};

pool_options limited(pool_options options, waits_for what)
{
    if (what == waits_for::key)
        options.per_key(1);
    else if (what == waits_for::rate)
        options.rate(weir::rate(1, 10s), 1);
    else
        options.retry(weir::retry_policy(2).backoff(weir::backoff(1ms, 1ms, 1)));
    return options;
}

// A job that waits until ten seconds have passed, and then takes one more.
struct waiting_job {
    waiting_job(simulation& sim, waits_for w, const pool_options& options = pool_options(2))
        : s(sim), what(w), jobs(both(sim), limited(options, w),
                                [this](int n, job_context& context) { return run(n, context); })
    {
    }

    asio::awaitable<int> run(int n, job_context& context)
    {
        const auto executor = co_await asio::this_coro::executor;
        if (n != 0 && ++runs == 1 && what == waits_for::attempt) {
            (void)context.hold(s.world.now() + 10s);
            throw std::runtime_error("the first attempt");
        }
        const auto length = n != 0 ? 1s : what == waits_for::key ? 2s : 0s;
        co_await weir::async_sleep_for(executor, length);
        co_return n;
    }

    void begin(job_options own = job_options())
    {
        const int before = what == waits_for::key ? 5 : what == waits_for::rate ? 1 : 0;
        const auto same = job_options().key("a");
        for (int i = 0; i < before; ++i)
            BOOST_TEST(bool(jobs.try_submit(0, same)));
        const auto accepted = jobs.try_submit(1, own.key("a"));
        BOOST_TEST(bool(accepted));
        id = accepted.id();
        s.spawn([this] { return take_outcomes(); });
    }

    asio::awaitable<void> take_outcomes()
    {
        while (auto out = co_await jobs.results().async_receive()) {
            if (out->id() != id)
                continue;
            ++outcomes;
            at = s.elapsed();
            how = out->status();
            try {
                (void)out->value();
            } catch (const std::exception& e) {
                error = e.what();
            }
        }
    }

    // The event comes after five seconds.
    template <class Event>
    void meets(Event event)
    {
        s.spawn([this, event]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 5s);
            event();
            jobs.close();
        });
        run_watching(s, jobs);
        BOOST_TEST(outcomes == 1);
    }

    asio::awaitable<void> drain_after_five_seconds(weir::duration limit, bool& clean)
    {
        co_await weir::async_sleep_for(s.a.get_executor(), 5s);
        const auto report = co_await jobs.drain(limit);
        BOOST_TEST(report.complete);
        clean = report.clean();
    }

    void ran() const
    {
        BOOST_TEST((how == status::ok));
        BOOST_TEST((at >= 11s && at <= 11s + 1ms));
    }

    void ended(status expected, weir::duration when) const
    {
        BOOST_TEST((how == expected));
        BOOST_TEST((at == when));
        BOOST_TEST(runs == (what == waits_for::attempt ? 1 : 0));
        if (how == status::failed)
            BOOST_TEST(error == "the first attempt");
    }

    simulation& s;
    const waits_for what;
    int_pool jobs;
    weir::job_id id = 0;
    int runs = 0;
    int outcomes = 0;
    status how = status::ok;
    weir::duration at{};
    std::string error;
};

template <class Body>
void for_each_kind(Body body)
{
    for (const waits_for what : kinds)
        in_many_orders([&](simulation& s) { body(s, what); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(pool_wait_ends)

BOOST_AUTO_TEST_CASE(a_job_that_is_cancelled_ends_at_once)
{
    for_each_kind([](simulation& s, waits_for what) {
        weir::cancel_source source;
        waiting_job one(s, what);
        one.begin(job_options().token(source.token()));
        one.meets([&] { source.cancel(); });
        one.ended(status::cancelled, 5s);
    });
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_closed_runs_what_waits)
{
    for_each_kind([](simulation& s, waits_for what) {
        waiting_job one(s, what);
        one.begin();
        one.meets([&] { one.jobs.close(); });
        one.ran();
    });
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_stopped_ends_what_waits_at_once)
{
    for_each_kind([](simulation& s, waits_for what) {
        waiting_job one(s, what);
        one.begin();
        one.meets([&] { one.jobs.stop(); });
        one.ended(what == waits_for::attempt ? status::failed : status::dropped, 5s);
    });
}

BOOST_AUTO_TEST_CASE(a_drain_runs_what_may_begin_within_its_limit)
{
    for_each_kind([](simulation& s, waits_for what) {
        waiting_job one(s, what);
        one.begin();
        bool clean = false;
        s.spawn([&] { return one.drain_after_five_seconds(1h, clean); });
        run_watching(s, one.jobs);
        BOOST_TEST(clean);
        one.ran();
    });
}

BOOST_AUTO_TEST_CASE(a_drain_ends_what_would_begin_later)
{
    for_each_kind([](simulation& s, waits_for what) {
        waiting_job one(s, what);
        one.begin();
        bool clean = false;
        s.spawn([&] { return one.drain_after_five_seconds(2s, clean); });
        run_watching(s, one.jobs);
        if (what == waits_for::attempt) {
            one.ended(status::failed, 5s); // it would be later: that is known now
        } else {
            BOOST_TEST(!clean);
            one.ended(status::dropped, 7s);
        }
    });
}

BOOST_AUTO_TEST_CASE(a_job_waits_no_longer_than_its_deadline)
{
    for_each_kind([](simulation& s, waits_for what) {
        waiting_job one(s, what);
        one.begin(job_options().deadline(s.world.now() + 6s));
        one.meets([] {});
        if (what == waits_for::attempt)
            one.ended(status::failed, 0s); // no attempt can begin before the deadline
        else
            one.ended(status::timed_out, 6s);
    });
}

BOOST_AUTO_TEST_CASE(a_timeout_does_not_count_while_a_job_waits)
{
    for_each_kind([](simulation& s, waits_for what) {
        waiting_job one(s, what, pool_options(2).timeout(3s));
        one.begin();
        one.meets([] {});
        one.ran();
    });
}

BOOST_AUTO_TEST_SUITE_END()
