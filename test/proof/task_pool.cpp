// The task pool, under every schedule with up to three delays, and with a fault at every step: each
// submitter gets its job's outcome or its rejection, and nothing is left behind.
#include "proof/prove.hpp"

#include <weir/flow/task_pool.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
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

enum class ending { drained, stopped, cancelled, destroyed, context_destroyed };

struct named_ending {
    ending how;
    const char* name;
};

constexpr named_ending endings[] = {
    {ending::drained, "drained"},
    {ending::stopped, "stopped"},
    {ending::cancelled, "who waits for 1 cancelled"},
    {ending::destroyed, "destroyed"},
    {ending::context_destroyed, "a context destroyed"},
};

/// Three clients in one context submit one job each; jobs run there and in another context.
class three_tasks {
public:
    three_tasks(world& w, weir::limit limit, ending e)
        : world_(w), ending_(e), home_(w), away_(std::make_unique<context>(w))
    {
        const std::vector<asio::any_io_executor> executors = {away_->get_executor(),
                                                              home_.get_executor()};
        weir::pool_options options(limit);
        options.queue(1).grace(1s);
        pool_ = std::make_unique<weir::task_pool>(executors, options);
        for (std::size_t i = 0; i < clients_.size(); ++i)
            home_.spawn([this, i] { return run(i); }, "a client");
        strike();
    }

    void finish()
    {
        world_.run();
        if (pool_)
            pool_->close();
        if (ending_ == ending::context_destroyed)
            pool_.reset(); // jobs that can no longer run end with it
        world_.run_to_end();
        if (pool_)
            expect(pool_->ledger().balanced(), "the ledger balances");
        pool_.reset();
        world_.run_to_end();
        expect(at_work_ == 0, "no work is left at the end");
        for (const client& c : clients_)
            expect(c.started <= 1 && (!c.is_ok || c.started == 1), "a job runs once");
    }

private:
    struct client {
        asio::cancellation_signal signal;
        int started = 0;
        bool is_ok = false;
    };

    struct presence {
        explicit presence(int& c) : count(c) { ++count; }
        presence(const presence&) = delete;
        presence& operator=(const presence&) = delete;
        ~presence() { --count; }
        int& count;
    };

    asio::awaitable<int> job(std::size_t i)
    {
        const presence here(at_work_);
        ++clients_.at(i).started;
        co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s, asio::use_awaitable);
        if (i == 2)
            throw std::runtime_error("a job failed");
        co_return static_cast<int>(i);
    }

    asio::awaitable<void> run(std::size_t i)
    {
        if (!pool_)
            co_return;
        client& c = clients_.at(i);
        const auto work = [this, i] { return job(i); };
        auto token = asio::bind_cancellation_slot(c.signal.slot(), quietly);
        auto answer = co_await pool_->async_run(work, token);
        auto& [error, out] = answer;
        if (error) {
            expect(is_explained(error, i), "every reported error is true");
            co_return;
        }
        c.is_ok = out.status() == weir::status::ok;
        if (c.is_ok)
            expect(out.value() == static_cast<int>(i), "its own value");
        else if (ending_ == ending::drained || ending_ == ending::cancelled)
            expect(i == 2 && out.status() == weir::status::failed, "all are done");
        else
            expect(out.status() != weir::status::timed_out, "no job is timed out");
    }

    bool is_explained(weir::error_code error, std::size_t i) const
    {
        if (error == asio::error::operation_aborted)
            return ending_ == ending::cancelled && i == 0;
        return error == weir::errc::closed;
    }

    asio::awaitable<void> drain()
    {
        const weir::drain_report report = co_await pool_->drain(1min);
        expect(report.clean(), "a drain with time enough is clean");
        expect(at_work_ == 0, "no work is left after a drain");
    }

    void strike()
    {
        switch (ending_) {
        case ending::drained:
            home_.at_some_step([this] { home_.spawn([this] { return drain(); }, "drains"); });
            break;
        case ending::stopped:
            world_.at_some_step([this] { pool_->stop(); });
            break;
        case ending::cancelled:
            home_.at_some_step(
                [this] { clients_[0].signal.emit(asio::cancellation_type::terminal); });
            break;
        case ending::destroyed:
            world_.at_some_step([this] { pool_.reset(); });
            break;
        case ending::context_destroyed:
            world_.at_some_step([this] {
                away_.reset();
                pool_->close();
            });
            break;
        }
    }

    world& world_;
    const ending ending_;
    std::array<client, 3> clients_;
    int at_work_ = 0;
    context home_;
    std::unique_ptr<context> away_;
    std::unique_ptr<weir::task_pool> pool_;
};

void prove_each(const std::string& limit_name, weir::limit limit)
{
    const std::size_t delays = weir::test::is_long() ? 4 : 3;
    for (const named_ending& e : endings)
        prove("task_pool {" + limit_name + ", 3 jobs, " + e.name + "}, " + std::to_string(delays) +
                  " delays",
              schedules::delayed(delays), [&](world& w) {
                  three_tasks x(w, limit, e.how);
                  x.finish();
              });
}

} // namespace

BOOST_AUTO_TEST_SUITE(task_pools)

BOOST_AUTO_TEST_CASE(of_one)
{
    prove_each("1 at a time", 1);
}

BOOST_AUTO_TEST_CASE(of_two)
{
    prove_each("2 at a time", 2);
}

BOOST_AUTO_TEST_CASE(without_limit)
{
    prove_each("unlimited", weir::unlimited);
}

BOOST_AUTO_TEST_SUITE_END()
