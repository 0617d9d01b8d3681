#pragma once

#include <cstddef>
#include <cstdint>

// The memory of one run of a scenario. What a thread allocates comes from a part of its own, and
// its stack lies beside it, always at the same addresses. So two runs that have come to the same
// state have the same bytes here, and a state can be told by them (explorer.cpp). Nothing is used
// twice within a run: what was given back is painted over, and what is in it notices a late use.

namespace weir::test::run_memory {

constexpr std::size_t most_threads = 8; // the first is the one that makes the scenario
constexpr std::size_t stack_size = 64 * 1024;
constexpr std::size_t part_size = 64 * 1024;
constexpr std::size_t word = 8;
constexpr std::size_t words = most_threads * (stack_size + part_size) / word;
constexpr std::size_t elsewhere = words;

/// From here on `new` takes from the thread's part, until `stop`.
void allocate_for(std::size_t thread);
void stop();
/// While it lives, `new` takes from elsewhere: what the explorer itself keeps is no part of a run.
class not_of_the_run {
public:
    not_of_the_run();
    not_of_the_run(const not_of_the_run&) = delete;
    not_of_the_run& operator=(const not_of_the_run&) = delete;
    ~not_of_the_run();

private:
    std::size_t owner_;
};
/// For a new run: all is zero again.
void clear();

unsigned char* stack(std::size_t thread);
unsigned char* part(std::size_t thread);
std::size_t used(std::size_t thread);

bool is_own_stack(std::size_t thread, const void* address);
/// What functions that have returned left there.
void forget_below(std::size_t thread, unsigned char* top);

/// The number of the word that an address is in; `elsewhere` when it is none of the run's.
std::size_t word_of(const void* address);

} // namespace weir::test::run_memory
