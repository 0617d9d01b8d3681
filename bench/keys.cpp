// Keys with a limit each: what an acquire costs, what a key costs, and how fair the turns are.

#include <weir/policy/keyed_semaphore.hpp>

#include "support/bench.hpp"

#include <weir/run/runner_pool.hpp>
#include <weir/sim/context.hpp>
#include <weir/sim/world.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <malloc.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using bench::report;
using semaphore = weir::keyed_semaphore<std::uint64_t>;
using permit = weir::keyed_permit<std::uint64_t>;

// What is allocated now, with what the allocator adds to each block.
namespace {

std::atomic<std::int64_t> allocated{0};

void* counted(void* memory)
{
    if (memory == nullptr)
        throw std::bad_alloc();
    allocated.fetch_add(static_cast<std::int64_t>(malloc_usable_size(memory) + sizeof(void*)),
                        std::memory_order_relaxed);
    return memory;
}

void free_counted(void* memory) noexcept
{
    if (memory != nullptr)
        allocated.fetch_sub(static_cast<std::int64_t>(malloc_usable_size(memory) + sizeof(void*)),
                            std::memory_order_relaxed);
    std::free(memory);
}

} // namespace

void* operator new(std::size_t size)
{
    return counted(std::malloc(size));
}
void* operator new(std::size_t size, std::align_val_t alignment)
{
    const auto a = static_cast<std::size_t>(alignment);
    return counted(std::aligned_alloc(a, (size + a - 1) / a * a));
}
void operator delete(void* memory) noexcept
{
    free_counted(memory);
}
void operator delete(void* memory, std::size_t) noexcept
{
    free_counted(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept
{
    free_counted(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept
{
    free_counted(memory);
}

namespace {

constexpr std::uint64_t key_count = 1'000'000;

/// Keys in an order that no cache can guess.
std::uint64_t key_of(std::uint64_t number)
{
    return number * 0x9e3779b97f4a7c15U;
}

std::unique_ptr<semaphore> make(asio::any_io_executor executor, bool wide)
{
    if (wide)
        return std::make_unique<semaphore>(executor, 3, weir::limit(10 * key_count));
    return std::make_unique<semaphore>(executor, 3);
}

std::vector<permit> acquire_all(semaphore& all)
{
    std::vector<permit> out;
    out.reserve(key_count);
    for (std::uint64_t i = 0; i < key_count; ++i)
        out.push_back(all.try_acquire(key_of(i)));
    return out;
}

std::uint64_t take_and_give(semaphore& all, std::uint64_t seed, std::int64_t rounds)
{
    std::uint64_t passed = 0;
    std::uint64_t state = seed;
    for (std::int64_t i = 0; i < rounds; ++i) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        const std::uint64_t number = ((state >> 32) * key_count) >> 32;
        const permit p = all.try_acquire(key_of(number));
        passed += p.weight();
    }
    return passed;
}

/// `ns` is the time of all threads together, as in the other measures; `each_ns` what one thread
/// sees.
report keyed(std::int64_t items, std::size_t threads, bool in_use, bool wide)
{
    asio::io_context io;
    const auto all = make(io.get_executor(), wide);
    const auto out = in_use ? acquire_all(*all) : std::vector<permit>();
    std::vector<std::uint64_t> passed(threads * 16); // a cache line each
    std::vector<std::thread> running;
    const bench::stopwatch watch;
    for (std::size_t i = 0; i < threads; ++i)
        running.emplace_back([&, i] {
            passed[i * 16] = take_and_give(*all, i + 1, items / static_cast<std::int64_t>(threads));
        });
    for (std::thread& t : running)
        t.join();
    const double ns = watch.nanoseconds() / static_cast<double>(items);
    std::uint64_t sum = 0;
    for (const std::uint64_t one : passed)
        sum += one;
    return {sum, {{"ns", ns}, {"each_ns", ns * static_cast<double>(threads)}}};
}

template <std::size_t Threads, bool InUse, bool Wide>
report keyed_row(std::int64_t items)
{
    return keyed(items, Threads, InUse, Wide);
}

/// A million keys in use, and then none. Whole bytes a key.
template <bool Wide>
report keyed_bytes(std::int64_t items)
{
    asio::io_context io;
    const auto all = make(io.get_executor(), Wide);
    (void)all->try_acquire(1);
    const std::int64_t before = allocated;
    auto out = acquire_all(*all);
    const std::int64_t in_use =
        allocated - before - static_cast<std::int64_t>(out.capacity() * sizeof(permit));
    out = std::vector<permit>();
    const std::int64_t idle = allocated - before;
    return {static_cast<std::uint64_t>(items),
            {{"bytes", std::ceil(static_cast<double>(in_use) / key_count)},
             {"idle_bytes", std::floor(static_cast<double>(idle) / key_count)}}};
}

/// A thousand keys always wait, some with many more waiters than others. How far the Jain index of
/// what they were granted is from 1.
report keyed_unfairness(std::int64_t items)
{
    constexpr std::size_t keys = 1'000;
    asio::io_context io;
    semaphore all(io.get_executor(), 4, 8);
    std::vector<double> granted(keys);
    std::int64_t left = items;
    std::function<void(std::uint64_t)> wait = [&](std::uint64_t key) {
        all.async_acquire(key, [&, key](weir::error_code error, permit p) {
            if (error)
                return;
            ++granted[key];
            if (--left <= 0)
                return all.close();
            wait(key);
            asio::post(io, [kept = std::make_shared<permit>(std::move(p))] {});
        });
    };
    for (std::uint64_t key = 0; key < keys; ++key)
        for (std::uint64_t i = 0; i < 2 + key % 10; ++i)
            wait(key);
    io.run();
    double sum = 0, squares = 0;
    for (const double x : granted) {
        sum += x;
        squares += x * x;
    }
    return {static_cast<std::uint64_t>(sum), {{"share", 1 - sum * sum / (keys * squares)}}};
}

/// Poisson arrivals of jobs of 1 ms on average in virtual time, for 32 places. The mean wait of
/// those that do not belong to the greedy key, whose demand is given as a share of what 32 places
/// can do. Jobs of exactly 1 ms would start and end in herds for as long as all places are taken.
class crowd {
public:
    explicit crowd(double greedy) : world_(7), context_(world_), greedy_(greedy) {}

    double mean_wait(std::int64_t jobs)
    {
        left_ = jobs;
        world_.limit_steps(std::numeric_limits<std::size_t>::max());
        others_arrive();
        greedy_arrive();
        while (granted_ < jobs)
            world_.run_one();
        return waited_ / static_cast<double>(jobs);
    }

private:
    static constexpr double capacity = 32e3; // a second
    static constexpr std::uint64_t others = 99;

    weir::duration until_next(double rate)
    {
        std::exponential_distribution<double> gap(rate);
        return std::chrono::duration_cast<weir::duration>(
            std::chrono::duration<double>(gap(random_)));
    }

    void others_arrive()
    {
        if (left_-- <= 0)
            return;
        begin(1 + random_() % others, true);
        weir::async_sleep_for(context_.get_executor(), until_next(capacity / 2),
                              [this](weir::error_code) { others_arrive(); });
    }

    void greedy_arrive()
    {
        begin(0, false);
        weir::async_sleep_for(context_.get_executor(), until_next(capacity * greedy_),
                              [this](weir::error_code) { greedy_arrive(); });
    }

    void begin(std::uint64_t key, bool counts)
    {
        const auto arrived = world_.now();
        all_.async_acquire(key, [this, counts, arrived](weir::error_code error, permit p) {
            granted_ += counts ? 1 : 0;
            if (counts)
                waited_ += std::chrono::duration<double, std::nano>(world_.now() - arrived).count();
            if (error)
                return;
            auto kept = std::make_shared<permit>(std::move(p));
            weir::async_sleep_for(context_.get_executor(), until_next(1e3),
                                  [kept](weir::error_code) { kept->release(); });
        });
    }

    weir::sim::world world_;
    weir::sim::context context_;
    semaphore all_{context_.get_executor(), weir::unlimited, weir::limit(32)};
    std::mt19937_64 random_{3};
    double greedy_;
    double waited_ = 0;
    std::int64_t left_ = 0;
    std::int64_t granted_ = 0;
};

/// The others bring half of what there are places for. The greedy key brings nine times as much as
/// they do, or the other half, which is its fair share.
template <bool Greedy>
report keyed_greedy(std::int64_t items)
{
    crowd jobs(Greedy ? 4.5 : 0.5);
    return {static_cast<std::uint64_t>(items), {{"ns", jobs.mean_wait(items)}}};
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"keyed_idle_1", keyed_row<1, false, false>},
                        {"keyed_idle_2", keyed_row<2, false, false>},
                        {"keyed_in_use_1", keyed_row<1, true, false>},
                        {"keyed_in_use_2", keyed_row<2, true, false>},
                        {"keyed_wide_idle_1", keyed_row<1, false, true>},
                        {"keyed_wide_idle_2", keyed_row<2, false, true>},
                        {"keyed_wide_in_use_1", keyed_row<1, true, true>},
                        {"keyed_wide_in_use_2", keyed_row<2, true, true>},
                        {"keyed_bytes", keyed_bytes<false>},
                        {"keyed_wide_bytes", keyed_bytes<true>},
                        {"keyed_unfairness", keyed_unfairness},
                        {"keyed_greedy", keyed_greedy<true>},
                        {"keyed_greedy_fair", keyed_greedy<false>}});
}
