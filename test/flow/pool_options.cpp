// What a pool's constructor refuses, and the sentence it says.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <weir/flow/explain.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;

namespace {

auto says(const std::string& words)
{
    return [words](const std::invalid_argument& e) {
        return std::string(e.what()).find(words) != std::string::npos;
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(options_of_a_pool)

BOOST_AUTO_TEST_CASE(a_report_of_stuck_jobs_without_a_timeout_is_refused)
{
    simulation s(1);
    const auto report = [](const weir::stuck_job&) {};
    const auto options = weir::pool_options(1).on_stuck(report);
    BOOST_CHECK_EXCEPTION(int_pool(both(s), options, twice_after_a_second), std::invalid_argument,
                          says("on_stuck"));
    BOOST_CHECK_EXCEPTION(weir::task_pool(both(s), options), std::invalid_argument,
                          says("needs a timeout"));
    auto with_timeout = options;
    weir::task_pool tasks(both(s), with_timeout.timeout(1s));
    tasks.close();
    s.run();
}

BOOST_AUTO_TEST_CASE(a_plain_handler_of_more_workers_than_runners_is_refused)
{
    simulation s(1);
    const auto plain = [](int n) { return n; };
    BOOST_CHECK_EXCEPTION(int_pool(both(s), weir::pool_options(3), plain), std::invalid_argument,
                          says("inline_on_runners"));
    int_pool as_many(both(s), weir::pool_options(2), plain);
    int_pool said_so(both(s), weir::pool_options(3).inline_on_runners(), plain);
    int_pool suspends(both(s), weir::pool_options(3), twice_after_a_second);
    BOOST_CHECK_EXCEPTION(as_many.resize(3), std::invalid_argument, says("inline_on_runners"));
    BOOST_TEST((as_many.workers() == weir::limit(2)));
    as_many.resize(1);
    said_so.resize(4);
    suspends.resize(4);
    as_many.close();
    said_so.close();
    suspends.close();
    s.run();
}

BOOST_AUTO_TEST_CASE(a_pool_that_keeps_jobs_gives_each_back_with_its_outcome)
{
    using pool = weir::worker_pool<std::string, int>;
    using moving_pool = weir::worker_pool<std::unique_ptr<int>, int>;
    const auto options = weir::pool_options(1).keep_jobs();
    in_many_orders([&](simulation& s) {
        int calls = 0;
        const auto fails_first = [&](std::string job) -> int { // moved from at the end
            const std::string own = std::move(job);
            if (++calls <= 2)
                throw std::runtime_error(own);
            return static_cast<int>(own.size());
        };
        pool jobs(both(s), options, fails_first);
        std::vector<int> got;
        s.spawn([&]() -> asio::awaitable<void> {
            for (const char* text : {"a", "bb", "ccc"})
                BOOST_TEST(bool(jobs.try_submit(std::string(text))));
            while (got.size() < 3) {
                auto out = co_await jobs.results().async_receive();
                BOOST_REQUIRE(out->job<std::string>() != nullptr);
                BOOST_TEST(out->job<int>() == nullptr);
                if (*out)
                    got.push_back(out->value());
                else
                    BOOST_TEST(bool(jobs.try_submit(std::move(*out->job<std::string>()))));
            }
            jobs.close();
        });
        s.run();
        std::sort(got.begin(), got.end());
        BOOST_TEST((got == std::vector<int>{1, 2, 3}));
    });
    simulation s(1);
    const auto looks = [](const std::unique_ptr<int>& job) { return *job; };
    moving_pool jobs(both(s), options, looks);
    (void)jobs.try_submit(std::make_unique<int>(7));
    s.world.run();
    const auto ran = jobs.results().try_receive();
    BOOST_TEST(**ran->job<std::unique_ptr<int>>() == 7);
    jobs.resize(weir::paused);
    s.world.run();
    (void)jobs.try_submit(std::make_unique<int>(8));
    jobs.stop();
    s.run();
    const auto dropped = jobs.results().try_receive();
    BOOST_TEST((dropped->status() == weir::status::dropped));
    BOOST_TEST(**dropped->job<std::unique_ptr<int>>() == 8);
}

BOOST_AUTO_TEST_CASE(without_being_asked_a_pool_keeps_no_job)
{
    simulation s(1);
    int_pool jobs(both(s), weir::pool_options(1), twice_after_a_second);
    BOOST_TEST(bool(jobs.try_submit(1, weir::job_options().name("named"))));
    jobs.close();
    s.run();
    BOOST_TEST(jobs.results().try_receive()->job<int>() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_ledger_and_an_outcome_are_a_line_of_text)
{
    simulation s(1);
    weir::task_pool tasks(both(s), weir::pool_options(1));
    auto failed = tasks.try_submit([]() -> int { throw std::runtime_error("no such file"); },
                                   weir::job_options().name("read it"));
    auto ok = tasks.try_submit([] { return 1; });
    tasks.close();
    std::vector<std::string> lines;
    const auto keep = [&](weir::error_code, weir::outcome<int> out) {
        std::ostringstream os;
        os << out;
        BOOST_TEST(os.str() == to_string(out));
        lines.push_back(os.str());
    };
    s.world.run();
    failed.async_outcome(keep);
    s.world.run();
    ok.async_outcome(keep);
    s.run();
    BOOST_REQUIRE(lines.size() == 2U);
    BOOST_TEST(lines[0] == "job 1 (read it): failed: no such file");
    BOOST_TEST(lines[1] == "job 2: ok");
    std::ostringstream os;
    os << tasks.ledger();
    BOOST_TEST(os.str() == "accepted 2, ok 1, failed 1");
}

std::string explained(const weir::task_pool& tasks)
{
    std::ostringstream os;
    weir::explain(tasks, os);
    return os.str();
}

bool explains(const weir::task_pool& tasks, const std::string& line)
{
    return explained(tasks).find("\n  in line for a worker or a limit: " + line + "\n") !=
           std::string::npos;
}

BOOST_AUTO_TEST_CASE(a_pool_explains_what_its_limits_hold_back)
{
    simulation s(1);
    auto options = weir::pool_options(1).per_key(2).rate(weir::rate::per_second(2), 1);
    options.retry(weir::retry_policy(3).backoff(weir::backoff(20s, 20s, 1))).discard_results();
    weir::task_pool tasks({s.a.get_executor()}, options);
    BOOST_TEST(explains(tasks, "0"), explained(tasks));
    const auto held = [&](weir::job_context& job) {
        (void)job.hold(s.world.now() + 1min);
        throw std::runtime_error("429");
    };
    BOOST_TEST(bool(tasks.try_submit(held, weir::job_options().key("a"))));
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 100ms);
        for (int i = 0; i < 3; ++i)
            (void)tasks.try_submit([] {}, weir::job_options().key("a"));
        BOOST_TEST(explains(tasks, "3, asleep until their next attempt: 1, keys that are held: 1, "
                                   "the rate allows the next start in 0.400 s"),
                   explained(tasks));
        tasks.stop();
    });
    s.run();
}

// What is over is not told, though it is remembered.
BOOST_AUTO_TEST_CASE(a_pool_explains_what_holds_jobs_back_now)
{
    simulation s(1);
    auto options = weir::pool_options(4).per_key(1).discard_results();
    options.breaker(weir::breaker_options().window(1).failures(1).open_for(1s));
    weir::task_pool tasks({s.a.get_executor()}, options);
    const auto sleeps = []() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1h);
    };
    const auto held = [&](weir::job_context& job) { (void)job.hold(s.world.now() + 2s); };
    (void)tasks.try_submit(held, weir::job_options().key("held"));
    (void)tasks.try_submit([] { throw std::runtime_error("no"); },
                           weir::job_options().key("broken"));
    for (int i = 0; i < 3; ++i)
        (void)tasks.try_submit(sleeps, weir::job_options().key("full"));
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 100ms);
        BOOST_TEST(explains(tasks, "2, keys at their limit: 1, keys that are held: 1, keys that "
                                   "the breaker refuses: 1"),
                   explained(tasks));
        co_await weir::async_sleep_for(s.a.get_executor(), 30s);
        BOOST_TEST(explains(tasks, "2, keys at their limit: 1"), explained(tasks));
        tasks.stop();
    });
    s.run();
}

BOOST_AUTO_TEST_CASE(a_pool_explains_what_it_is_doing)
{
    simulation s(1);
    weir::task_pool tasks(both(s), weir::pool_options(1).queue(1));
    (void)tasks.try_submit([] { return slow(1); }, weir::job_options().name("the slow one"));
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 250ms);
        (void)tasks.try_submit([] {});
        const auto waits = [](weir::error_code error, weir::outcome<void>) {
            BOOST_TEST((error == weir::errc::closed));
        };
        tasks.async_run([] {}, waits);
        co_await weir::async_sleep_for(s.a.get_executor(), 250ms);
        std::ostringstream os;
        weir::explain(tasks, os);
        BOOST_TEST(os.str() == "a pool of 1 jobs at a time\n"
                               "  accepted 2, queued 1, running 1\n"
                               "  waiting submitters: 1, results not received: 0\n"
                               "  job 1 (the slow one): 0.500 s, running or suspended\n");
        const auto report = co_await tasks.drain(1h);
        BOOST_TEST(report.ledger.rejected == 1U);
    });
    s.world.run();
    std::ostringstream after;
    weir::explain(tasks, after);
    BOOST_TEST(after.str() == "a pool of 1 jobs at a time, closed\n"
                              "  accepted 2, rejected 1, ok 2\n"
                              "  waiting submitters: 0, results not received: 0\n");
    int_pool jobs(both(s), weir::pool_options(weir::paused), twice_after_a_second);
    jobs.stop();
    std::ostringstream other;
    weir::explain(jobs, other);
    BOOST_TEST(other.str().find("no job at a time: it is paused, stopped (shutdown)") !=
               std::string::npos);
    s.world.run();
}

BOOST_AUTO_TEST_SUITE_END()
