// Trivial jobs through a worker_pool: streams, round trips, and how much memory a long one takes.

#include <weir/flow/worker_pool.hpp>

#include "support/bench.hpp"
#include "support/memory.hpp"
#include "support/still_clock.hpp"
#include "support/stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

namespace asio = boost::asio;
using bench::pool, bench::report;

namespace {

enum class shape { one_by_one, batches };

asio::awaitable<void> feed(pool& jobs, std::int64_t items, shape how)
{
    if (how == shape::batches)
        co_await bench::submit_in_batches(jobs, items);
    else
        co_await bench::submit_all(jobs, items);
    jobs.close();
}

/// The submitter is on the first runner, the receiver on the last; workers are on all.
template <class Handler>
report stream(std::int64_t items, std::size_t workers, std::size_t threads, shape how,
              Handler handler)
{
    weir::runner_pool runners(threads);
    bench::stop_the_clock_if_asked(runners);
    pool jobs(runners, bench::options(workers), handler);
    const bench::stopwatch watch;
    auto fed = asio::co_spawn(runners.executor(0), feed(jobs, items, how), asio::use_future);
    auto received = asio::co_spawn(runners.executor(threads - 1),
                                   how == shape::batches ? bench::receive_in_batches(jobs)
                                                         : bench::receive_all(jobs),
                                   asio::use_future);
    const std::uint64_t sum = received.get();
    const report found = bench::ns_each(watch, items, sum);
    fed.get();
    const weir::ledger ledger = jobs.ledger();
    bench::require(ledger.balanced() && ledger.ok == static_cast<std::uint64_t>(items),
                   "the ledger does not balance");
    return found;
}

template <std::size_t Workers, std::size_t Threads, shape How = shape::one_by_one>
report pool_stream(std::int64_t items)
{
    return stream(items, Workers, Threads, How, bench::work);
}

template <std::size_t Threads>
report pool_coroutine(std::int64_t items)
{
    return stream(items, 8, Threads, shape::one_by_one, bench::work_in_coroutine);
}

asio::awaitable<std::uint64_t> ask_one_by_one(pool& jobs, std::int64_t items)
{
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < items; ++i) {
        const bench::job next{i, i};
        if (!jobs.try_submit(next))
            (void)co_await jobs.async_submit(next);
        auto out = jobs.results().try_receive();
        if (!out)
            out = co_await jobs.results().async_receive();
        sum += static_cast<std::uint64_t>(out->value().value);
    }
    jobs.close();
    co_return sum;
}

report round_trip(std::int64_t items)
{
    weir::runner_pool runners(1);
    bench::stop_the_clock_if_asked(runners);
    pool jobs(runners, bench::options(8), bench::work);
    const bench::stopwatch watch;
    auto asked = asio::co_spawn(runners.executor(0), ask_one_by_one(jobs, items), asio::use_future);
    const std::uint64_t sum = asked.get();
    return bench::ns_each(watch, items, sum);
}

/// The generator is far ahead of the workers: all the time a job waits to be accepted.
report queued(std::int64_t items)
{
    report found = pool_stream<8, 2>(items);
    found.numbers = {{"bytes", bench::peak_bytes()}};
    return found;
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"pool_stream_1", pool_stream<8, 1>},
                        {"pool_stream_2", pool_stream<8, 2>},
                        {"pool_stream_100", pool_stream<100, 2>},
                        {"pool_stream_100_1", pool_stream<100, 1>},
                        {"pool_stream_batch", pool_stream<8, 2, shape::batches>},
                        {"pool_stream_batch_1", pool_stream<8, 1, shape::batches>},
                        {"pool_coroutine", pool_coroutine<2>},
                        {"pool_coroutine_1", pool_coroutine<1>},
                        {"round_trip", round_trip},
                        {"queued", queued}});
}
