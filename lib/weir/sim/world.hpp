#pragma once

#include <weir/detail/time_service.hpp>
#include <weir/sim/chooser.hpp>

#include <boost/asio/execution_context.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace weir::sim {

class context;

/// Thrown when a simulation has run more steps than it should need, because something goes round in
/// a circle. The message has the schedule that leads there.
struct livelock : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Thrown when nothing is ready and no timer is set, but a coroutine or an operation still waits.
/// The message names the coroutines, and has the schedule that leads there.
struct deadlock : std::runtime_error {
    using std::runtime_error::runtime_error;
};

namespace detail {

/// A piece of work that is ready. Without an owner it happens outside all contexts.
class step {
public:
    explicit step(context* c) : owner(c) {}
    step(const step&) = delete;
    step& operator=(const step&) = delete;
    virtual ~step() = default;
    virtual void run() = 0;

    context* const owner;
};

} // namespace detail

/// Runs unmodified Asio code deterministically, for tests: time is virtual, and the order of what
/// is ready is chosen. The contexts of one world share the clock and the chooser, so that the order
/// of work which crosses from one context to another is chosen too.
///
/// Shape: make a world and contexts in it, give their executors to the code under test, and call
///        `run_to_end`. The same seed, or the same choices, give the same run. To try many
///        schedules, or all of them, see `explore`.
/// Units: time begins at `begin`, `time_point{}` unless given, and stands still while anything is
///        ready; then it jumps to the next timer.
/// Errors: what a handler throws leaves `run`; `livelock` after `limit_steps` steps. When something
///         leaves `run_to_end`, a `deadlock` too, the world has ended: what waited or was queued
///         was destroyed without being resumed, context by context in the order in which they were
///         made, while the objects of the scenario still existed.
/// Threads: one.
/// Lifetime: outlives its contexts.
class world {
public:
    /// The order is chosen at random.
    explicit world(std::uint64_t seed, time_point begin = time_point{});
    /// The order is chosen by `by`, which must outlive the world.
    explicit world(chooser& by, time_point begin = time_point{});
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    ~world();

    /// Runs until everything has ended, and returns the number of steps. Throws `deadlock` when
    /// something still waits at the end.
    std::size_t run_to_end();
    /// Runs until nothing is ready and no timer is set, and returns the number of steps. What still
    /// waits then may be woken from outside.
    std::size_t run();
    /// Runs one step, or jumps to the next timer. False: nothing was left to do.
    bool run_one();

    /// A number below `n` that is explored and replayed as the order is. The scenario may use it
    /// for a size, a variant, or whether something happens. Precondition: `n` is not zero
    /// (asserted).
    std::size_t choose(std::size_t n);

    /// Calls `action` once, before a step that is chosen, outside all contexts, as another thread
    /// would: to cancel, close or destroy something. At the latest it is called when nothing else
    /// is left to do.
    void at_some_step(std::function<void()> action);

    time_point now() const noexcept { return now_; }
    /// The time when the simulation began.
    time_point began() const noexcept { return began_; }
    std::uint64_t seed() const noexcept { return seed_; }
    /// The choices made so far, in the form that `schedules::replay` takes.
    std::string choices() const;
    /// The seed, if the world has one, and the choices, for a message.
    std::string describe() const;
    /// The context whose step is running; null outside all contexts.
    const context* running() const noexcept { return running_; }
    /// How many executors keep a context busy. When it is not zero though nothing is ready, an
    /// operation waits for something that will never come.
    std::size_t outstanding() const noexcept { return outstanding_; }
    /// How many steps have run.
    std::size_t steps() const noexcept { return steps_; }
    /// The names of the spawned coroutines that have not ended, separated by commas.
    std::string unfinished() const;

    /// How many steps may run before `livelock` is thrown. Default a million, because a longer test
    /// is hard to understand.
    void limit_steps(std::size_t most) noexcept { max_steps_ = most; }

private:
    friend class context;
    class clock;

    struct timer {
        weir::detail::time_service* service;
        context* owner;
    };

    struct fault {
        std::function<void()> action;
        context* owner;
        std::size_t armed_at;
    };

    struct task {
        std::string name;
        bool over;
    };

    void add(std::unique_ptr<detail::step> s) { ready_.push_back(std::move(s)); }
    void add_fault(context* owner, std::function<void()> action);
    std::size_t begin_task(std::string name);
    void end_task(std::size_t index) noexcept { tasks_[index].over = true; }
    void drop(context& c);
    void check_end() const;
    void end() noexcept;

    std::size_t recorded(std::size_t choice);
    std::unique_ptr<detail::step> next();
    bool strike();
    bool jump();
    template <class Function>
    void run_in(context* owner, Function&& function);

    const std::uint64_t seed_;
    seeded_chooser random_;
    chooser& chooser_;
    std::vector<std::uint32_t> choices_;
    const time_point began_;
    time_point now_;
    std::size_t outstanding_ = 0;
    std::size_t steps_ = 0;
    std::size_t max_steps_ = 1'000'000;
    context* running_ = nullptr;
    std::vector<context*> contexts_; // in the order in which they were made
    std::deque<std::unique_ptr<detail::step>> ready_;
    std::vector<fault> faults_;
    std::vector<task> tasks_;
    std::multimap<time_point, timer> timers_;
};

} // namespace weir::sim
