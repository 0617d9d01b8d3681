#pragma once

#include "weak_memory.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// Tries the runs of a small scenario over C++20's memory model, within bounds: which thread goes on
// where several can and, where several stores could be read, which. The cores take their atomics,
// locks and plain data as a parameter; those of explored_atomics.hpp stop before each access to an
// atomic or a lock.

namespace weir::test {

/// How far a search goes.
struct bounds {
    bounds(unsigned preempted = 2, unsigned old = 0, unsigned failures = 0)
        : preemptions(preempted), stale(old), spurious(failures)
    {
    }

    unsigned preemptions; ///< another thread goes on, though the present one could
    unsigned stale;       ///< reads of an older store, and stores that come before an earlier one
    unsigned spurious;    ///< failures of weak exchanges without a reason, each thread
    /// With more threads, each of the two above takes the place of a preemption; with still more,
    /// neither happens.
    std::size_t separate = 7;
    std::size_t weak_threads = 7;
    std::uint64_t runs = 500'000'000; ///< and not complete after so many
    bool merge = true; ///< what follows a state is tried once, however it was come to
};

/// What an exploration found.
struct explored {
    std::uint64_t runs = 0;
    std::uint64_t merged = 0; // of these ended in a state that had been there
    bool complete = false;
    std::string failure; // empty when there was none
    std::string choices; // that lead to it
};

/// Runs a scenario once for every way in which it can go within the bounds. A thread is preempted
/// when another one runs although the first could go on; a switch where a thread waits, pauses or
/// ends is free.
///
/// A run ends early in a state from which all runs have been tried with as much of the bounds left.
/// The state is all of the run's memory (run_memory.hpp), the stacks and registers of its threads,
/// what the model of memory can still make a difference with, and how much of the bounds is used
/// up. A hash of 64 bits stands for it. So nothing that a thread reads or writes may lie elsewhere,
/// except for what is written only, in the order of no matter what, such as a set of outcomes.
///
/// Source: bounded preemptions and fair pauses as in CHESS (Musuvathi and Qadeer, PLDI 2007, 2008);
///         older stores as further branches of the same search as in CDSChecker (Norris and Demsky,
///         OOPSLA 2013).
class explorer final : private weak_memory::search {
public:
    /// `replay`: only the run of these choices, `0.1.0` and so on, with the same bounds.
    explicit explorer(bounds b, std::string replay = "");
    ~explorer();

    /// `scenario` adds the threads of one run; the function it returns checks what came of them.
    explored explore(const std::function<std::function<void()>(explorer&)>& scenario);

    static constexpr std::size_t most_threads = weak_memory::most_threads - 1;

    /// In a scenario: adds a thread.
    void thread(std::function<void()> body);
    /// In a scenario, a thread, or the final check: what must hold. The first that does not ends
    /// the run.
    void check(bool holds, const char* what);
    /// In a thread: goes on once `ready` is true. A thread for which it never is fails the run. No
    /// edge of happens-before: for that there is `explored_post`.
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
    /// As `check(false, what)`, and the thread does not go on.
    static void give_up(const char* what);
    static bool in_thread();
    /// Paints over what the model's functions left on the thread's stack. It would be part of the
    /// state otherwise, and fewer runs would merge.
    static void sweep();
    static void sweep_a_little();
    /// Whatever any thread has done so far has happened before. For what orders threads and cannot
    /// be seen here, such as the count of a `shared_ptr`.
    static void acquire_all();

    /// Null outside a run; a scenario and its final check are part of one.
    static weak_memory* memory();

    static constexpr std::size_t most_steps = 20'000;

private:
    struct fibre;
    class states;
    /// What is used up of the bounds.
    struct spent {
        std::uint16_t preempted = 0, stale = 0;
        std::uint32_t spurious = 0; // four bits a thread

        bool covers(const spent& other) const
        {
            for (std::uint32_t mine = spurious, its = other.spurious; mine != 0;
                 mine >>= 4, its >>= 4)
                if ((mine & 15) > (its & 15))
                    return false;
            return preempted <= other.preempted && stale <= other.stale;
        }
    };
    /// Hashes; 0 where there is none.
    struct states_here {
        std::uint64_t all = 0;
        std::uint64_t newest = 0; // as if no older store could be read any more
    };
    struct choice {
        std::size_t taken;
        std::size_t options;
    };
    struct passed {
        states_here here;
        spent used;
        std::size_t depth; // how many choices came before
    };

    std::size_t older(std::size_t options) override;
    bool spurious() override;
    void found(const char* what) override { check(false, what); }

    void run();
    unsigned most_stale() const;
    bool is_left() const;
    void begin_fibres();
    bool next_path();
    bool can(const fibre& f) const;
    void find_runnable();
    void note_pause();
    spent used_up() const;
    states_here state();
    std::size_t choose(std::size_t options);
    void switch_to(fibre& f);
    void switch_to_scheduler();
    std::string path() const;

    const bounds bounds_;
    const std::string replay_;
    weak_memory memory_;
    std::unique_ptr<states> seen_;
    std::vector<choice> path_;
    std::vector<passed> passed_; // states of the present run, without those of a merged end
    std::size_t depth_ = 0;
    std::vector<std::unique_ptr<fibre>> fibres_;
    std::size_t threads_ = 0;
    std::vector<std::size_t> runnable_;
    std::size_t current_ = 0;
    unsigned preempted_ = 0, stale_ = 0, spurious_ = 0;
    std::size_t steps_ = 0;
    bool paused_ = false, merged_ = false;
    std::string failure_;
    std::unique_ptr<fibre> scheduler_;
};

} // namespace weir::test
