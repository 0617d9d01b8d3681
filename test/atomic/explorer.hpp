#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// Tries the orders in which threads may touch memory. The cores in weir/sync/detail take their
// atomics and locks from a policy; this one stops before each access and lets a depth-first search
// say who goes on. Sequentially consistent: weak orders are for ThreadSanitizer.

namespace weir::test {

/// What an exploration found.
struct explored {
    std::uint64_t schedules = 0;
    bool complete = false;
    std::string failure; // empty when there was none
    std::string choices; // that lead to it
};

/// Runs a scenario once for every schedule of its threads, with at most so many preemptions: a
/// thread is preempted when another goes on though it could. A switch where a thread waits, pauses
/// or ends is free.
///
/// Source: bounded preemptions and fair pauses as in CHESS (Musuvathi and Qadeer, PLDI 2007, 2008).
class explorer {
public:
    /// `replay`: only the schedule of these choices, `0.1.0` and so on.
    explicit explorer(unsigned preemptions, std::string replay = "");
    ~explorer();

    /// `scenario` adds the threads of one run; the function it returns checks what came of them.
    explored explore(const std::function<std::function<void()>(explorer&)>& scenario);

    /// In a scenario: one more thread.
    void thread(std::function<void()> body);
    /// In a scenario, a thread, or a check: what must hold. The first that does not ends the run.
    void check(bool holds, const char* what);
    /// In a thread: goes on when it is true. One that never is, is found.
    void wait_until(std::function<bool()> ready);

    /// In a thread: before an access to what is shared. Outside: nothing.
    static void point();
    /// In a thread: others go on first, if they can.
    static void pause();
    /// In a thread: as `wait_until`, for locks.
    static void block(std::function<bool()> ready);

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

/// An atomic whose every access is a point of the explorer's.
template <class T>
class explored_atomic {
public:
    explored_atomic() = default;
    explored_atomic(T value) : value_(value) {}

    T load(std::memory_order = std::memory_order_seq_cst) const
    {
        explorer::point();
        return value_;
    }
    void store(T value, std::memory_order = std::memory_order_seq_cst)
    {
        explorer::point();
        value_ = value;
    }
    T fetch_add(T by, std::memory_order = std::memory_order_seq_cst)
    {
        return change([by](T v) { return v + by; });
    }
    T fetch_sub(T by, std::memory_order = std::memory_order_seq_cst)
    {
        return change([by](T v) { return v - by; });
    }
    T fetch_or(T by, std::memory_order = std::memory_order_seq_cst)
    {
        return change([by](T v) { return v | by; });
    }
    T fetch_and(T by, std::memory_order = std::memory_order_seq_cst)
    {
        return change([by](T v) { return v & by; });
    }
    bool compare_exchange_weak(T& expected, T desired,
                               std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst)
    {
        explorer::point();
        if (value_ != expected) {
            expected = value_;
            return false;
        }
        value_ = desired;
        return true;
    }
    operator T() const { return load(); }

private:
    template <class Change>
    T change(Change how)
    {
        explorer::point();
        const T before = value_;
        value_ = how(before);
        return before;
    }

    T value_{};
};

class explored_mutex {
public:
    void lock()
    {
        explorer::point();
        if (held_)
            explorer::block([this] { return !held_; });
        held_ = true;
    }
    void unlock() { held_ = false; }

private:
    bool held_ = false;
};

/// For the cores' policy parameter.
struct explored_policy {
    template <class T>
    using atomic = explored_atomic<T>;
    using mutex = explored_mutex;
    static void pause(unsigned) { explorer::pause(); }
};

} // namespace weir::test
