// Pools, under every schedule with up to three delays, or in every order where that is feasible,
// and with a fault at every step: each accepted job has one outcome, the ledger balances, and
// nothing is left behind.
#include "proof/prove.hpp"

#include <weir/flow/as_jobs.hpp>
#include <weir/flow/for_each.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

struct at_work {
    explicit at_work(int& c) : count(c) { ++count; }
    at_work(const at_work&) = delete;
    at_work& operator=(const at_work&) = delete;
    ~at_work() { --count; }
    int& count;
};

enum class ending {
    close,
    drain,
    drain_in_haste,
    stop,
    cancel_submit,
    timeout,
    stubborn,
    destroy,
    destroy_context,
    reject,
    drop_oldest,
    drop_newest,
    caller_runs,
    deadline,
    resize
};

struct named_ending {
    ending how;
    const char* name;
    bool every_order; // with one worker there are few enough
};

constexpr named_ending endings[] = {
    {ending::close, "closed", true},
    {ending::drain, "drained", true},
    {ending::drain_in_haste, "drained, no time for it", false},
    {ending::stop, "stopped", true},
    {ending::cancel_submit, "a submit cancelled", true},
    {ending::timeout, "1 job too long", false},
    {ending::stubborn, "1 job too long, and hangs", true},
    {ending::destroy, "destroyed", true},
    {ending::destroy_context, "its context destroyed", true},
    {ending::reject, "full: rejected", true},
    {ending::drop_oldest, "full: oldest dropped", true},
    {ending::drop_newest, "full: newest dropped", true},
    {ending::caller_runs, "full: caller runs", true},
    {ending::deadline, "a deadline each", false},
    {ending::resize, "resized, paused, resumed", false},
};

// Options that a pool with limits refuses.
bool drops_jobs(ending e)
{
    return e == ending::drop_oldest || e == ending::drop_newest || e == ending::caller_runs;
}

/// Three jobs; submitter and collector are in another context than the second worker.
class three_jobs {
public:
    using pool = weir::worker_pool<int, int>;

    /// `limited`: one job of each of two keys at a time, no more than the half of the places for a
    /// key, and two attempts.
    three_jobs(world& w, std::size_t workers, ending e, bool limited = false)
        : world_(w), ending_(e), limited_(limited), home_(w), away_(std::make_unique<context>(w))
    {
        const std::vector<asio::any_io_executor> executors = {away_->get_executor(),
                                                              home_.get_executor()};
        weir::pool_options options(workers);
        options.queue(1).results(1).grace(1s).when_full(overflow_of(e));
        if (e == ending::timeout || e == ending::stubborn)
            options.timeout(2s);
        if (limited) {
            options.per_key(1).key_share(0.5);
            options.retry(weir::retry_policy(2).backoff(weir::backoff(1s, 1s, 1)));
        }
        const auto handler = [this](const int& n) { return job(n); };
        const auto lost = [this](weir::outcome<int>&& out) { record(out); };
        pool_ = std::make_unique<pool>(executors, options, handler, lost);
        home_.spawn([this] { return submit(); }, "submitter");
        home_.spawn([this] { return collect(); }, "collector");
        strike();
    }

    void finish()
    {
        world_.run_to_end();
        if (pool_ && !gone_) {
            const weir::ledger l = pool_->ledger();
            expect(l.balanced(), "the ledger balances");
            expect(l.accepted == accepted_.size(), "the ledger has every job accepted");
            expect(l.accepted + l.rejected == asked_, "accepted or rejected");
            expect(pool_->results().is_ended(), "the results end");
        }
        pool_.reset();
        world_.run_to_end();
        once_.check();
        expect(at_work_ == 0, "no work is left at the end");
        expect(outcomes_.size() == accepted_.size(), "each job has an outcome");
        for (const auto& [id, how] : outcomes_)
            check(id, how);
    }

private:
    static weir::overflow overflow_of(ending e)
    {
        switch (e) {
        case ending::reject:
            return weir::overflow::reject;
        case ending::drop_oldest:
            return weir::overflow::drop_oldest;
        case ending::drop_newest:
            return weir::overflow::drop_newest;
        case ending::caller_runs:
            return weir::overflow::caller_runs;
        default:
            return weir::overflow::wait;
        }
    }

    void strike()
    {
        if (ending_ == ending::stop)
            world_.at_some_step([this] { pool_->stop(); });
        else if (ending_ == ending::cancel_submit)
            home_.at_some_step([this] { signal_.emit(asio::cancellation_type::total); });
        else if (ending_ == ending::destroy)
            world_.at_some_step([this] { pool_.reset(); });
        else if (ending_ == ending::resize)
            world_.at_some_step([this] {
                pool_->resize(weir::paused);
                world_.at_some_step([this] { pool_->resize(2); });
            });
        else if (ending_ == ending::destroy_context)
            world_.at_some_step([this] {
                gone_ = true;
                away_.reset();
                if (pool_)
                    pool_->close(); // or a submitter would wait for room forever
            });
    }

    asio::awaitable<int> job(int n)
    {
        const at_work here(at_work_);
        const at_work of_key(at_work_of_[static_cast<std::size_t>(n % 2)]);
        expect(!limited_ || of_key.count == 1 || ending_ == ending::stubborn, "one of each key");
        const auto executor = co_await asio::this_coro::executor;
        if (ending_ == ending::stubborn && n == 0) {
            co_await asio::this_coro::throw_if_cancelled(false);
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await weir::async_sleep_for(executor, 5s, asio::use_awaitable);
            co_return n;
        }
        const weir::duration length = ending_ == ending::timeout && n == 0 ? 5s : 1s;
        co_await weir::async_sleep_for(executor, length, asio::use_awaitable);
        if (n == 2)
            throw std::runtime_error("a job failed");
        co_return n;
    }

    asio::awaitable<void> submit()
    {
        for (int i = 0; i < 3 && pool_; ++i) {
            auto token = asio::bind_cancellation_slot(signal_.slot(), asio::use_awaitable);
            const auto result = co_await pool_->async_submit(i, said_of(i), token);
            ++asked_;
            if (!result)
                check_rejection(result.error());
            if (result)
                expect(accepted_.insert(result.id()).second, "a number of its own");
        }
        if (!pool_)
            co_return;
        if (ending_ == ending::drain || ending_ == ending::drain_in_haste) {
            const weir::duration limit = ending_ == ending::drain ? 1min : 1s;
            const weir::drain_report report = co_await pool_->drain(limit);
            expect(report.complete, "a drain is complete");
            expect(report.clean() || ending_ == ending::drain_in_haste, "and clean when it can be");
            expect(at_work_ == 0, "no work is left after a drain");
        } else {
            pool_->close();
        }
    }

    weir::job_options said_of(int n) const
    {
        weir::job_options options;
        if (limited_)
            options.key(n % 2 == 0 ? "even" : "odd");
        if (ending_ == ending::deadline)
            options.deadline(weir::time_point{} + 2s);
        return options;
    }

    void check_rejection(weir::error_code error) const
    {
        if (error == weir::errc::full)
            expect(ending_ == ending::reject, "full is reported only where there is no waiting");
        else if (error == weir::errc::timed_out)
            expect(ending_ == ending::deadline && world_.now() >= weir::time_point{} + 2s,
                   "timed out when it is time");
        else if (error == asio::error::operation_aborted)
            expect(ending_ == ending::cancel_submit, "only what was cancelled ends as cancelled");
        else
            expect(error == weir::errc::closed &&
                       (ending_ == ending::stop || ending_ == ending::destroy ||
                        ending_ == ending::destroy_context),
                   "closed is reported only when it is closed");
    }

    asio::awaitable<void> collect()
    {
        while (pool_) {
            auto next = co_await pool_->results().async_receive(quietly);
            if (!std::get<1>(next))
                break;
            record(*std::get<1>(next));
        }
    }

    // Also called from the pool's hook, which must not throw.
    void record(const weir::outcome<int>& out) noexcept
    {
        once_.expect(outcomes_.emplace(out.id(), out.status()).second, "each job has one outcome");
    }

    void check(weir::job_id id, weir::status how) const
    {
        using weir::status;
        expect(accepted_.count(id) == 1 || ending_ == ending::destroy, "no outcome without a job");
        switch (ending_) {
        case ending::close:
        case ending::drain:
        case ending::cancel_submit:
        case ending::reject:
        case ending::caller_runs:
        case ending::resize:
            expect(how == status::ok || how == status::failed, "all are done");
            break;
        case ending::drop_oldest:
        case ending::drop_newest:
            expect(how == status::ok || how == status::failed || how == status::dropped,
                   "done, or dropped");
            break;
        case ending::deadline:
            expect(how == status::ok || how == status::failed || how == status::timed_out,
                   "done, or timed out");
            break;
        case ending::timeout:
            expect(id != 1 || how == status::timed_out, "the long one is timed out");
            break;
        case ending::stubborn:
            expect(id != 1 || how == status::abandoned, "the one that hangs is given up");
            break;
        case ending::drain_in_haste:
        case ending::stop:
            expect(how != status::abandoned && how != status::timed_out,
                   "done, cancelled or dropped");
            break;
        case ending::destroy:
        case ending::destroy_context:
            expect(how != status::timed_out, "no job is timed out");
            break;
        }
    }

    world& world_;
    const ending ending_;
    const bool limited_;
    asio::cancellation_signal signal_;
    std::set<weir::job_id> accepted_;
    std::map<weir::job_id, weir::status> outcomes_;
    weir::test::verdict once_;
    std::size_t asked_ = 0;
    int at_work_ = 0;
    std::array<int, 2> at_work_of_{};
    bool gone_ = false;
    context home_;
    std::unique_ptr<context> away_;
    std::unique_ptr<pool> pool_;
};

enum class trouble { none, failure, cancelled };

asio::awaitable<void> for_each_job(int& alive, std::vector<int>& done, int n, bool fails)
{
    const at_work here(alive);
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s, asio::use_awaitable);
    if (fails && n == 1)
        throw std::runtime_error("an item failed");
    done.push_back(n);
}

enum class calls { plain, jobs, jobs_with_limits };

std::unique_ptr<weir::task_pool> pool_for(calls how, asio::any_io_executor where, std::size_t limit)
{
    if (how == calls::plain)
        return nullptr;
    auto options = weir::pool_options(limit).queue(3);
    if (how == calls::jobs_with_limits)
        options.queue(1).per_key(1).retry(weir::retry_policy(2).backoff(weir::backoff(1s, 1s)));
    std::vector<asio::any_io_executor> executors(1, std::move(where));
    return std::make_unique<weir::task_pool>(std::move(executors), options);
}

// With limits, the jobs run in another context than the loop.
void for_each_scenario(world& w, std::size_t limit, trouble t, calls how)
{
    int alive = 0;
    bool under_way = false;
    bool failed = false;
    std::vector<int> done;
    asio::cancellation_signal signal;
    context home(w);
    context away(w);
    const bool elsewhere = how == calls::jobs_with_limits;
    const auto pool = pool_for(how, (elsewhere ? away : home).get_executor(), limit);
    const auto caller = [&]() -> asio::awaitable<void> {
        const std::array<int, 3> items = {0, 1, 2};
        under_way = true;
        const auto each = [&](const int& n) {
            expect(under_way, "no call begins after the loop has ended");
            expect(alive < static_cast<int>(limit), "no more at a time than the limit");
            return for_each_job(alive, done, n, t == trouble::failure);
        };
        try {
            const auto parity = [](int n) {
                return weir::job_options().key(n % 2 == 0 ? "even" : "odd");
            };
            auto loop = pool ? weir::for_each(items, 3, weir::as_jobs(*pool, each, parity))
                             : weir::for_each(items, limit, each);
            co_await std::move(loop);
        } catch (const std::exception&) {
            failed = true;
        }
        under_way = false;
        expect(alive == 0, "all have ended");
        if (pool)
            pool->close();
    };
    const auto on_end = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    asio::co_spawn(home.get_executor(), caller,
                   asio::bind_cancellation_slot(signal.slot(), on_end));
    if (t == trouble::cancelled)
        home.at_some_step([&] {
            if (under_way)
                signal.emit(asio::cancellation_type::terminal);
        });
    w.run_to_end();
    expect(!pool || pool->ledger().balanced(), "every job has ended");
    expect(failed || done.size() == 3, "all, or an error");
    expect(!failed || t != trouble::none, "no error without a reason");
    if (t == trouble::failure)
        expect(failed && done.size() < 3, "an error is thrown");
}

} // namespace

BOOST_AUTO_TEST_SUITE(pools)

void prove_pool(std::size_t workers, const named_ending& e, const schedules& which,
                const std::string& how_many, bool limited = false)
{
    prove("worker_pool {" + std::to_string(workers) + " workers, 3 jobs, " +
              (limited ? "limits and retries, " : "") + e.name + "}" + how_many,
          which, [workers, &e, limited](world& w) {
              three_jobs x(w, workers, e.how, limited);
              x.finish();
          });
}

BOOST_AUTO_TEST_CASE(worker_pool)
{
    const std::size_t delays = weir::test::is_long() ? 5 : 3;
    for (const std::size_t workers : {1, 2})
        for (const named_ending& e : endings)
            prove_pool(workers, e, schedules::delayed(delays),
                       ", " + std::to_string(delays) + " delays");
}

BOOST_AUTO_TEST_CASE(worker_pool_with_limits)
{
    for (const std::size_t workers : {1, 2})
        for (const named_ending& e : endings) {
            if (drops_jobs(e.how))
                continue;
            // With a resize there are twenty times as many schedules.
            const std::size_t delays =
                (weir::test::is_long() ? 3 : 2) - (e.how == ending::resize ? 1 : 0);
            prove_pool(workers, e, schedules::delayed(delays),
                       ", " + std::to_string(delays) + " delays", true);
        }
}

BOOST_AUTO_TEST_CASE(worker_pool_of_one_in_every_order)
{
    for (const named_ending& e : endings)
        if (e.every_order)
            prove_pool(1, e, schedules::all(), "");
}

void prove_for_each(calls how)
{
    const std::string kind = how == calls::plain  ? ""
                             : how == calls::jobs ? "as jobs "
                                                  : "as jobs with limits and retries ";
    const std::size_t delays = how == calls::jobs ? 3 : 2;
    const std::string most = how == calls::plain ? "" : ", " + std::to_string(delays) + " delays";
    for (const std::size_t limit : {1, 2})
        for (const trouble t : {trouble::none, trouble::failure, trouble::cancelled}) {
            const char* const name = t == trouble::none      ? ""
                                     : t == trouble::failure ? ", 1 fails"
                                                             : ", cancelled";
            prove("for_each " + kind + "{3 items, limit " + std::to_string(limit) + name + "}" +
                      most,
                  how == calls::plain ? schedules::all() : schedules::delayed(delays),
                  [=](world& w) { for_each_scenario(w, limit, t, how); });
        }
}

BOOST_AUTO_TEST_CASE(for_each)
{
    prove_for_each(calls::plain);
}

BOOST_AUTO_TEST_CASE(for_each_as_jobs)
{
    prove_for_each(calls::jobs);
}

BOOST_AUTO_TEST_CASE(for_each_as_jobs_with_limits)
{
    prove_for_each(calls::jobs_with_limits);
}

BOOST_AUTO_TEST_SUITE_END()
