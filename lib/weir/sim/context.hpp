#pragma once

#include <weir/sim/world.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution/relationship.hpp>
#include <boost/asio/execution_context.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace weir::sim {

/// An execution context inside a world: it stands for an `io_context` and its thread.
///
/// Threads: the world's one.
/// Lifetime: destroying it destroys what is queued here, and every operation that waits here,
///           without resuming it.
class context : public boost::asio::execution_context {
public:
    template <unsigned Bits>
    class basic_executor;
    using executor_type = basic_executor<0>;

    explicit context(world& w);
    ~context();

    executor_type get_executor() noexcept;
    world& get_world() noexcept { return world_; }

    /// Starts a coroutine here: `body()` returns an awaitable. What it throws leaves
    /// `world::run`. A `deadlock` names each coroutine that has not ended.
    template <class Body>
    void spawn(Body body, std::string name = "a coroutine");

    /// The same as `world::at_some_step`, but as a step of this context: for actions that belong on
    /// an operation's own executor, such as emitting a cancellation signal.
    void at_some_step(std::function<void()> action) { world_.add_fault(this, std::move(action)); }

private:
    friend class world;

    template <class Function>
    class function_step;

    void end() noexcept;

    world& world_;
    bool ended_ = false;
    std::shared_ptr<world::clock> clock_;
};

/// Meets Asio's executor requirements, as `io_context`'s does.
template <unsigned Bits>
class context::basic_executor {
    static constexpr unsigned never = 1;
    static constexpr unsigned tracked = 2;

    using blocking_t = boost::asio::execution::blocking_t;
    using work_t = boost::asio::execution::outstanding_work_t;
    using relationship_t = boost::asio::execution::relationship_t;

public:
    explicit basic_executor(context& c) noexcept : context_(&c) { count(1); }
    basic_executor(const basic_executor& other) noexcept : context_(other.context_) { count(1); }
    template <unsigned Other>
    explicit basic_executor(const basic_executor<Other>& other) noexcept : context_(other.context_)
    {
        count(1);
    }
    ~basic_executor() { count(-1); }

    basic_executor& operator=(const basic_executor& other) noexcept
    {
        basic_executor copy(other);
        std::swap(context_, copy.context_);
        return *this;
    }

    bool operator==(const basic_executor& other) const noexcept
    {
        return context_ == other.context_;
    }
    bool operator!=(const basic_executor& other) const noexcept
    {
        return context_ != other.context_;
    }

    context& query(boost::asio::execution::context_t) const noexcept { return *context_; }
    static constexpr blocking_t query(blocking_t) noexcept
    {
        return (Bits & never) != 0 ? blocking_t(blocking_t::never)
                                   : blocking_t(blocking_t::possibly);
    }
    static constexpr work_t query(work_t) noexcept
    {
        return (Bits & tracked) != 0 ? work_t(work_t::tracked) : work_t(work_t::untracked);
    }

    auto require(blocking_t::possibly_t) const noexcept
    {
        return basic_executor<(Bits & ~never)>(*this);
    }
    auto require(blocking_t::never_t) const noexcept
    {
        return basic_executor<(Bits | never)>(*this);
    }
    auto require(work_t::tracked_t) const noexcept
    {
        return basic_executor<(Bits | tracked)>(*this);
    }
    auto require(work_t::untracked_t) const noexcept
    {
        return basic_executor<(Bits & ~tracked)>(*this);
    }
    basic_executor require(relationship_t::fork_t) const noexcept { return *this; }
    basic_executor require(relationship_t::continuation_t) const noexcept { return *this; }

    template <class Function>
    void execute(Function&& function) const;

private:
    template <unsigned>
    friend class basic_executor;

    void count([[maybe_unused]] int by) const noexcept
    {
        if constexpr ((Bits & tracked) != 0)
            context_->world_.outstanding_ += static_cast<std::size_t>(by);
    }

    context* context_;
};

template <class Function>
class context::function_step final : public detail::step {
public:
    template <class F>
    function_step(context& c, F&& f) : step(&c), function_(std::forward<F>(f))
    {
    }

    void run() override { function_(); }

private:
    Function function_;
};

template <unsigned Bits>
template <class Function>
void context::basic_executor<Bits>::execute(Function&& function) const
{
    if constexpr ((Bits & never) == 0)
        if (context_->world_.running_ == context_) {
            std::decay_t<Function> own(std::forward<Function>(function));
            own();
            return;
        }
    context_->world_.add(std::make_unique<function_step<std::decay_t<Function>>>(
        *context_, std::forward<Function>(function)));
}

inline context::executor_type context::get_executor() noexcept
{
    return executor_type(*this);
}

template <class Body>
void context::spawn(Body body, std::string name)
{
    const std::size_t index = world_.begin_task(std::move(name));
    const auto on_end = [w = &world_, index](std::exception_ptr error) {
        w->end_task(index);
        if (error)
            std::rethrow_exception(error);
    };
    boost::asio::co_spawn(get_executor(), std::move(body), on_end);
}

} // namespace weir::sim
