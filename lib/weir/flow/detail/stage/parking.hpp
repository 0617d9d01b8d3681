#pragma once

#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>

#include <type_traits>
#include <utility>

namespace weir::detail {

/// Where coroutines of one serial executor wait for one another.
///
/// Shape: `wake_one` wakes who came last (its memory is the warmest).
/// Completion: `void(error_code)`; `boost::asio::error::operation_aborted` when cancelled (all
///             three types). One that was woken before succeeds.
/// Threads: all on the one executor, but for the destruction of its context.
/// Lifetime: outlives those who wait.
class parking {
public:
    parking() = default;
    parking(const parking&) = delete;
    parking& operator=(const parking&) = delete;

    template <class Executor, class Token>
    auto async_park(Executor executor, Token&& token);

    bool empty() const noexcept { return last_ == nullptr; }

    bool wake_one()
    {
        if (!last_)
            return false;
        waiter* const woken = last_->who;
        remove(*last_);
        woken->wake();
        return true;
    }

    void wake_all()
    {
        while (wake_one()) {
        }
    }

private:
    struct node {
        waiter* who = nullptr; // null: not parked
        node* before = nullptr;
        node* after = nullptr;
    };

    template <class Handler, class Executor>
    class operation;

    template <class Executor>
    struct initiate;

    void add(node& n, waiter& who) noexcept
    {
        n.who = &who;
        n.before = last_;
        n.after = nullptr;
        if (last_)
            last_->after = &n;
        last_ = &n;
    }

    /// False: it is not parked any more.
    bool remove(node& n) noexcept
    {
        if (!n.who)
            return false;
        if (n.before)
            n.before->after = n.after;
        (n.after ? n.after->before : last_) = n.before;
        n.who = nullptr;
        return true;
    }

    node* last_ = nullptr;
};

// -------------------------------------------------------------------------------------------------

template <class Handler, class Executor>
class parking::operation final
    : public wait_operation<parking::operation<Handler, Executor>, Handler, Executor>,
      private parking::node {
public:
    operation(Handler&& handler, const Executor& executor)
        : operation::wait_operation(std::move(handler), executor)
    {
    }

    void start(parking& place)
    {
        if (!this->enlist())
            return this->destroy();
        place_ = &place;
        place.add(*this, *this);
        this->on_cancellation([this] {
            if (place_->remove(*this)) {
                error_ = boost::asio::error::operation_aborted;
                this->wake();
            }
        });
    }

private:
    void resumed() override { this->complete(error_); }
    void dropped() noexcept override { this->destroy(); }

    void context_shutdown() noexcept override
    {
        if (place_->remove(*this))
            this->destroy();
    }

    parking* place_ = nullptr;
    error_code error_;
};

template <class Executor>
struct parking::initiate {
    using executor_type = Executor;

    initiate(parking& p, Executor e) : place(&p), executor(std::move(e)) {}
    executor_type get_executor() const noexcept { return executor; }

    template <class Handler>
    void operator()(Handler&& handler) const
    {
        using operation_type = operation<std::decay_t<Handler>, Executor>;
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        operation_type::create(std::move(own), executor)->start(*place);
    }

    parking* place;
    Executor executor;
};

template <class Executor, class Token>
auto parking::async_park(Executor executor, Token&& token)
{
    return boost::asio::async_initiate<Token, void(error_code)>(
        initiate<Executor>(*this, std::move(executor)), token);
}

} // namespace weir::detail
