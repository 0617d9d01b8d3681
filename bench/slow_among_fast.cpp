// How long fast jobs wait when one in a hundred is slow: in a worker_pool, and in workers that take
// one job at a time from a channel, written by hand.

#include "support/bench.hpp"

#include <weir/detail/turn.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/sync/channel.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using bench::report;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr std::size_t workers = 8;

struct job {
    std::int64_t id;
    clock_type::time_point submitted;
};

struct result {
    std::int64_t id;
    clock_type::time_point submitted, started;
};

bool is_slow(std::int64_t id) noexcept
{
    return id % 100 == 50;
}

result started(const job& j)
{
    return {j.id, j.submitted, clock_type::now()};
}

void compute_for(clock_type::duration length)
{
    const auto until = clock_type::now() + length;
    while (clock_type::now() < until)
        ;
}

// Never two slow ones that compute at a time: one runner is always there for the fast ones.

struct slow_sleeps {
    static constexpr int burst = 20;
    static constexpr auto apart = 1ms;

    asio::awaitable<result> operator()(job j) const
    {
        const result r = started(j);
        if (is_slow(j.id))
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 10ms);
        else
            compute_for(10us);
        co_return r;
    }
};

struct slow_computes {
    static constexpr int burst = 5;
    static constexpr auto apart = 1ms;

    result operator()(job j) const
    {
        const result r = started(j);
        compute_for(is_slow(j.id) ? clock_type::duration(10ms) : 10us);
        return r;
    }
};

/// The fast ones do nothing at all: the case in which taking several at a time would pay most.
struct slow_among_trivial {
    static constexpr int burst = 100;
    static constexpr auto apart = 20ms;

    result operator()(job j) const
    {
        const result r = started(j);
        if (is_slow(j.id))
            compute_for(10ms);
        return r;
    }
};

/// Bursts of jobs, by the clock, from a thread that is no runner.
template <class Handler, class Submit>
void submit_at_a_steady_pace(std::int64_t items, Submit submit)
{
    auto next = clock_type::now();
    for (std::int64_t i = 0; i < items; ++i) {
        if (i % Handler::burst == 0)
            std::this_thread::sleep_until(next += Handler::apart);
        const job j{i, clock_type::now()};
        bench::require(submit(j), "a job was not accepted");
    }
}

/// How long the fast ones waited until they started, and until their results were received.
struct waits {
    std::vector<double> start, end;

    void add(const result& r)
    {
        using ns = std::chrono::duration<double, std::nano>;
        if (is_slow(r.id))
            return;
        start.push_back(ns(r.started - r.submitted).count());
        end.push_back(ns(clock_type::now() - r.submitted).count());
    }
};

report found(waits& all)
{
    std::sort(all.start.begin(), all.start.end());
    std::sort(all.end.begin(), all.end.end());
    const std::size_t p99 = all.start.size() * 99 / 100;
    return {all.start.size(),
            {{"ns", all.start[p99]},
             {"until_received_ns", all.end[p99]},
             {"median_ns", all.start[all.start.size() / 2]}}};
}

template <class Handler>
report in_a_pool(std::int64_t items)
{
    using pool = weir::worker_pool<job, result>;
    weir::runner_pool runners(2), listener(1);
    pool jobs(runners, weir::pool_options(workers).inline_on_runners(), Handler());
    const auto receive = [&jobs]() -> asio::awaitable<waits> {
        waits all;
        while (auto out = co_await jobs.results().async_receive())
            all.add(out->value());
        co_return all;
    };
    auto received = asio::co_spawn(listener.executor(0), receive, asio::use_future);
    submit_at_a_steady_pace<Handler>(items, [&](const job& j) { return bool(jobs.try_submit(j)); });
    jobs.close();
    waits all = received.get();
    return found(all);
}

template <class Handler>
asio::awaitable<void> take_one_at_a_time(weir::channel<job>& jobs, weir::channel<result>& results,
                                         Handler handler)
{
    const auto& clock = weir::detail::time_service::of(co_await asio::this_coro::executor);
    weir::detail::turn turn(clock);
    for (;;) {
        std::optional<job> next = jobs.try_receive();
        if (!next) {
            next = co_await jobs.async_receive();
            turn.begin(clock);
        }
        if (!next)
            co_return;
        result r{};
        if constexpr (std::is_same_v<decltype(handler(*next)), result>)
            r = handler(*next);
        else
            r = co_await handler(*next);
        if (!results.try_send(r))
            (void)co_await results.async_send(r);
        if (turn.is_over(clock)) {
            co_await asio::post(asio::deferred);
            turn.begin(clock);
        }
    }
}

template <class Handler>
report by_hand(std::int64_t items)
{
    weir::runner_pool runners(2), listener(1);
    weir::channel<job> jobs(runners.executor(0), 1024);
    weir::channel<result> results(runners.executor(0), 1024);
    const auto receive = [&results]() -> asio::awaitable<waits> {
        waits all;
        while (auto r = co_await results.async_receive())
            all.add(*r);
        co_return all;
    };
    auto received = asio::co_spawn(listener.executor(0), receive, asio::use_future);
    std::vector<std::future<void>> ended;
    for (std::size_t i = 0; i < workers; ++i)
        ended.push_back(asio::co_spawn(runners.get_executor(),
                                       take_one_at_a_time(jobs, results, Handler()),
                                       asio::use_future));
    submit_at_a_steady_pace<Handler>(items, [&](const job& j) { return bool(jobs.try_send(j)); });
    jobs.close();
    for (auto& end : ended)
        end.get();
    results.close();
    waits all = received.get();
    return found(all);
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"slow_sleeping", in_a_pool<slow_sleeps>},
                        {"slow_computing", in_a_pool<slow_computes>},
                        {"slow_among_trivial", in_a_pool<slow_among_trivial>},
                        {"slow_sleeping_by_hand", by_hand<slow_sleeps>},
                        {"slow_computing_by_hand", by_hand<slow_computes>},
                        {"slow_among_trivial_by_hand", by_hand<slow_among_trivial>}});
}
