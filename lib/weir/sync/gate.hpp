#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/sync/detail/count_wait.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace weir {

/// A registration inside a gate. Leaves the gate when it is destroyed.
///
/// Threads: any thread; one object by one thread at a time.
/// Lifetime: may outlive its gate.
class WEIR_NODISCARD_HANDLE pass {
public:
    /// An empty pass: inside no gate.
    pass() noexcept = default;
    pass(pass&&) noexcept = default;
    pass& operator=(pass&& other) noexcept
    {
        if (this != &other) {
            leave();
            core_ = std::move(other.core_);
        }
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

/// Lets work in until it is closed, and then completes when the last of it has left. A server needs
/// this to end cleanly: each session holds a pass, and shutdown is `co_await gate.async_close()`.
///
/// Threads: safe from any thread.
/// Lifetime: destroying it closes it. Passes, and waits that have begun, may outlive it; it may
///           outlive the context of its executor.
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

    /// Precondition: the executor's context is still there, unless it is a bare `io_context`.
    executor_type get_executor() const noexcept { return executor_.get(); }

    /// A pass, or an empty one when the gate is closed. Entering and closing meet on one atomic
    /// word: nothing enters once `close` has returned.
    pass try_enter()
    {
        if (core_->enter(1))
            return pass(core_);
        return pass();
    }

    void close() noexcept { core_->close(); }
    bool is_closed() const noexcept { return core_->is_closed(); }
    /// The number of passes.
    std::size_t inside() const noexcept { return core_->count(); }

    /// Closes when the operation starts, and completes when the gate is empty.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total end the wait; the gate stays closed.
    /// Handler: by its associated executor, never inside this call nor where the last pass leaves.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_close(Token&& token = Token())
    {
        const auto start = [](const basic_gate& self, auto&& handler) {
            self.core_->close();
            detail::start_count_wait()(self.executor_, std::move(handler), self.core_);
        };
        return detail::initiate<void(error_code)>(*this, token, start);
    }

private:
    std::shared_ptr<detail::count_core<>> core_;
    detail::own_executor<executor_type> executor_;
};

using gate = basic_gate<>;

} // namespace weir
