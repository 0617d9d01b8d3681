#pragma once

#include <weir/sync/detail/count_wait.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace weir {

/// The proof of being inside a gate. Leaves when it is destroyed.
///
/// Lifetime: may outlive its gate.
class [[nodiscard]] pass {
public:
    /// Not inside.
    pass() noexcept = default;
    pass(pass&&) noexcept = default;
    pass& operator=(pass&& other) noexcept
    {
        leave();
        core_ = std::move(other.core_);
        return *this;
    }
    ~pass() { leave(); }

    void leave() noexcept
    {
        if (const auto core = std::move(core_))
            core->leave(1);
    }

    explicit operator bool() const noexcept { return core_ != nullptr; }

private:
    template <class>
    friend class basic_gate;

    explicit pass(std::shared_ptr<detail::count_core<>> core) noexcept : core_(std::move(core)) {}

    std::shared_ptr<detail::count_core<>> core_;
};

/// Lets work in until it is closed, then tells when the last one has left. What a server needs to
/// end cleanly: each session holds a pass, and shutting down is `co_await gate.async_close()`.
///
/// Threads: safe from any thread.
/// Lifetime: destroying it closes it. Passes may outlive it.
template <class Executor = boost::asio::any_io_executor>
class basic_gate {
public:
    using executor_type = Executor;

    explicit basic_gate(executor_type executor)
        : core_(std::make_shared<detail::count_core<>>()), executor_(std::move(executor))
    {
    }
    basic_gate(const basic_gate&) = delete;
    basic_gate& operator=(const basic_gate&) = delete;
    ~basic_gate() { core_->close(); }

    executor_type get_executor() const noexcept { return executor_; }

    /// A pass, or an empty one when the gate is closed. Entering and closing meet on one word:
    /// nobody gets in after `close` returned.
    pass try_enter()
    {
        if (core_->enter(1))
            return pass(core_);
        return pass();
    }

    void close() noexcept { core_->close(); }
    bool is_closed() const noexcept { return core_->is_closed(); }
    /// How many are inside.
    std::size_t inside() const noexcept { return core_->count(); }

    /// Closes when the operation starts, and completes when nobody is inside any more.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total end the wait; the gate stays closed.
    /// Handler: by its associated executor, never inside this call nor where the last one leaves.
    template <class Token = default_token<Executor>>
    auto async_close(Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(error_code)>(
            initiate_close(executor_, core_), token);
    }

private:
    struct initiate_close : detail::initiate_count_wait<Executor> {
        using detail::initiate_count_wait<Executor>::initiate_count_wait;

        template <class Handler>
        void operator()(Handler&& handler) const
        {
            this->core->close();
            detail::initiate_count_wait<Executor>::operator()(std::forward<Handler>(handler));
        }
    };

    std::shared_ptr<detail::count_core<>> core_;
    executor_type executor_;
};

using gate = basic_gate<>;

} // namespace weir
