// Limits that are free: a rate, and several limits at once, against semaphores.

#include <weir/policy/admission.hpp>
#include <weir/policy/keyed_rate_limiter.hpp>
#include <weir/policy/rate_limiter.hpp>
#include <weir/sync/semaphore.hpp>

#include "support/bench.hpp"

#include <weir/time/clock.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace asio = boost::asio;
using bench::report;

namespace {

// A token each nanosecond: there is always one.
const weir::rate plenty(1, std::chrono::nanoseconds(1));
constexpr std::size_t burst = 1'000;

report limit_semaphore(std::int64_t items)
{
    asio::io_context io;
    weir::semaphore semaphore(io.get_executor(), 2);
    std::uint64_t passed = 0;
    const bench::stopwatch watch;
    for (std::int64_t i = 0; i < items; ++i)
        passed += semaphore.try_acquire().weight();
    return bench::ns_each(watch, items, passed);
}

/// With 13 readings of the clock for 10 permits.
report limit_semaphore_and_clock(std::int64_t items)
{
    asio::io_context io;
    weir::semaphore semaphore(io.get_executor(), 2);
    std::uint64_t passed = 0;
    weir::time_point latest{};
    const bench::stopwatch watch;
    for (std::int64_t i = 0; i < items; ++i) {
        passed += semaphore.try_acquire().weight();
        for (int readings = i % 10 < 3 ? 2 : 1; readings != 0; --readings)
            latest = std::max(latest, std::chrono::steady_clock::now());
    }
    const report found = bench::ns_each(watch, items, passed);
    bench::require(latest != weir::time_point{}, "no clock was read");
    return found;
}

report limit_rate_given(std::int64_t items)
{
    asio::io_context io;
    weir::rate_limiter limiter(io.get_executor(), plenty, burst);
    std::uint64_t passed = 0;
    const weir::time_point begin = weir::now(io.get_executor());
    const bench::stopwatch watch;
    for (std::int64_t i = 0; i < items; ++i)
        passed += limiter.try_acquire_at(begin + std::chrono::nanoseconds(i)) ? 1 : 0;
    return bench::ns_each(watch, items, passed);
}

report limit_rate(std::int64_t items)
{
    asio::io_context io;
    weir::rate_limiter limiter(io.get_executor(), plenty, burst);
    std::uint64_t passed = 0;
    const bench::stopwatch watch;
    for (std::int64_t i = 0; i < items; ++i)
        passed += limiter.try_acquire() ? 1 : 0;
    return bench::ns_each(watch, items, passed);
}

/// A thousand keys, which fit into a cache, and are remembered.
report limit_keyed_rate(std::int64_t items)
{
    asio::io_context io;
    weir::keyed_rate_limiter<std::uint64_t> limiter(
        io.get_executor(), weir::rate(1'000, std::chrono::seconds(1)), 1'000'000'000);
    std::uint64_t passed = 0;
    const bench::stopwatch watch;
    for (std::int64_t i = 0; i < items; ++i)
        passed += limiter.try_acquire(static_cast<std::uint64_t>(i * 7 % 1'000)) ? 1 : 0;
    return bench::ns_each(watch, items, passed);
}

constexpr std::size_t bytes = 1'000;

report limit_admission(std::int64_t items)
{
    asio::io_context io;
    weir::admission_limits limits;
    const auto places = limits.count(2), memory = limits.count(10 * bytes);
    weir::admission<> all(io.get_executor(), limits.rate(plenty, burst));
    const auto request = weir::admission_request<>().take(places).take(memory, bytes).tokens();
    std::uint64_t passed = 0;
    const bench::stopwatch watch;
    for (std::int64_t i = 0; i < items; ++i)
        passed += all.try_acquire(request).amount(places);
    return bench::ns_each(watch, items, passed);
}

report limit_apart(std::int64_t items)
{
    asio::io_context io;
    weir::semaphore places(io.get_executor(), 2), memory(io.get_executor(), 10 * bytes);
    weir::rate_limiter limiter(io.get_executor(), plenty, burst);
    std::uint64_t passed = 0;
    const bench::stopwatch watch;
    for (std::int64_t i = 0; i < items; ++i) {
        const weir::permit place = places.try_acquire();
        const weir::permit share = memory.try_acquire(bytes);
        passed += limiter.try_acquire() && share ? place.weight() : 0;
    }
    return bench::ns_each(watch, items, passed);
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"limit_semaphore", limit_semaphore},
                        {"limit_semaphore_and_clock", limit_semaphore_and_clock},
                        {"limit_rate_given", limit_rate_given},
                        {"limit_rate", limit_rate},
                        {"limit_keyed_rate", limit_keyed_rate},
                        {"limit_admission", limit_admission},
                        {"limit_apart", limit_apart}});
}
