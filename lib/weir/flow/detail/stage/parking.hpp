#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/list.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>

#include <type_traits>
#include <utility>

namespace weir::detail {

/// Where coroutines of one serial executor wait for one another.
///
/// Shape: `wake_one` wakes the coroutine that parked last: its memory is the warmest.
/// Completion: `void(error_code)`
/// Errors: `boost::asio::error::operation_aborted` when cancelled while parked.
/// Cancellation: terminal, partial and total; a coroutine that was already woken succeeds.
/// Threads: all on the one executor, except when its context is destroyed.
/// Lifetime: must outlive the coroutines parked in it.
class parking {
public:
    parking() = default;
    parking(const parking&) = delete;
    parking& operator=(const parking&) = delete;

    template <class Executor, class Token>
    auto async_park(Executor executor, Token&& token);

    bool empty() const noexcept { return parked_.empty(); }

    bool wake_one()
    {
        if (parked_.empty())
            return false;
        std::exchange(parked_.pop_back().parked, nullptr)->wake();
        return true;
    }

    void wake_all()
    {
        while (wake_one()) {
        }
    }

private:
    struct node : list_node<> {
        waiter* parked = nullptr; // null: not in the list
    };

    template <class Handler, class Executor>
    class operation;

    void add(node& n, waiter& w) noexcept
    {
        n.parked = &w;
        parked_.push_back(n);
    }

    /// False: it was woken already.
    bool remove(node& n) noexcept
    {
        if (!n.parked)
            return false;
        n.parked = nullptr;
        parked_.erase(n);
        return true;
    }

    list<node> parked_;
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

    static void without_memory(Handler&& handler, const Executor& io)
    {
        call_handler_later(std::move(handler), io, error_code(boost::asio::error::no_memory));
    }

    void start(parking& place)
    {
        if (!this->enlist())
            return this->destroy();
        place_ = &place;
        place.add(*this, *this);
        this->on_cancellation();
    }

private:
    void cancelled() override
    {
        if (place_->remove(*this)) {
            error_ = boost::asio::error::operation_aborted;
            this->wake();
        }
    }

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

template <class Executor, class Token>
auto parking::async_park(Executor executor, Token&& token)
{
    const auto start = [this](const Executor& home, auto&& handler) {
        using operation_type = operation<std::decay_t<decltype(handler)>, Executor>;
        operation_type::begin_at(*this, std::move(handler), home);
    };
    return initiate_at<void(error_code)>(std::move(executor), token, start);
}

} // namespace weir::detail
