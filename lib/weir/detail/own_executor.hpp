#pragma once

#include <weir/detail/handler_executor.hpp>
#include <weir/detail/list.hpp>
#include <weir/detail/waiter.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>

#include <atomic>
#include <cassert>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// Whether this is the bare executor of an `io_context`: one pointer, which may dangle.
template <class Executor>
bool is_bare(const Executor& executor) noexcept
{
    using bare = boost::asio::io_context::executor_type;
    if constexpr (std::is_same_v<Executor, boost::asio::any_io_executor>)
        return executor.template target<bare>() != nullptr;
    else
        return std::is_same_v<Executor, bare>;
}

/// Base of what holds a part of an execution context, such as a strand, and must let go of it when
/// the context is destroyed, or when it goes itself before that.
class context_guest : private list_node<> {
public:
    using closing = void (*)(void*) noexcept;

    /// While it lives, the context is not destroyed. Empty when that has begun. The guest lives as
    /// long.
    class hold {
    public:
        hold() = default;
        explicit hold(context_guest& guest) noexcept;
        hold(hold&& other) noexcept : guest_(std::exchange(other.guest_, nullptr)) {}
        hold& operator=(hold&& other) noexcept
        {
            hold(std::move(other)).swap(*this);
            return *this;
        }
        ~hold()
        {
            if (guest_ != nullptr)
                guest_->holds_.fetch_sub(1, std::memory_order_release);
        }

        explicit operator bool() const noexcept { return guest_ != nullptr; }

    private:
        void swap(hold& other) noexcept { std::swap(guest_, other.guest_); }

        context_guest* guest_ = nullptr;
    };

    context_guest(const context_guest&) = delete;
    context_guest& operator=(const context_guest&) = delete;

    bool is_gone() const noexcept { return gone_.load(std::memory_order_relaxed); }

protected:
    context_guest(std::shared_ptr<void> closed, closing close) noexcept
        : closed_(std::move(closed)), close_(close)
    {
    }
    ~context_guest() = default;

    void enter(boost::asio::execution_context& context);
    void leave() noexcept;
    void set_gone() noexcept { gone_.store(true); }

private:
    friend class waiter_registry;
    friend class list<context_guest>;

    virtual void drop() noexcept = 0;
    void context_gone() noexcept;

    std::shared_ptr<void> closed_;
    const closing close_;
    waiter_registry* registry_ = nullptr; // under the guests' mutex
    std::atomic<bool> gone_{false};
    std::atomic<unsigned> holds_{0};
};

/// The executor that a primitive was made with, for handlers that have none. The primitive may
/// outlive the executor's context, and a strand must not: when the context is destroyed, the strand
/// is dropped, and `close(closed)` is called. The bare executor of an `io_context` may stay; it
/// costs nothing here.
///
/// Threads: as of the primitive. But an operation that needs this executor must not start while the
///          context is being destroyed. One whose handler has an executor may: it never looks here.
template <class Executor>
class own_executor final : private context_guest {
public:
    using executor_type = Executor;

    /// The bare executor of an `io_context` too.
    enum class bare { may_dangle, is_dropped };

    explicit own_executor(Executor executor, std::shared_ptr<void> closed = nullptr,
                          closing close = nullptr, bare if_bare = bare::may_dangle)
        : context_guest(std::move(closed), close), executor_(std::move(executor))
    {
        if (!is_there())
            set_gone();
        else if (if_bare == bare::is_dropped || !is_bare(executor_))
            enlist();
    }
    ~own_executor()
    {
        leave();
        if (!dropped_)
            executor_.~Executor();
    }

    using context_guest::hold;
    using context_guest::is_gone;
    /// Empty when the context is gone, or going.
    hold keep() noexcept { return hold(*this); }

    /// While it is kept. It may be going by now.
    const Executor& get([[maybe_unused]] const hold& kept) const noexcept
    {
        assert(kept && "nothing keeps the context of this executor");
        return executor_;
    }
    /// Precondition: the context is still there.
    const Executor& get() const noexcept
    {
        assert(!is_gone() && "the context of this executor is gone");
        return executor_;
    }

    /// Whether an operation with this handler has an executor to complete on: its own, or this one.
    template <class Handler>
    bool serves(const Handler& handler) const noexcept
    {
        return !is_gone() || brings_executor(handler);
    }

    /// For an operation: looked at only if its handler has no executor.
    const Executor& fallback() const noexcept { return executor_; }

private:
    bool is_there() const noexcept
    {
        if constexpr (std::is_same_v<Executor, boost::asio::any_io_executor>)
            return bool(executor_);
        else
            return true;
    }

    void enlist() { enter(boost::asio::query(executor_, boost::asio::execution::context)); }

    void drop() noexcept override
    {
        if constexpr (std::is_same_v<Executor, boost::asio::any_io_executor>) {
            executor_ = boost::asio::any_io_executor();
        } else {
            executor_.~Executor();
            dropped_ = true;
        }
    }

    union {
        Executor executor_;
    };
    bool dropped_ = false;
};

/// It may dangle, so nothing need be dropped.
template <>
class own_executor<boost::asio::io_context::executor_type> {
public:
    using executor_type = boost::asio::io_context::executor_type;

    explicit own_executor(executor_type executor, const std::shared_ptr<void>& = nullptr,
                          context_guest::closing = nullptr) noexcept
        : executor_(executor)
    {
    }

    static constexpr bool is_gone() noexcept { return false; }
    const executor_type& get() const noexcept { return executor_; }
    const executor_type& fallback() const noexcept { return executor_; }

    template <class Handler>
    static constexpr bool serves(const Handler&) noexcept
    {
        return true;
    }

private:
    executor_type executor_;
};

using own_any_executor = own_executor<boost::asio::any_io_executor>;

} // namespace weir::detail
