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

/// Waits until everything that was added is done, as Go's `sync.WaitGroup` does.
///
/// Shape: call `add` before a piece of work starts and `done` when it has ended; `async_wait` waits
///        for the count to be zero. It may be used again afterwards.
/// Threads: safe from any thread.
/// Lifetime: waits that have begun may outlive it. `done` must not be called after it is gone. It
///           may outlive the context of its executor.
template <class Executor = boost::asio::any_io_executor>
class basic_wait_group {
public:
    using executor_type = Executor;

    explicit basic_wait_group(executor_type executor)
        : core_(std::make_shared<detail::count_core<>>()), executor_(std::move(executor))
    {
    }
    basic_wait_group(const basic_wait_group&) = delete;
    basic_wait_group& operator=(const basic_wait_group&) = delete;

    /// Precondition: the executor's context is still there, unless it is a bare `io_context`.
    executor_type get_executor() const noexcept { return executor_.get(); }

    void add(std::size_t n = 1) noexcept { core_->enter(n); }

    /// Precondition: no more are done than were added (asserted).
    void done(std::size_t n = 1) noexcept
    {
        const auto core = core_; // a waiter may destroy this object before `leave` returns
        core->leave(n);
    }

    std::size_t count() const noexcept { return core_->count(); }

    /// Completes when the count has been zero, even if it rises again before the handler runs.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; the count does not change.
    /// Handler: by its associated executor, never inside this call nor inside `done`.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_wait(Token&& token = Token())
    {
        return async_wait_until(time_point::max(), std::forward<Token>(token));
    }

    /// The same, but only until `deadline`; then `errc::timed_out`, and the count does not change.
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_wait_until(time_point deadline, Token&& token = Token())
    {
        const auto start = [deadline](const basic_wait_group& self, auto&& handler) {
            detail::start_count_wait()(self.executor_, std::move(handler), self.core_, deadline);
        };
        return detail::initiate<void(error_code)>(*this, token, start);
    }

private:
    std::shared_ptr<detail::count_core<>> core_;
    detail::own_executor<executor_type> executor_;
};

using wait_group = basic_wait_group<>;

} // namespace weir
