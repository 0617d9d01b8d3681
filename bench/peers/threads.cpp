// The same work with std::thread and std::condition_variable: a bounded queue, and threads.

#include "../support/bench.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <numeric>
#include <optional>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

using bench::report;

namespace {

constexpr std::size_t queue_size = 1024;

/// A ring under a mutex. Who has to wait for nothing is not waited for with a system call.
template <class T>
class bounded_queue {
public:
    void push(T&& value)
    {
        std::unique_lock lock(mutex_);
        has_room_.wait(lock, [this] { return count_ < ring_.size(); });
        ring_[(first_ + count_++) % ring_.size()] = std::move(value);
        if (takers_ > 0)
            has_values_.notify_one();
    }

    std::optional<T> pop()
    {
        std::unique_lock lock(mutex_);
        ++takers_;
        has_values_.wait(lock, [this] { return count_ > 0 || closed_; });
        --takers_;
        if (count_ == 0)
            return std::nullopt;
        std::optional<T> value(std::move(ring_[first_]));
        first_ = (first_ + 1) % ring_.size();
        if (count_-- == ring_.size())
            has_room_.notify_all();
        return value;
    }

    void close()
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        has_values_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable has_room_, has_values_;
    std::vector<T> ring_ = std::vector<T>(queue_size);
    std::size_t first_ = 0, count_ = 0, takers_ = 0;
    bool closed_ = false;
};

struct job {
    std::int64_t id, value;
};

struct result {
    std::int64_t id, value;
    std::exception_ptr error;
};

template <std::size_t Workers>
report pool_stream(std::int64_t items)
{
    bounded_queue<job> jobs;
    bounded_queue<result> results;
    const bench::stopwatch watch;
    std::vector<std::thread> workers;
    for (std::size_t w = 0; w < Workers; ++w)
        workers.emplace_back([&] {
            while (auto j = jobs.pop())
                results.push({j->id, bench::worked(j->value), nullptr});
        });
    std::thread feeder([&] {
        for (std::int64_t i = 0; i < items; ++i)
            jobs.push({i, i});
        jobs.close();
        for (auto& worker : workers)
            worker.join();
        results.close();
    });
    std::uint64_t sum = 0;
    while (auto r = results.pop())
        sum += static_cast<std::uint64_t>(r->value);
    const report found = bench::ns_each(watch, items, sum);
    feeder.join();
    return found;
}

template <std::size_t Workers>
report submit_many(std::int64_t items)
{
    std::vector<std::int64_t> results(static_cast<std::size_t>(items));
    bounded_queue<std::function<void()>> tasks;
    const bench::stopwatch watch;
    std::vector<std::thread> workers;
    for (std::size_t w = 0; w < Workers; ++w)
        workers.emplace_back([&] {
            while (auto task = tasks.pop())
                (*task)();
        });
    for (std::size_t i = 0; i < results.size(); ++i)
        tasks.push([&results, i] { results[i] = bench::worked(static_cast<std::int64_t>(i)); });
    tasks.close();
    for (auto& worker : workers)
        worker.join();
    const double ns = watch.nanoseconds() / static_cast<double>(items);
    return {std::accumulate(results.begin(), results.end(), std::uint64_t{0}), {{"ns", ns}}};
}

report round_trip(std::int64_t items)
{
    bounded_queue<job> jobs;
    bounded_queue<result> results;
    std::thread worker([&] {
        while (auto j = jobs.pop())
            results.push({j->id, bench::worked(j->value), nullptr});
    });
    const bench::stopwatch watch;
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < items; ++i) {
        jobs.push({i, i});
        sum += static_cast<std::uint64_t>(results.pop()->value);
    }
    const report found = bench::ns_each(watch, items, sum);
    jobs.close();
    worker.join();
    return found;
}

report semaphore_free(std::int64_t items)
{
    std::counting_semaphore<> semaphore(2);
    const bench::stopwatch watch;
    std::uint64_t passed = 0;
    for (std::int64_t i = 0; i < items; ++i) {
        semaphore.acquire();
        ++passed;
        semaphore.release();
    }
    return bench::ns_each(watch, items, passed);
}

/// Not a peer, but the machine: a cache line goes from one thread to another, and back.
report cache_line(std::int64_t items)
{
    alignas(64) std::atomic<std::int64_t> at{0};
    const auto follow = [&at, items](std::int64_t mine) {
        for (std::int64_t i = mine; i < items; i += 2) {
            while (at.load(std::memory_order_acquire) != i)
                ;
            at.store(i + 1, std::memory_order_release);
        }
    };
    const bench::stopwatch watch;
    std::thread other(follow, 1);
    follow(0);
    other.join();
    return bench::ns_each(watch, items, static_cast<std::uint64_t>(at.load()));
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"pool_stream_2", pool_stream<8>},
                        {"pool_stream_100", pool_stream<100>},
                        {"submit_many_8", submit_many<8>},
                        {"submit_many_100", submit_many<100>},
                        {"round_trip", round_trip},
                        {"semaphore_free", semaphore_free},
                        {"cache_line", cache_line}});
}
