#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/sync/detail/semaphore_core.hpp>
#include <weir/sync/limit.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weir {

/// The proof of having passed a semaphore. Gives back what it holds when it is destroyed.
///
/// Lifetime: may outlive its semaphore.
/// Threads: any thread; one object by one thread at a time.
class [[nodiscard]] permit {
public:
    /// Holds nothing.
    permit() noexcept = default;
    permit(permit&& other) noexcept : core_(other.core_), weight_(std::exchange(other.weight_, 0))
    {
    }
    permit& operator=(permit&& other) noexcept
    {
        if (this != &other) {
            release();
            core_ = other.core_;
            weight_ = std::exchange(other.weight_, 0);
        }
        return *this;
    }
    ~permit() { release(); }

    /// Gives back all it holds, now.
    void release() noexcept
    {
        if (weight_ != 0)
            core_->release(std::exchange(weight_, 0));
    }

    /// Takes `weight` of what this permit holds into a permit of its own. Throws
    /// `std::invalid_argument` when it holds less, or when `weight` is zero.
    permit split(std::size_t weight)
    {
        if (weight == 0 || weight > weight_)
            throw std::invalid_argument(
                "weir::permit::split: the weight must be between 1 and what the "
                "permit holds");
        weight_ -= weight;
        return permit(*core_, weight);
    }

    std::size_t weight() const noexcept { return weight_; }
    explicit operator bool() const noexcept { return weight_ != 0; }

private:
    template <class>
    friend class basic_semaphore;
    using core = detail::semaphore_core<>;

    permit(core& c, std::size_t weight) noexcept : core_(&c), weight_(weight) {}

    core* core_ = nullptr; // lives for as long as there is a weight
    std::size_t weight_ = 0;
};

/// Lets at most `limit` through at a time; the others wait in line.
///
/// Shape: weighted; every acquire takes `weight` of the limit and its permit gives it back.
/// Units: `limit` from 1, or `unlimited`, or `paused`. There is no default: what a service can
///        carry is nobody's guess. `overtakers`: how many may pass the first in line while it waits
///        for more than there is; 0 unless given, for each of them makes the first wait longer.
/// Threads: safe from any thread.
/// Lifetime: destroying it closes it. Permits may outlive it.
/// Fairness: first come, first served, by weight: one that waits for much holds back those behind
///           it until there is room for it, but for the `overtakers`. A `try_acquire` passes
///           nobody.
/// Memory: an `async_acquire` costs one allocation by the handler's allocator, whether or not it
///         has to wait, and a deadline one more; a `try_acquire` costs none.
template <class Executor = boost::asio::any_io_executor>
class basic_semaphore {
public:
    using executor_type = Executor;

    basic_semaphore(executor_type executor, weir::limit limit, std::size_t overtakers = 0)
        : core_(std::make_shared<core>(limit.count(), overtakers)), executor_(std::move(executor))
    {
    }
    basic_semaphore(const basic_semaphore&) = delete;
    basic_semaphore& operator=(const basic_semaphore&) = delete;
    ~basic_semaphore()
    {
        core_->close();
        core::outlive(std::move(core_));
    }

    executor_type get_executor() const noexcept { return executor_; }

    /// A permit when there is room and nobody waits; else an empty one. Never waits.
    permit try_acquire(std::size_t weight = 1)
    {
        check_weight(weight);
        if (core_->try_acquire(weight) == detail::acquire_result::granted)
            return permit(*core_, weight);
        return permit();
    }

    /// Waits for a permit.
    ///
    /// Completion: `void(error_code, permit)`
    /// Errors: `errc::closed` when the semaphore was closed before the grant; `errc::too_large`
    ///         when `weight` is above the limit (at once, or when the limit is lowered while
    ///         waiting; a paused one has none); `boost::asio::error::operation_aborted` when
    ///         cancelled.
    /// Cancellation: terminal, partial and total; takes no permit. A permit that was granted
    ///               already is delivered.
    /// Handler: by its associated executor, never inside this call nor inside a release.
    template <class Token = default_token<Executor>>
    auto async_acquire(Token&& token = Token())
    {
        return async_acquire(std::size_t{1}, std::forward<Token>(token));
    }

    template <class Token = default_token<Executor>>
    auto async_acquire(std::size_t weight, Token&& token = Token())
    {
        return async_acquire_until(time_point::max(), weight, std::forward<Token>(token));
    }

    /// The same, for as long as it is not `deadline`; then `errc::timed_out`, and no permit is
    /// taken.
    template <class Token = default_token<Executor>>
    requires(!std::integral<std::remove_cvref_t<Token>>) auto async_acquire_until(
        time_point deadline, Token&& token = Token())
    {
        return async_acquire_until(deadline, std::size_t{1}, std::forward<Token>(token));
    }

    template <class Token = default_token<Executor>>
    auto async_acquire_until(time_point deadline, std::size_t weight, Token&& token = Token())
    {
        check_weight(weight);
        const auto start = [this, deadline](auto&& handler, std::size_t asked) {
            using operation = acquire_operation<std::decay_t<decltype(handler)>>;
            operation::create(std::move(handler), executor_, core_, asked)->start(deadline);
        };
        return detail::initiate<void(error_code, permit)>(*this, token, start, weight);
    }

    /// Nothing new passes and who waits completes with `errc::closed`. Permits already granted stay
    /// good.
    void close() noexcept { core_->close(); }

    /// Changes the limit. Lowering it revokes nothing: `in_use` may exceed the limit until it
    /// falls.
    void resize(weir::limit limit) noexcept { core_->resize(limit.count()); }

    weir::limit limit() const noexcept { return weir::limit::of_count(core_->limit()); }
    std::size_t in_use() const noexcept { return core_->in_use(); }
    /// How many acquires wait.
    std::size_t waiting() const noexcept { return core_->waiters(); }
    bool is_closed() const noexcept { return core_->is_closed(); }

private:
    using core = detail::semaphore_core<>;

    template <class Handler>
    class acquire_operation;

    static void check_weight(std::size_t weight)
    {
        if (weight == 0)
            throw std::invalid_argument("weir::semaphore: the weight must be at least 1");
    }

    std::shared_ptr<core> core_;
    executor_type executor_;
};

using semaphore = basic_semaphore<>;

// -------------------------------------------------------------------------------------------------

template <class Executor>
template <class Handler>
class basic_semaphore<Executor>::acquire_operation final
    : public detail::wait_operation<acquire_operation<Handler>, Handler, Executor>,
      private core::node {
public:
    acquire_operation(Handler&& handler, const Executor& executor, std::shared_ptr<core> c,
                      std::size_t asked)
        : acquire_operation::wait_operation(std::move(handler), executor), core::node(asked),
          core_(std::move(c))
    {
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation([this] { give_up(boost::asio::error::operation_aborted); });
        if (deadline != time_point::max())
            deadline_ = alarm(this->home().plain(), deadline, [this] { give_up(errc::timed_out); });
        const detail::acquire_result how = core_->park(*this);
        if (how !=
            detail::acquire_result::parked) // parked: it may be over already, on another thread
            decided(how);
    }

private:
    void give_up(error_code why)
    {
        if (core_->unpark(*this)) {
            error_ = why;
            this->wake();
        }
    }

    void decided(detail::acquire_result how) noexcept override
    {
        how_ = how;
        if (how == detail::acquire_result::closed)
            error_ = errc::closed;
        else if (how == detail::acquire_result::too_large)
            error_ = errc::too_large;
        this->wake();
    }

    permit take() noexcept
    {
        if (how_ != detail::acquire_result::granted)
            return permit();
        how_ = detail::acquire_result::parked;
        return permit(*core_, this->weight);
    }

    void resumed() override
    {
        const error_code error = error_;
        this->complete(error, take());
    }

    void dropped() noexcept override
    {
        const permit unused = take();
        this->destroy();
    }

    void context_shutdown() noexcept override
    {
        if (core_->unpark(*this))
            this->destroy();
    }

    std::shared_ptr<core> core_;
    detail::acquire_result how_ = detail::acquire_result::parked;
    error_code error_;
    alarm deadline_;
};

} // namespace weir
