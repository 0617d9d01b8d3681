// The same work with oneTBB, on two threads.

#include "../support/bench.hpp"

#include <tbb/concurrent_queue.h>
#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <numeric>
#include <thread>
#include <vector>

using bench::report;

namespace {

struct job {
    std::int64_t id, value;
};

struct result {
    std::int64_t id, value;
    std::exception_ptr error;
};

/// A source in order, work in parallel, a sink that gets one result at a time.
template <std::size_t Tokens, tbb::filter_mode SinkMode>
report pipeline(std::int64_t items)
{
    const tbb::global_control two(tbb::global_control::max_allowed_parallelism, 2);
    std::int64_t next = 0;
    std::uint64_t sum = 0;
    const bench::stopwatch watch;
    tbb::parallel_pipeline(
        Tokens,
        tbb::make_filter<void, job>(tbb::filter_mode::serial_in_order,
                                    [&](tbb::flow_control& control) {
                                        if (next == items) {
                                            control.stop();
                                            return job{0, 0};
                                        }
                                        const job j{next, next};
                                        ++next;
                                        return j;
                                    }) &
            tbb::make_filter<job, result>(tbb::filter_mode::parallel,
                                          [](const job& j) {
                                              return result{j.id, bench::worked(j.value), nullptr};
                                          }) &
            tbb::make_filter<result, void>(
                SinkMode, [&](const result& r) { sum += static_cast<std::uint64_t>(r.value); }));
    return bench::ns_each(watch, items, sum);
}

/// Threads of our own around its bounded queues.
template <std::size_t Workers>
report bounded_queues(std::int64_t items)
{
    tbb::concurrent_bounded_queue<job> jobs;
    tbb::concurrent_bounded_queue<result> results;
    jobs.set_capacity(1024);
    results.set_capacity(1024);
    const bench::stopwatch watch;
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < Workers; ++w)
        threads.emplace_back([&] {
            job j;
            for (jobs.pop(j); j.id >= 0; jobs.pop(j))
                results.push({j.id, bench::worked(j.value), nullptr});
        });
    threads.emplace_back([&] {
        for (std::int64_t i = 0; i < items; ++i)
            jobs.push({i, i});
        for (std::size_t w = 0; w < Workers; ++w)
            jobs.push({-1, 0});
    });
    std::uint64_t sum = 0;
    result r;
    for (std::int64_t i = 0; i < items; ++i) {
        results.pop(r);
        sum += static_cast<std::uint64_t>(r.value);
    }
    const report found = bench::ns_each(watch, items, sum);
    for (auto& thread : threads)
        thread.join();
    return found;
}

/// Nothing bounds how many wait; two run at a time.
report task_group(std::int64_t items)
{
    std::vector<std::int64_t> results(static_cast<std::size_t>(items));
    tbb::task_arena arena(2);
    const bench::stopwatch watch;
    arena.execute([&] {
        tbb::task_group group;
        for (std::size_t i = 0; i < results.size(); ++i)
            group.run([&results, i] { results[i] = bench::worked(static_cast<std::int64_t>(i)); });
        group.wait();
    });
    const double ns = watch.nanoseconds() / static_cast<double>(items);
    return {std::accumulate(results.begin(), results.end(), std::uint64_t{0}), {{"ns", ns}}};
}

} // namespace

int main(int argc, char** argv)
{
    constexpr auto in_order = tbb::filter_mode::serial_in_order;
    constexpr auto out_of_order = tbb::filter_mode::serial_out_of_order;
    return bench::main(argc, argv,
                       {{"pool_pipeline", pipeline<1024, out_of_order>},
                        {"pool_queues_8", bounded_queues<8>},
                        {"pool_queues_100", bounded_queues<100>},
                        {"submit_many", task_group},
                        {"map_ordered", pipeline<64, in_order>},
                        {"map_completed", pipeline<64, out_of_order>}});
}
