// The same work with Boost.Asio alone: its two experimental channels, post and co_spawn.

#include "../support/bench.hpp"
#include "../support/memory.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using bench::report;
using boost::system::error_code;

namespace {

struct job {
    std::int64_t id = 0, value = 0;
};

struct result {
    std::int64_t id = 0, value = 0;
    std::exception_ptr error;
};

/// One context a thread, as weir has them.
class contexts {
public:
    explicit contexts(std::size_t threads)
    {
        for (std::size_t i = 0; i < threads; ++i)
            all_.push_back(std::make_unique<asio::io_context>(1));
        for (auto& context : all_) {
            guards_.push_back(asio::make_work_guard(*context));
            threads_.emplace_back([&context = *context] { context.run(); });
        }
    }
    ~contexts()
    {
        guards_.clear();
        for (auto& thread : threads_)
            thread.join();
    }
    asio::any_io_executor executor(std::size_t i) const
    {
        return all_[i % all_.size()]->get_executor();
    }

private:
    std::vector<std::unique_ptr<asio::io_context>> all_;
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards_;
    std::vector<std::thread> threads_;
};

template <class T>
using plain_channel = asio::experimental::channel<void(error_code, T)>;
template <class T>
using locked_channel = asio::experimental::concurrent_channel<void(error_code, T)>;

// On Boost 1.81 `close` throws away what is buffered, so the last jobs say that they are.
constexpr std::int64_t last = -1;

template <class Jobs, class Results>
asio::awaitable<void> work(Jobs& jobs, Results& results)
{
    for (;;) {
        job j;
        if (!jobs.try_receive([&j](error_code, job received) { j = received; }))
            j = co_await jobs.async_receive(asio::use_awaitable);
        if (j.id == last)
            co_return;
        result r;
        r.id = j.id;
        r.value = bench::worked(j.value);
        if (!results.try_send(error_code(), r))
            co_await results.async_send(error_code(), r, asio::use_awaitable);
    }
}

template <class Jobs>
asio::awaitable<void> feed(Jobs& jobs, std::int64_t items, std::size_t workers)
{
    for (std::int64_t i = 0; i < items + static_cast<std::int64_t>(workers); ++i) {
        job j;
        j.id = i < items ? i : last;
        j.value = i;
        if (!jobs.try_send(error_code(), j))
            co_await jobs.async_send(error_code(), j, asio::use_awaitable);
    }
}

template <class Results>
asio::awaitable<std::uint64_t> collect(Results& results, std::int64_t items)
{
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < items; ++i) {
        result r;
        if (!results.try_receive([&r](error_code, result received) { r = received; }))
            r = co_await results.async_receive(asio::use_awaitable);
        sum += static_cast<std::uint64_t>(r.value);
    }
    co_return sum;
}

template <template <class> class Channel, std::size_t Workers, std::size_t Threads>
report pool_stream(std::int64_t items)
{
    contexts runners(Threads);
    Channel<job> jobs(runners.executor(0), 1024);
    Channel<result> results(runners.executor(Threads - 1), 1024);
    const bench::stopwatch watch;
    std::vector<std::future<void>> ended;
    for (std::size_t w = 0; w < Workers; ++w)
        ended.push_back(asio::co_spawn(runners.executor(w), work(jobs, results), asio::use_future));
    ended.push_back(
        asio::co_spawn(runners.executor(0), feed(jobs, items, Workers), asio::use_future));
    auto sum =
        asio::co_spawn(runners.executor(Threads - 1), collect(results, items), asio::use_future);
    const std::uint64_t checksum = sum.get();
    const report found = bench::ns_each(watch, items, checksum);
    for (auto& end : ended)
        end.get();
    return found;
}

asio::awaitable<std::uint64_t> ask(plain_channel<job>& jobs, plain_channel<result>& results,
                                   std::int64_t items)
{
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < items; ++i) {
        job j;
        j.id = j.value = i;
        co_await jobs.async_send(error_code(), j, asio::use_awaitable);
        const result r = co_await results.async_receive(asio::use_awaitable);
        sum += static_cast<std::uint64_t>(r.value);
    }
    job end;
    end.id = last;
    co_await jobs.async_send(error_code(), end, asio::use_awaitable);
    co_return sum;
}

report round_trip(std::int64_t items)
{
    contexts runners(1);
    plain_channel<job> jobs(runners.executor(0), 0);
    plain_channel<result> results(runners.executor(0), 0);
    const bench::stopwatch watch;
    auto ended = asio::co_spawn(runners.executor(0), work(jobs, results), asio::use_future);
    auto sum = asio::co_spawn(runners.executor(0), ask(jobs, results, items), asio::use_future);
    const std::uint64_t checksum = sum.get();
    const report found = bench::ns_each(watch, items, checksum);
    ended.get();
    return found;
}

/// Nothing bounds how many wait.
report submit_by_post(std::int64_t items)
{
    std::vector<std::int64_t> results(static_cast<std::size_t>(items));
    asio::thread_pool pool(2);
    const bench::stopwatch watch;
    for (std::size_t i = 0; i < results.size(); ++i)
        asio::post(pool,
                   [&results, i] { results[i] = bench::worked(static_cast<std::int64_t>(i)); });
    pool.join();
    const double ns = watch.nanoseconds() / static_cast<double>(items);
    return {std::accumulate(results.begin(), results.end(), std::uint64_t{0}), {{"ns", ns}}};
}

asio::awaitable<void> run(std::vector<std::int64_t>& results, std::size_t i)
{
    results[i] = bench::worked(static_cast<std::int64_t>(i));
    co_return;
}

/// Nothing bounds how many wait.
report submit_by_co_spawn(std::int64_t items)
{
    std::vector<std::int64_t> results(static_cast<std::size_t>(items));
    asio::thread_pool pool(2);
    const bench::stopwatch watch;
    for (std::size_t i = 0; i < results.size(); ++i)
        asio::co_spawn(pool, run(results, i), bench::rethrow);
    pool.join();
    const double ns = watch.nanoseconds() / static_cast<double>(items);
    return {std::accumulate(results.begin(), results.end(), std::uint64_t{0}), {{"ns", ns}}};
}

/// A channel that holds the free permits.
template <template <class> class Channel>
asio::awaitable<std::uint64_t> compete(Channel<int>& permits, std::int64_t rounds)
{
    std::uint64_t passed = 0;
    for (std::int64_t i = 0; i < rounds; ++i) {
        int permit = 0;
        if (!permits.try_receive([&permit](error_code, int p) { permit = p; }))
            permit = co_await permits.async_receive(asio::use_awaitable);
        co_await asio::post(asio::use_awaitable);
        passed += static_cast<std::uint64_t>(permit);
        permits.try_send(error_code(), permit);
    }
    co_return passed;
}

template <template <class> class Channel, std::size_t Threads>
report semaphore_contended(std::int64_t items)
{
    constexpr std::size_t tasks = 100;
    contexts runners(Threads);
    Channel<int> permits(runners.executor(0), 2);
    permits.try_send(error_code(), 1);
    permits.try_send(error_code(), 1);
    std::vector<std::future<std::uint64_t>> all;
    const bench::stopwatch watch;
    for (std::size_t i = 0; i < tasks; ++i)
        all.push_back(asio::co_spawn(runners.executor(i),
                                     compete<Channel>(permits, items / std::int64_t{tasks}),
                                     asio::use_future));
    std::uint64_t passed = 0;
    for (auto& one : all)
        passed += one.get();
    return bench::ns_each(watch, items, passed);
}

template <template <class> class Channel>
asio::awaitable<std::uint64_t> acquire_alone(Channel<int>& permits, std::int64_t rounds)
{
    std::uint64_t passed = 0;
    for (std::int64_t i = 0; i < rounds; ++i) {
        int permit = 0;
        if (!permits.try_receive([&permit](error_code, int p) { permit = p; }))
            permit = co_await permits.async_receive(asio::use_awaitable);
        passed += static_cast<std::uint64_t>(permit);
        permits.try_send(error_code(), permit);
    }
    co_return passed;
}

report semaphore_free(std::int64_t items)
{
    contexts runners(1);
    plain_channel<int> permits(runners.executor(0), 2);
    permits.try_send(error_code(), 1);
    permits.try_send(error_code(), 1);
    const bench::stopwatch watch;
    auto alone = asio::co_spawn(runners.executor(0), acquire_alone<plain_channel>(permits, items),
                                asio::use_future);
    const std::uint64_t passed = alone.get();
    return bench::ns_each(watch, items, passed);
}

template <template <class> class Channel, std::size_t Threads>
report channel_stream(std::int64_t items)
{
    contexts runners(Threads);
    Channel<std::int64_t> values(runners.executor(0), 1024);
    const auto send_all = [&values, items]() -> asio::awaitable<void> {
        for (std::int64_t i = 0; i < items; ++i)
            if (!values.try_send(error_code(), i))
                co_await values.async_send(error_code(), i, asio::use_awaitable);
    };
    const auto receive_all = [&values, items]() -> asio::awaitable<std::uint64_t> {
        std::uint64_t sum = 0;
        for (std::int64_t i = 0; i < items; ++i) {
            std::int64_t value = 0;
            if (!values.try_receive([&value](error_code, std::int64_t v) { value = v; }))
                value = co_await values.async_receive(asio::use_awaitable);
            sum += static_cast<std::uint64_t>(value);
        }
        co_return sum;
    };
    const bench::stopwatch watch;
    auto sent = asio::co_spawn(runners.executor(0), send_all, asio::use_future);
    auto sum = asio::co_spawn(runners.executor(Threads - 1), receive_all, asio::use_future);
    const std::uint64_t checksum = sum.get();
    const report found = bench::ns_each(watch, items, checksum);
    sent.get();
    return found;
}

/// A coroutine with a timer of its own for each.
report asleep(std::int64_t items)
{
    const auto length = std::chrono::seconds(items < 1'000'000 ? 2 : 10);
    contexts runners(2);
    std::atomic<std::int64_t> started{0};
    std::atomic<std::int64_t> ended{0};
    std::atomic<std::uint64_t> sum{0};
    const auto sleep = [&](std::int64_t i) -> asio::awaitable<void> {
        started.fetch_add(1, std::memory_order_relaxed);
        asio::steady_timer timer(co_await asio::this_coro::executor, length);
        co_await timer.async_wait(asio::use_awaitable);
        sum.fetch_add(static_cast<std::uint64_t>(i), std::memory_order_relaxed);
        ended.fetch_add(1, std::memory_order_relaxed);
    };
    const double before = bench::resident_bytes();
    const bench::stopwatch watch;
    for (std::int64_t i = 0; i < items; ++i)
        asio::co_spawn(runners.executor(static_cast<std::size_t>(i)), sleep(i), bench::rethrow);
    while (started.load() < items && watch.seconds() < 0.95 * static_cast<double>(length.count()))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto in_flight = static_cast<double>(started.load());
    const double bytes = bench::resident_bytes() - before;
    const double to_start = watch.nanoseconds();
    while (ended.load() < items)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const double to_finish = watch.nanoseconds() - static_cast<double>(length.count()) * 1e9;
    return {sum.load(),
            {{"bytes", bytes / in_flight},
             {"start_ns", to_start / in_flight},
             {"finish_ns", to_finish / static_cast<double>(items)},
             {"in_flight", in_flight}}};
}

report cancel_receivers(std::int64_t items)
{
    asio::io_context context(1);
    plain_channel<int> values(context.get_executor(), 1);
    std::vector<asio::cancellation_signal> signals(static_cast<std::size_t>(items));
    std::uint64_t cancelled = 0;
    for (auto& signal : signals)
        values.async_receive(asio::bind_cancellation_slot(
            signal.slot(), [&cancelled](error_code error, int) { cancelled += error.failed(); }));
    context.poll();
    bench::require(cancelled == 0, "one did not wait");
    const bench::stopwatch watch;
    for (auto& signal : signals)
        signal.emit(asio::cancellation_type::terminal);
    context.restart();
    context.run();
    return bench::ns_each(watch, items, cancelled);
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"pool_stream_1", pool_stream<plain_channel, 8, 1>},
                        {"pool_stream_2", pool_stream<locked_channel, 8, 2>},
                        {"pool_stream_100", pool_stream<locked_channel, 100, 2>},
                        {"round_trip", round_trip},
                        {"submit_by_post", submit_by_post},
                        {"submit_by_co_spawn", submit_by_co_spawn},
                        {"semaphore_free", semaphore_free},
                        {"semaphore_contended_1", semaphore_contended<plain_channel, 1>},
                        {"semaphore_contended_2", semaphore_contended<locked_channel, 2>},
                        {"channel_stream_1", channel_stream<plain_channel, 1>},
                        {"channel_stream_2", channel_stream<locked_channel, 2>},
                        {"asleep", asleep},
                        {"cancel_storm_receivers", cancel_receivers}});
}
