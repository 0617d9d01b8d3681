// Worker pools with plain handlers: workers take several jobs and publish several outcomes at once.
#include "proof/prove.hpp"

#include <weir/flow/worker_pool.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
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

struct item {
    int number;
};

} // namespace

// A worker takes several jobs at once only after thousands of fast jobs. Here it does so from the
// first, and as many as do not divide a turn, so that turns also end in the middle.
template <>
inline std::size_t weir::detail::taken_jobs<item, int>::share() const noexcept
{
    return most - 1;
}

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

enum class ending {
    close,
    drain,
    nobody_receives,
    stop,
    handler_stops,
    handler_submits,
    handler_destroys,
    destroy,
    destroy_context
};

struct named_ending {
    ending how;
    const char* name;
};

constexpr named_ending endings[] = {
    {ending::close, "closed"},
    {ending::drain, "drained"},
    {ending::nobody_receives, "nobody receives"},
    {ending::stop, "stopped"},
    {ending::handler_stops, "stopped by a job"},
    {ending::handler_submits, "a job submits 1 more"},
    {ending::handler_destroys, "destroyed by a job"},
    {ending::destroy, "destroyed"},
    {ending::destroy_context, "its context destroyed"},
};

struct size {
    std::size_t workers;
    int jobs;
    std::size_t queue;
    std::size_t results;

    std::string text() const
    {
        return std::to_string(workers) + " workers, " + std::to_string(jobs) + " jobs, queue " +
               std::to_string(queue) + ", results " + std::to_string(results);
    }
};

/// The jobs are 0, 1, 2, ...; the third fails. Submitter and collector are in another context than
/// the first worker.
class plain_jobs {
public:
    using pool = weir::worker_pool<item, int>;

    plain_jobs(world& w, const size& s, ending e)
        : world_(w), size_(s), ending_(e), home_(w), away_(std::make_unique<context>(w))
    {
        std::vector<asio::any_io_executor> executors = {away_->get_executor()};
        if (s.workers > 1)
            executors.push_back(home_.get_executor());
        // More workers than executors are never made.
        weir::pool_options options(e == ending::nobody_receives ? s.workers + 1 : s.workers);
        options.queue(s.queue).results(s.results).grace(1s).inline_on_runners();
        const auto handler = [this](item i) { return job(i.number); };
        const auto lost = [this](weir::outcome<int>&& out) { record(out); };
        pool_ = std::make_unique<pool>(executors, options, handler, lost);
        home_.spawn([this] { return submit(); }, "submitter");
        if (e == ending::nobody_receives || e == ending::handler_submits)
            home_.spawn([this] { return end_later(); }, "ends the pool");
        if (e != ending::nobody_receives)
            home_.spawn([this] { return collect(); }, "collector");
        strike();
    }

    void finish()
    {
        world_.run_to_end();
        if (pool_) {
            const weir::ledger l = pool_->ledger();
            expect(l.balanced(), "the ledger balances");
            expect(l.accepted == accepted_.size(), "the ledger has every job accepted");
            expect(l.accepted + l.rejected == asked_, "accepted or rejected");
            expect(l.ok + l.failed == called_.size(), "a job that was called ended by itself");
            expect(l.abandoned == 0 && l.cancelled == 0, "a plain job is done or not begun");
            if (ending_ != ending::nobody_receives)
                expect(pool_->results().is_ended(), "the results end");
        }
        pool_.reset();
        world_.run_to_end();
        once_.check();
        expect(outcomes_.size() == accepted_.size(), "each job has an outcome");
        for (const auto& [id, n] : accepted_)
            check(id, n);
    }

private:
    struct ended {
        weir::status how;
        std::optional<int> value;
    };

    void strike()
    {
        if (ending_ == ending::stop)
            world_.at_some_step([this] { pool_->stop(); });
        else if (ending_ == ending::destroy)
            world_.at_some_step([this] { pool_.reset(); });
        else if (ending_ == ending::destroy_context)
            world_.at_some_step([this] {
                away_.reset();
                if (pool_)
                    pool_->close(); // or a submitter would wait for room forever
            });
    }

    int job(int n)
    {
        once_.expect(called_.insert(n).second, "each job is called once");
        if (n == 1 && ending_ == ending::handler_stops)
            pool_->stop();
        if (n == 1 && ending_ == ending::handler_destroys)
            pool_.reset();
        if (n == 1 && ending_ == ending::handler_submits)
            try_one(size_.jobs);
        if (n == 2)
            throw std::runtime_error("a job failed");
        return n;
    }

    void accept(weir::job_id id, int n)
    {
        once_.expect(accepted_.emplace(id, n).second, "a number of its own");
    }

    bool try_one(int n)
    {
        const auto at_once = pool_->try_submit(item{n});
        ++asked_;
        if (at_once)
            accept(at_once.id(), n);
        return bool(at_once);
    }

    // Submits as many at once as there is room for: workers also take these at once.
    asio::awaitable<void> submit()
    {
        for (int i = 0; i < size_.jobs && pool_; ++i) {
            if (try_one(i))
                continue;
            const item next{i};
            const auto result = co_await pool_->async_submit(next, asio::use_awaitable);
            ++asked_;
            if (result)
                accept(result.id(), i);
            else
                expect(result.error() == weir::errc::closed && ending_ != ending::close &&
                           ending_ != ending::drain && ending_ != ending::handler_submits,
                       "closed is reported only when it is closed");
        }
        if (!pool_)
            co_return;
        if (ending_ == ending::drain) {
            const weir::drain_report report = co_await pool_->drain(1min);
            expect(report.complete && report.clean(), "a drain is complete, and clean");
            expect(called_.size() == accepted_.size(), "every job was called before the end");
        } else if (ending_ != ending::nobody_receives && ending_ != ending::handler_submits) {
            pool_->close();
        }
    }

    // To be called when nothing happens any more by itself.
    asio::awaitable<void> end_later()
    {
        co_await weir::async_sleep_for(home_.get_executor(), 1s, asio::use_awaitable);
        if (ending_ == ending::handler_submits) {
            expect(called_.size() == accepted_.size(), "what a job submits is done too");
            pool_->close();
            co_return;
        }
        // With a queue of one, no job is taken ahead: each worker holds one outcome without room.
        if (size_.queue == 1)
            expect(called_.size() <= size_.results + size_.workers, "one worker an executor");
        const weir::drain_report report = co_await pool_->drain(1s);
        expect(report.complete, "a drain ends though no outcome is received");
    }

    asio::awaitable<void> collect()
    {
        while (pool_) {
            auto next = co_await pool_->results().async_receive(quietly);
            if (!std::get<1>(next))
                break;
            weir::outcome<int>& out = *std::get<1>(next);
            if (size_.workers == 1 && ending_ != ending::destroy_context) {
                expect(last_ < out.id(), "one worker ends jobs in their order");
                last_ = out.id();
            }
            record(out);
        }
    }

    // Also called from the pool's hook, which must not throw.
    void record(weir::outcome<int>& out) noexcept
    {
        ended e{out.status(), std::nullopt};
        if (out)
            e.value = out.value();
        once_.expect(outcomes_.emplace(out.id(), e).second, "each job has one outcome");
    }

    void check(weir::job_id id, int n) const
    {
        expect(outcomes_.count(id) == 1, "no outcome without a job");
        const ended& e = outcomes_.at(id);
        if (called_.count(n) == 0) {
            expect(e.how == weir::status::dropped, "a job that was not called was dropped");
            expect(ending_ != ending::close && ending_ != ending::drain &&
                       ending_ != ending::handler_submits,
                   "no job is dropped without a reason");
        } else if (n == 2) {
            expect(e.how == weir::status::failed, "what a job throws is its outcome");
        } else {
            expect(e.how == weir::status::ok && e.value == n, "what a job returns is its outcome");
        }
    }

    world& world_;
    const size size_;
    const ending ending_;
    std::map<weir::job_id, int> accepted_;
    std::map<weir::job_id, ended> outcomes_;
    std::set<int> called_;
    weir::test::verdict once_;
    std::size_t asked_ = 0;
    weir::job_id last_ = 0;
    context home_;
    std::unique_ptr<context> away_;
    std::unique_ptr<pool> pool_;
};

void prove_plain(const size& s, const named_ending& e, const schedules& which,
                 const std::string& how_many)
{
    prove("plain worker_pool {" + s.text() + ", " + e.name + "}" + how_many, which,
          [&](world& w) { plain_jobs(w, s, e.how).finish(); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(plain_pools)

BOOST_AUTO_TEST_CASE(worker_pool)
{
    const std::size_t delays = weir::test::is_long() ? 6 : 4;
    for (const size& s : {size{2, 3, 1, 1}, size{2, 5, 4, 1}, size{2, 5, 4, 4}})
        for (const named_ending& e : endings)
            prove_plain(s, e, schedules::delayed(delays),
                        ", " + std::to_string(delays) + " delays");
}

BOOST_AUTO_TEST_CASE(worker_pool_of_one_in_every_order)
{
    for (const size& s : {size{1, 3, 1, 1}, size{1, 5, 4, 1}, size{1, 5, 4, 4}})
        for (const named_ending& e : endings)
            prove_plain(s, e, schedules::all(), "");
}

// More jobs than a turn: the worker gives its executor a turn while it holds jobs that it took and
// has not begun.
BOOST_AUTO_TEST_CASE(a_turn_that_ends_among_jobs_taken_together)
{
    for (const size& s : {size{1, 140, 200, 200}, size{1, 140, 200, 1}})
        for (const named_ending& e : endings)
            if (s.results > 1 || e.how == ending::destroy || e.how == ending::destroy_context)
                prove_plain(s, e, schedules::delayed(1), ", 1 delay");
}

BOOST_AUTO_TEST_SUITE_END()
