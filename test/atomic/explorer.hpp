#pragma once

#include "vector_clock.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// Tries the orders in which threads may touch memory. The cores in weir/sync/detail take their
// atomics, locks and plain data as a parameter; those of explored_atomics.hpp stop before each
// access to an atomic or a lock, and a depth-first search chooses the thread that goes on.
// Sequentially consistent: weak orders are for ThreadSanitizer.

namespace weir::test {

/// What an exploration found.
struct explored {
    std::uint64_t schedules = 0;
    bool complete = false;
    std::string failure; // empty when there was none
    std::string choices; // that lead to it
};

/// Runs a scenario once for every schedule of its threads with at most `preemptions` preemptions. A
/// thread is preempted when another one runs although the first could go on; a switch where a
/// thread waits, pauses or ends is free.
///
/// Source: bounded preemptions and fair pauses as in CHESS (Musuvathi and Qadeer, PLDI 2007, 2008).
class explorer {
public:
    /// `replay`: only the schedule of these choices, `0.1.0` and so on.
    explicit explorer(unsigned preemptions, std::string replay = "");
    ~explorer();

    /// `scenario` adds the threads of one run; the function it returns checks what came of them.
    explored explore(const std::function<std::function<void()>(explorer&)>& scenario);

    /// In a scenario: adds a thread; at most `vector_clock::most_threads`.
    void thread(std::function<void()> body);
    /// In a scenario, a thread, or the final check: what must hold. The first that does not ends
    /// the run.
    void check(bool holds, const char* what);
    /// In a thread: goes on once `ready` is true. A thread for which it never is fails the run.
    void wait_until(std::function<bool()> ready);

    // What follows is for a thread of a scenario. Elsewhere it does nothing.

    /// Before an access to shared memory.
    static void point();
    /// Other threads go on first, if they can.
    static void pause();
    /// As `wait_until`, for locks.
    static void block(std::function<bool()> ready);
    /// As `check`.
    static void expect(bool holds, const char* what);

    /// What the present thread knows to have happened. Null outside a thread.
    static const vector_clock* clock();
    /// The number of the present thread.
    static std::size_t current();
    /// What is published in `by` has happened before whatever the present thread does next.
    static void acquire(const vector_clock& by);
    /// Whatever any thread has done so far has happened before. For what orders threads and cannot
    /// be seen here, such as the count of a `shared_ptr`.
    static void acquire_all();
    /// Adds to `into` what the present thread has done and knows.
    static void release(vector_clock& into);

    static constexpr std::uint64_t most_schedules = 500'000'000;
    static constexpr std::size_t most_steps = 20'000;

private:
    struct fibre;
    struct choice {
        std::size_t taken;
        std::size_t options;
    };

    void run();
    bool next_path();
    void find_runnable();
    void note_pause();
    std::size_t choose(std::size_t options);
    void switch_to(fibre& f);
    void switch_to_scheduler();
    std::string path() const;

    const unsigned preemptions_;
    const std::string replay_;
    std::vector<choice> path_;
    std::size_t depth_ = 0;
    std::vector<std::unique_ptr<fibre>> fibres_;
    std::vector<std::unique_ptr<unsigned char[]>> stacks_;
    std::vector<std::size_t> runnable_;
    std::size_t current_ = 0;
    unsigned preempted_ = 0;
    std::size_t steps_ = 0;
    bool paused_ = false;
    std::string failure_;
    std::unique_ptr<fibre> scheduler_;
};

} // namespace weir::test
