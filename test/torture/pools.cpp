#include "torture/torture.hpp"

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"

#include <weir/flow/task_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/run/cancel.hpp>

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;

using namespace weir::test;
using namespace std::chrono_literals;
using weir::job_id;
using weir::job_options;
using weir::pool_options;

namespace {

/// What became of a pool's jobs, by the outcomes.
struct fates {
    std::map<job_id, int> outcomes;

    void note(const weir::outcome<int>& out)
    {
        BOOST_TEST(out.id() != 0U);
        ++outcomes[out.id()];
    }
};

/// While allocations fail: a pool is made, jobs are submitted, and something is done to it.
/// Afterwards the accounts balance, each accepted job has one outcome, and the pool runs another
/// job, unless it was closed.
template <class Handler>
struct pool_scenario {
    pool_options options;
    Handler handler;
    job_options each{};
    int jobs = 4;
    bool by_coroutine = false;
    bool is_closed = false;
    std::function<void(simulation&, int_pool&)> deed = nullptr;

    void operator()(simulation& s) const
    {
        const auto all = std::make_shared<fates>(); // what is lost with the contexts comes later
        fates& seen = *all;
        s.world.limit_steps(5000);
        std::optional<int_pool> pool;
        const auto lost = [all](weir::outcome<int>&& out) { all->note(out); };
        const bool made = survives([&] { pool.emplace(both(s), options, handler, lost); });
        if (!made) {
            BOOST_TEST(run_on(s.world) == 0U);
            return;
        }
        const weir::cancel_source never;
        job_options options_of_each = each;
        if (!each.name().empty())
            options_of_each.token(never.token());
        std::set<job_id> accepted;
        std::size_t rejected = 0;
        const auto note = [&](const weir::submit_result<int>& result) {
            if (result)
                accepted.insert(result.id());
            else
                ++rejected;
        };
        std::size_t lost_workers = 0;
        std::size_t completed = 0;
        std::size_t begun = 0;
        for (int i = 0; i < jobs; ++i) {
            if (by_coroutine)
                begun += survives([&] {
                    pool->async_submit(i, options_of_each, [&](weir::submit_result<int> result) {
                        ++completed;
                        note(result);
                    });
                });
            else
                survives([&] { note(pool->try_submit(i, options_of_each)); });
        }
        {
            const while_they_fail here;
            for (int steps = 0; steps < 6; ++steps)
                lost_workers += survives([&] { s.world.run_one(); }) ? 0 : 1;
            count_allocations(true);
            if (deed)
                deed(s, *pool);
            // A worker that cannot wait for a job tries again, as long as there is no memory.
            for (int steps = 0; steps < 300; ++steps)
                lost_workers += survives([&] { s.world.run_one(); }) ? 0 : 1;
        }
        const auto take = [&] {
            while (auto out = pool->results().try_receive())
                seen.note(*out);
        };
        take();
        s.world.run();
        take();
        BOOST_TEST(completed == begun);
        if (!is_closed) {
            pool->resize(2);
            const auto again = pool->try_submit(7);
            note(again);
            s.world.run();
            take();
            if (again)
                BOOST_TEST(seen.outcomes[again.id()] == 1);
            else
                BOOST_TEST((again.error() == weir::errc::closed && lost_workers != 0));
        }
        const weir::ledger before = pool->ledger();
        BOOST_TEST(before.accepted == accepted.size());
        BOOST_TEST(before.rejected == rejected);
        BOOST_TEST(before.running() == 0U);
        bool complete = false;
        const auto end = [&]() -> asio::awaitable<void> {
            const weir::drain_report report = co_await pool->drain(1min);
            complete = report.complete;
        };
        s.spawn(end, "drain");
        s.run();
        take();
        BOOST_TEST(complete);
        BOOST_TEST(pool->ledger().balanced());
        BOOST_TEST(seen.outcomes.size() == accepted.size());
        for (const auto& [id, times] : seen.outcomes)
            BOOST_TEST((times == 1 && accepted.count(id) == 1));
    }
};

const auto plain = [](int n) { return n; };

job_options named()
{
    return job_options()
        .name("a name that is too long for a small string")
        .key("and its key, which is as long as that");
}

/// Every allocation of a pool with this handler fails, for jobs with and without options.
template <class Handler>
void fails_everywhere(std::size_t least, const pool_options& options, Handler handler)
{
    for (const bool with_name : {false, true})
        for (const bool by_coroutine : {false, true}) {
            pool_scenario<Handler> one{options, handler};
            if (with_name)
                one.each = named();
            one.by_coroutine = by_coroutine;
            each_allocation_fails_in(least, one);
        }
}

} // namespace

BOOST_AUTO_TEST_SUITE(torture_pools)

BOOST_AUTO_TEST_CASE(plain_jobs_keep_their_accounts)
{
    fails_everywhere(5, pool_options(2), plain);
}

BOOST_AUTO_TEST_CASE(coroutine_jobs_keep_their_accounts)
{
    fails_everywhere(5, pool_options(2), slow);
}

BOOST_AUTO_TEST_CASE(timed_jobs_keep_their_accounts)
{
    fails_everywhere(5, pool_options(2).timings().keep_jobs(), slow);
    fails_everywhere(5, pool_options(2).timings().keep_jobs(), plain);
}

BOOST_AUTO_TEST_CASE(jobs_that_time_out_keep_their_accounts)
{
    fails_everywhere(5, pool_options(2).timeout(500ms), slow);
}

BOOST_AUTO_TEST_CASE(abandoned_jobs_keep_their_accounts)
{
    const auto hangs = [](int n) { return n == 7 ? slow(n) : stubborn(10s); };
    fails_everywhere(5, pool_options(2).timeout(2s).grace(1s), hangs);
}

BOOST_AUTO_TEST_CASE(jobs_that_wait_for_limits_keep_their_accounts)
{
    const auto limits = [] {
        return pool_options(2).queue(4).per_key(1).key_share(0.8).bytes(100).rate(
            weir::rate(1, 100ms), 1);
    };
    fails_everywhere(5, limits(), slow);
    fails_everywhere(5, limits().breaker(weir::breaker_options()), plain);
}

BOOST_AUTO_TEST_CASE(jobs_that_are_run_again_keep_their_accounts)
{
    const auto fails = [](int n) -> asio::awaitable<int> {
        const auto executor = co_await asio::this_coro::executor;
        co_await weir::async_sleep_for(executor, 100ms);
        if (n != 7)
            throw std::runtime_error("failed");
        co_return n;
    };
    const auto policy = weir::retry_policy(2).backoff(weir::backoff(50ms, 50ms, 1));
    fails_everywhere(5, pool_options(2).retry(policy), fails);
    fails_everywhere(5, pool_options(1).per_key(1).retry(policy), fails);
}

BOOST_AUTO_TEST_CASE(results_that_are_not_received_keep_their_accounts)
{
    fails_everywhere(5, pool_options(2).results(1), slow);
    fails_everywhere(5, pool_options(2).results(1), plain);
}

BOOST_AUTO_TEST_SUITE_END()
