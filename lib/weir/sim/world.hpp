#pragma once

#include <weir/time/clock.hpp>

#include <boost/asio/execution_context.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace weir::sim {

class context;

/// More steps were run than a simulation should need: something goes round in a circle.
struct livelock : std::runtime_error {
    using std::runtime_error::runtime_error;
};

namespace detail {

/// A piece of work that is ready.
class step {
public:
    explicit step(context& c) : owner(c) {}
    step(const step&) = delete;
    step& operator=(const step&) = delete;
    virtual ~step() = default;
    virtual void run() = 0;

    context& owner;
};

} // namespace detail

/// A deterministic machine for testing unmodified Asio code: virtual time, and whatever is ready
/// runs in an order chosen by a seed. Contexts that belong to one world share the clock and the
/// chooser, so that work crossing from one to the other is mixed too.
///
/// Shape: make a world, contexts in it, give their executors to the code under test, and `run`. The
///        same seed gives the same run.
/// Units: time begins at `time_point{}` and stands still while anything is ready; then it jumps to
///        the next timer.
/// Errors: what a handler throws leaves `run`. `livelock` after `max_steps`.
/// Threads: one.
/// Lifetime: outlives its contexts.
class world {
public:
    explicit world(std::uint64_t seed);
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    ~world();

    /// Runs until nothing is ready and no timer is waited for. Returns the number of steps.
    std::size_t run();
    /// Runs one step, or jumps to the next timer. False: there was nothing left to do.
    bool run_one();

    time_point now() const noexcept { return now_; }
    std::uint64_t seed() const noexcept { return seed_; }
    /// The context whose step is being run; null outside.
    const context* running() const noexcept { return running_; }
    /// How many operations keep a context busy while nothing is ready: above zero after `run`,
    /// somebody waits for something that will never come.
    std::size_t outstanding() const noexcept { return outstanding_; }

    static constexpr std::size_t max_steps = 1'000'000;

private:
    friend class context;
    class clock;

    struct timer {
        time_service* service;
        context* owner;
    };

    void add(std::unique_ptr<detail::step> s) { ready_.push_back(std::move(s)); }
    void drop(context& c);

    const std::uint64_t seed_;
    std::mt19937_64 choice_;
    time_point now_{};
    std::size_t outstanding_ = 0;
    context* running_ = nullptr;
    std::vector<std::unique_ptr<detail::step>> ready_;
    std::multimap<time_point, timer> timers_;
};

} // namespace weir::sim
