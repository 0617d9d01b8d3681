#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What every benchmark program shares. A program is called as `program MEASURE ITEMS` and prints
// one line of JSON: what it measured, and the checksum of what it computed, by which the driver
// knows that all programs did the same work.

namespace bench {

class stopwatch {
public:
    double nanoseconds() const
    {
        return std::chrono::duration<double, std::nano>(clock::now() - began_).count();
    }
    double seconds() const { return nanoseconds() / 1e9; }

private:
    using clock = std::chrono::steady_clock;
    clock::time_point began_ = clock::now();
};

/// What a measure found: numbers by name, `ns` being nanoseconds per item.
struct report {
    std::uint64_t checksum = 0;
    std::vector<std::pair<std::string, double>> numbers;
};

inline report ns_each(const stopwatch& watch, std::int64_t items, std::uint64_t checksum)
{
    return {checksum, {{"ns", watch.nanoseconds() / static_cast<double>(items)}}};
}

/// The work of every trivial job: small, but its result cannot be guessed by a compiler.
inline std::int64_t worked(std::int64_t value) noexcept
{
    return 2 * value + 1;
}

/// A benchmark that did not do its work has no number.
inline void require(bool condition, const char* what)
{
    if (condition)
        return;
    std::fprintf(stderr, "%s\n", what);
    std::exit(1);
}

/// For `co_spawn`: what a benchmark's own coroutine throws ends the program.
inline void rethrow(std::exception_ptr error)
{
    if (error)
        std::rethrow_exception(error);
}

struct measure {
    std::string_view name;
    report (*run)(std::int64_t items);
};

inline int main(int argc, char** argv, std::initializer_list<measure> measures)
{
    const std::int64_t items = argc == 3 ? std::atoll(argv[2]) : 0;
    for (const measure& m : measures) {
        if (items <= 0 || m.name != argv[1])
            continue;
        const report found = m.run(items);
        std::printf("{\"checksum\": %llu", static_cast<unsigned long long>(found.checksum));
        for (const auto& [name, value] : found.numbers)
            std::printf(", \"%s\": %.6g", name.c_str(), value);
        std::printf("}\n");
        return 0;
    }
    std::fprintf(stderr, "usage: %s MEASURE ITEMS, where MEASURE is one of\n", argv[0]);
    for (const measure& m : measures)
        std::fprintf(stderr, "    %s\n", std::string(m.name).c_str());
    return 2;
}

} // namespace bench
