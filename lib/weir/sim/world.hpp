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

/// More steps were run than a simulation should need: something goes round in a circle. The message
/// has the schedule that leads there.
struct livelock : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Nothing is ready, no timer is waited for, and yet somebody waits. The message says who, and has
/// the schedule that leads there.
struct deadlock : std::runtime_error {
    using std::runtime_error::runtime_error;
};

namespace detail {

/// A piece of work that is ready. No owner: it happens outside all contexts.
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

/// A deterministic machine for testing unmodified Asio code: virtual time, and whatever is ready
/// runs in an order that is chosen. Contexts that belong to one world share the clock and the
/// chooser, so that work crossing from one to the other is mixed too.
///
/// Shape: make a world, contexts in it, give their executors to the code under test, and
///        `run_to_end`. The same seed, or the same choices, give the same run. To try many
///        schedules, or all of them, see `explore`.
/// Units: time begins at `time_point{}` and stands still while anything is ready; then it jumps to
///        the next timer.
/// Errors: what a handler throws leaves `run`. `livelock` after `limit_steps`.
/// Threads: one.
/// Lifetime: outlives its contexts.
class world {
public:
    /// An order chosen at random.
    explicit world(std::uint64_t seed);
    /// An order chosen by `by`, which outlives the world.
    explicit world(chooser& by);
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    ~world();

    /// Runs until everything has ended. Throws `deadlock` when somebody still waits then. Returns
    /// the number of steps.
    std::size_t run_to_end();
    /// Runs until nothing is ready and no timer is waited for; who waits then may still be woken
    /// from outside. Returns the number of steps.
    std::size_t run();
    /// Runs one step, or jumps to the next timer. False: there was nothing left to do.
    bool run_one();

    /// One of `n` possibilities, for the scenario to make of it what it likes: a size, a variant,
    /// whether something happens. Explored and replayed as the order is. Precondition: `n` is not
    /// zero (asserted).
    std::size_t choose(std::size_t n);

    /// Does something once, before a step that is chosen, outside all contexts, as another thread
    /// would: cancels, closes, destroys. At the latest when there is nothing else left to do.
    void at_some_step(std::function<void()> action);

    time_point now() const noexcept { return now_; }
    std::uint64_t seed() const noexcept { return seed_; }
    /// What was chosen so far, in a form that `schedules::replay` takes.
    std::string choices() const;
    /// Where this run is, for a message: the seed, if there is one, and the choices.
    std::string describe() const;
    /// The context whose step is being run; null outside.
    const context* running() const noexcept { return running_; }
    /// How many executors keep a context busy: above zero when nothing is ready, somebody waits for
    /// something that will never come.
    std::size_t outstanding() const noexcept { return outstanding_; }
    /// How many steps were run.
    std::size_t steps() const noexcept { return steps_; }
    /// The names of spawned coroutines that have not ended, with commas between.
    std::string unfinished() const;

    /// How many steps before it is a `livelock`. Default a million: a test that needs more is hard
    /// to understand.
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
    time_point now_{};
    std::size_t outstanding_ = 0;
    std::size_t steps_ = 0;
    std::size_t max_steps_ = 1'000'000;
    context* running_ = nullptr;
    std::deque<std::unique_ptr<detail::step>> ready_;
    std::vector<fault> faults_;
    std::vector<task> tasks_;
    std::multimap<time_point, timer> timers_;
};

} // namespace weir::sim
