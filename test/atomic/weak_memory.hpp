#pragma once

#include "run_memory.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

// What C++20 lets a thread see of shared memory, as a machine that runs one access at a time. The
// explorer says whose turn it is and, where several stores could be read, which.

namespace weir::test {

constexpr bool acquires(std::memory_order o)
{
    return o != std::memory_order_relaxed && o != std::memory_order_release;
}
constexpr bool releases(std::memory_order o)
{
    return o == std::memory_order_release || o == std::memory_order_acq_rel ||
           o == std::memory_order_seq_cst;
}

/// A hash that is fed with words.
class word_hash {
public:
    void add(std::uint64_t word)
    {
        state_ = mix(state_ ^ word, 0x9e3779b97f4a7c15U) + 0xd6e8feb86659fd93U;
    }
    void add(const unsigned char* bytes, std::size_t count);
    std::uint64_t value() const { return state_; }

private:
    static std::uint64_t mix(std::uint64_t a, std::uint64_t b)
    {
        __extension__ using wide = unsigned __int128;
        const wide product = static_cast<wide>(a) * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    }

    std::uint64_t state_ = 0x2545f4914f6cdd1dU;
};

/// A thread has a past: what happens before its next step. It is a clock of the threads' intervals,
/// for races, and a place in each location's modification order, before which the thread can read
/// nothing more.
///
/// * A location keeps its last four stores, in modification order. A load takes any of them that
///   the thread's past allows. A store goes to the end or, where the past allows it, before stores
///   that ran earlier, but not between a read-modify-write and its source.
/// * A read-modify-write takes the last store and continues its release sequence. A
///   compare-exchange that fails is a load of any store that differs; a weak one may fail without a
///   reason.
/// * The total order of the sequentially consistent operations is the order in which they run. Such
///   an access reads nothing older than what such accesses have touched so far, or what happened
///   before such a fence. A fence passes that on, though not as happens-before: it hides no race.
/// * Unlocking and locking, posting and running, and the ends of threads are edges.
/// * Plain data is checked with the clocks, so a race is seen in whichever order the two run. To
///   make and to destroy an atomic is a write of plain data, and each access to it a read.
///
/// Source: C++20 [intro.races], [atomics.order], [atomics.fences]; Batty et al., POPL 2011; views
/// of the modification orders as in Kang et al., POPL 2017; Mattern's clocks, with epochs as in
/// FastTrack (Flanagan and Freund, PLDI 2009).
class weak_memory {
public:
    static constexpr std::size_t most_threads = run_memory::most_threads; // 0 makes the scenario
    static constexpr std::size_t most_locations = 32;
    static constexpr std::size_t most_stores = 4;

    /// Who makes the choices.
    class search {
    public:
        /// 0: the newest store; else that many stores back among those that may be read.
        virtual std::size_t older(std::size_t options) = 0;
        /// Whether this weak compare-exchange fails.
        virtual bool spurious() = 0;
        virtual void found(const char* what) = 0;

    protected:
        ~search() = default;
    };

    explicit weak_memory(search& s);

    /// For a new run.
    void clear();

    std::size_t self = 0; ///< whose turn it is

    /// In their order, from 1 on.
    void start(std::size_t thread);
    void end(std::size_t thread);
    /// Whatever any thread has done so far has happened before.
    void join_all();
    /// The thread has paused and goes on: it reads nothing that is outdated now.
    void resume();

    /// An edge of happens-before, told by the address of the object that makes it.
    void new_edge(const void* at);
    void leave(const void* edge);
    void enter(const void* edge);

    enum class use { read, write, destroy };
    void touch(const void* plain, use how, const char* race);

    /// From here on, in this run, each use of an atomic must come before it is destroyed.
    void watch_lives() { lives_ = true; }
    bool watches_lives() const { return lives_; }
    std::size_t make(const void* atomic, std::uint64_t bits);
    void destroy(const void* atomic);
    std::uint64_t load(const void* atomic, std::size_t where, std::memory_order o);
    void store(const void* atomic, std::size_t where, std::uint64_t bits, std::memory_order o);
    /// `how(bits)` makes the new value. Returns the old one.
    template <class Change>
    std::uint64_t change(const void* atomic, std::size_t where, Change how, std::memory_order o)
    {
        use_atomic(atomic);
        const std::uint64_t before = locations_[where].newest().bits;
        replace(where, how(before), o);
        return before;
    }
    enum class strength { weak, strong };
    bool compare_exchange(const void* atomic, std::size_t where, std::uint64_t& expected,
                          std::uint64_t desired, strength kind, std::memory_order success,
                          std::memory_order failure);
    void fence(std::memory_order o);

    /// Adds what can still make a difference, in a form that does not depend on how it came about:
    /// of the clocks, which accesses they order; of the modification orders, what can be read.
    /// `older_stores`: whether any but the newest may still be read.
    void add_to(word_hash& hash, bool older_stores);

private:
    using clock = std::array<std::uint32_t, most_threads>;
    static constexpr std::uint32_t gap = 1U << 16; // between stores, for those that come between

    struct view {
        std::array<std::uint32_t, most_locations> at{};
    };
    struct past {
        clock time{};
        view seen;
    };
    struct stored {
        std::uint64_t bits = 0;
        std::uint32_t place = 0; // in modification order
        bool changes = false;    // by a read-modify-write: nothing comes between it and its source
        past released;           // for those who acquire it; of its release sequence's head, too
    };
    struct cell {
        std::array<stored, most_stores> stores; // the last few, in modification order
        std::size_t count = 0;

        stored& newest() { return stores[count - 1]; }
    };
    struct thread_state {
        past before;   // what happens before its next step
        past fenced;   // before its last release fence: goes with its relaxed stores
        past unfenced; // what its relaxed loads took: for its next acquire fence
        view paused;
        bool runs = false;
        bool fences = false; // whether `fenced` has anything
    };
    struct trace {
        std::size_t word = 0;
        std::size_t writer = 0;
        std::uint32_t written = 0;
        clock read{};
    };
    struct edge {
        std::size_t word = 0;
        past published;
    };

    thread_state& me() { return threads_[self]; }
    void raise(view& v, std::size_t where, std::uint32_t place) const
    {
        v.at[where] = std::max(v.at[where], place);
    }
    void join(view& v, const view& other) const;
    void join(past& p, const past& other) const;
    void publish();
    void use_atomic(const void* atomic);
    std::uint32_t floor(std::size_t where, std::memory_order o);
    std::size_t pick(std::size_t where, std::memory_order o, const std::uint64_t* unequal);
    void saw(std::size_t where, std::uint32_t place, std::memory_order o);
    void take(std::size_t where, const stored& s, std::memory_order o);
    void put(std::size_t where, std::size_t i, stored& s, std::memory_order o);
    void replace(std::size_t where, std::uint64_t bits, std::memory_order o);
    edge* edge_at(const void* at);

    search& search_;
    std::array<thread_state, most_threads> threads_;
    std::array<cell, most_locations> locations_;
    std::size_t made_ = 0;
    std::size_t started_ = 0; // threads, but for the one that makes the scenario
    bool lives_ = false;
    view total_; // what the sequentially consistent operations have touched so far
    std::vector<trace> traces_;
    std::vector<edge> edges_;
    std::vector<std::uint16_t> trace_of_, edge_of_; // by words of the run's memory; 0: none
    std::array<std::vector<std::uint32_t>, most_threads> open_; // used by `add_to`
};

} // namespace weir::test
