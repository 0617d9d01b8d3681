// Pools with any of their limits, jobs that do anything, and everything at once, by chance. What
// must hold whatever happens: each accepted job has one outcome, no limit is exceeded, nothing
// hangs, and the ledger adds up at every moment.
#include <weir/flow/pool_options.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/sleep.hpp>

#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::job_context;
using weir::job_options;
using weir::pool_options;
using weir::status;

namespace {

class chance {
public:
    explicit chance(std::uint64_t seed) : random_(seed) {}

    int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }
    bool one_in(int n) { return below(n) == 0; }

private:
    std::mt19937_64 random_;
};

// The limits of one pool, and what was drawn for each.
struct drawn_limits {
    explicit drawn_limits(chance& draw)
        : workers(static_cast<std::size_t>(1 + draw.below(4))),
          queue(static_cast<std::size_t>(1 + draw.below(8)))
    {
        if (draw.one_in(2))
            per_key = static_cast<std::size_t>(1 + draw.below(2));
        if (draw.one_in(3))
            share = 0.3 + 0.1 * draw.below(7);
        if (draw.one_in(3))
            bytes = static_cast<std::size_t>(50 + draw.below(50));
        if (draw.one_in(3)) {
            interval = std::chrono::milliseconds(50 + draw.below(500));
            burst = 1 + draw.below(3);
        }
        attempts = draw.one_in(2) ? static_cast<std::size_t>(1 + draw.below(4)) : 0;
        breaks = draw.one_in(4);
        rejects = draw.one_in(4);
        timeout =
            draw.one_in(3) ? weir::duration(std::chrono::milliseconds(500)) : weir::duration::max();
        retry_timed_out = draw.one_in(2);
    }

    pool_options options() const
    {
        pool_options all(workers);
        all.queue(queue).timeout(timeout).grace(200ms).results(4);
        all.per_key(per_key ? weir::limit(*per_key) : weir::unlimited);
        if (share)
            all.key_share(*share);
        if (bytes)
            all.bytes(*bytes);
        if (interval)
            all.rate(weir::rate(1, *interval), static_cast<std::uint64_t>(burst));
        if (attempts != 0) {
            auto policy = weir::retry_policy(attempts).backoff(weir::backoff(200ms, 1s, 7));
            if (retry_timed_out)
                policy.retry_timed_out();
            all.retry(policy);
        }
        if (breaks)
            all.breaker(weir::breaker_options().window(4).failures(3).open_for(700ms));
        if (rejects)
            all.when_full(weir::overflow::reject);
        return all;
    }

    weir::limit workers;
    std::size_t queue;
    std::optional<std::size_t> per_key;
    std::optional<double> share;
    std::optional<std::size_t> bytes;
    std::optional<weir::duration> interval;
    int burst = 1;
    std::size_t attempts = 0;
    bool breaks = false;
    bool rejects = false;
    weir::duration timeout = weir::duration::max();
    bool retry_timed_out = false;
};

// What runs, seen from inside the jobs.
struct inside {
    explicit inside(simulation& world, const drawn_limits& most)
        : s(world), limits(most), workers(most.workers)
    {
    }

    void begin(const std::string& key)
    {
        ++running;
        BOOST_TEST(running <= workers.count() + stubborn);
        if (limits.per_key && !key.empty())
            BOOST_TEST(++of_key[key] <= *limits.per_key + stubborn);
        starts.push_back(s.world.now());
        const auto burst = static_cast<std::size_t>(limits.burst);
        if (limits.interval && starts.size() > burst) {
            const auto window = starts.back() - starts[starts.size() - burst - 1];
            BOOST_TEST((window >= *limits.interval));
        }
    }
    void end(const std::string& key)
    {
        --running;
        if (limits.per_key && !key.empty())
            --of_key[key];
    }

    simulation& s;
    const drawn_limits& limits;
    weir::limit workers; // the most there were
    std::size_t running = 0;
    std::size_t stubborn = 0; // may have been abandoned, and go on
    std::map<std::string, std::size_t> of_key;
    std::vector<weir::time_point> starts;
};

struct counted {
    counted(inside& all, std::string k) : of(all), key(std::move(k)) { of.begin(key); }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { of.end(key); }

    inside& of;
    const std::string key;
};

struct drawn_job {
    weir::duration length{};
    int failures = 0;
    int runs = 0;
    bool ignores_cancellation = false;
};

asio::awaitable<int> run_drawn(inside& seen, drawn_job& job, std::string key)
{
    const counted here(seen, key);
    const bool fails = ++job.runs <= job.failures;
    const auto executor = co_await asio::this_coro::executor;
    if (job.ignores_cancellation) {
        ++seen.stubborn;
        co_await stubborn(job.length);
    } else {
        co_await weir::async_sleep_for(executor, job.length);
    }
    if (fails)
        throw std::runtime_error("failed");
    co_return job.runs;
}

drawn_job draw_job(chance& draw)
{
    drawn_job job;
    job.length = std::chrono::milliseconds(draw.below(800));
    job.failures = draw.one_in(2) ? draw.below(5) : 0;
    job.ignores_cancellation = draw.one_in(12);
    return job;
}

job_options draw_options(chance& draw, weir::time_point now, const weir::cancel_token& token)
{
    job_options drawn;
    static const char* const keys[] = {"", "a", "b", "c"};
    drawn.key(keys[draw.below(4)]);
    if (draw.one_in(3))
        drawn.bytes(static_cast<std::size_t>(draw.below(110)));
    if (draw.one_in(4))
        drawn.deadline(now + std::chrono::milliseconds(draw.below(3000)));
    if (draw.one_in(6))
        drawn.token(token);
    return drawn;
}

template <class Pool>
void run_checked(simulation& s, const Pool& jobs)
{
    while (s.world.run_one()) {
        const weir::ledger l = jobs.ledger();
        BOOST_REQUIRE_LE(l.started + l.dropped, l.accepted);
        BOOST_REQUIRE_LE(l.finished() + l.retrying, l.started);
    }
    s.run();
    const weir::ledger l = jobs.ledger();
    BOOST_TEST(l.balanced());
    BOOST_TEST(l.retrying == 0U);
    BOOST_TEST(l.queued() == 0U);
}

// How it goes to its end, some time after it began.
template <class Pool>
asio::awaitable<void> end_somehow(inside& seen, Pool& jobs, chance& draw, weir::cancel_source& all)
{
    const auto executor = seen.s.b.get_executor();
    co_await weir::async_sleep_for(executor, std::chrono::milliseconds(draw.below(4000)));
    if (draw.one_in(2))
        all.cancel();
    if (draw.one_in(3) && !seen.workers.is_unlimited()) {
        const weir::limit other(static_cast<std::size_t>(1 + draw.below(6)));
        seen.workers = std::max(seen.workers.count(), other.count());
        jobs.resize(other);
    }
    co_await weir::async_sleep_for(executor, std::chrono::milliseconds(draw.below(4000)));
    const int how = draw.below(3);
    if (how == 0)
        jobs.stop();
    const auto limit = std::chrono::milliseconds(how == 1 ? 100 + draw.below(2000) : 3'600'000);
    const auto report = co_await jobs.drain(limit);
    if (how == 2)
        BOOST_TEST(report.complete);
}

constexpr std::uint64_t seeds = 600;

} // namespace

BOOST_AUTO_TEST_SUITE(pool_limits_any)

BOOST_AUTO_TEST_CASE(each_job_ends_once_within_all_limits)
{
    std::uint64_t seed = 0;
    in_many_orders(
        [&](simulation& s) {
            chance draw(++seed);
            const drawn_limits limits(draw);
            inside seen(s, limits);
            weir::cancel_source source;
            const auto options = limits.options();
            std::map<weir::job_id, status> got;
            const auto ended = [&](const weir::outcome<int>& out) {
                BOOST_TEST(got.count(out.id()) == 0U);
                got[out.id()] = out.status();
                BOOST_TEST(out.attempts() <= std::max<std::size_t>(1, limits.attempts));
            };
            const auto handler = [&seen](drawn_job& job, job_context& context) {
                return run_drawn(seen, job, std::string(context.key()));
            };
            // What a drain without enough time leaves goes to the hook.
            weir::worker_pool<drawn_job, int> jobs(both(s), options, handler, ended);
            std::size_t accepted = 0;
            s.spawn([&]() -> asio::awaitable<void> {
                while (auto out = co_await jobs.results().async_receive())
                    ended(*out);
            });
            for (int submitter = 0; submitter < 3; ++submitter)
                s.spawn([&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 8; ++i) {
                        auto given = draw_options(draw, s.world.now(), source.token());
                        auto job = draw_job(draw);
                        const auto result = co_await jobs.async_submit(std::move(job), given);
                        accepted += result ? 1 : 0;
                        const auto pause = std::chrono::milliseconds(draw.below(150));
                        co_await weir::async_sleep_for(s.b.get_executor(), pause);
                    }
                });
            s.spawn(s.b, [&] { return end_somehow(seen, jobs, draw, source); });
            run_checked(s, jobs);
            BOOST_TEST(got.size() == accepted);
            BOOST_TEST(jobs.ledger().accepted == accepted);
        },
        seeds);
}

BOOST_AUTO_TEST_CASE(each_task_ends_once_within_all_limits)
{
    std::uint64_t seed = 0;
    in_many_orders(
        [&](simulation& s) {
            chance draw(1000 + ++seed);
            drawn_limits limits(draw);
            if (draw.one_in(5))
                limits.workers = weir::unlimited;
            inside seen(s, limits);
            weir::cancel_source source;
            const auto options = limits.options();
            weir::task_pool tasks(both(s), options);
            std::size_t ended = 0;
            std::size_t accepted = 0;
            for (int submitter = 0; submitter < 3; ++submitter)
                s.spawn([&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 6; ++i) {
                        const auto given = draw_options(draw, s.world.now(), source.token());
                        const auto job = std::make_shared<drawn_job>(draw_job(draw));
                        const auto key = given.key();
                        auto call = [&seen, job, key] { return run_drawn(seen, *job, key); };
                        try {
                            auto task = co_await tasks.async_submit(std::move(call), given);
                            ++accepted;
                            const auto own = std::make_shared<weir::task<int>>(std::move(task));
                            const auto pause = std::chrono::milliseconds(draw.below(1500));
                            const bool cancels = draw.one_in(3);
                            s.spawn(s.b, [&, own, pause, cancels]() -> asio::awaitable<void> {
                                if (cancels) {
                                    co_await weir::async_sleep_for(s.b.get_executor(), pause);
                                    own->cancel();
                                }
                                const auto out = co_await own->async_outcome();
                                ++ended;
                                const auto most = std::max<std::size_t>(1, limits.attempts);
                                BOOST_TEST(out.attempts() <= most);
                            });
                        } catch (const weir::system_error&) {
                        }
                        const auto pause = std::chrono::milliseconds(draw.below(150));
                        co_await weir::async_sleep_for(s.a.get_executor(), pause);
                    }
                });
            s.spawn(s.b, [&] { return end_somehow(seen, tasks, draw, source); });
            run_checked(s, tasks);
            BOOST_TEST(ended == accepted);
            BOOST_TEST(tasks.ledger().accepted == accepted);
        },
        seeds);
}

BOOST_AUTO_TEST_SUITE_END()
