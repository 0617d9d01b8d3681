#pragma once

#include <weir/sync/detail/count_wait.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace weir {

/// Waits until everything that was added is done, as Go's `sync.WaitGroup` does.
///
/// Shape: `add` before a piece of work is started, `done` when it ended, `async_wait` for the count
///        to be zero. May be used again afterwards.
/// Threads: safe from any thread.
/// Lifetime: who waits may outlive it; `done` may not be called after it is gone.
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

    executor_type get_executor() const noexcept { return executor_; }

    void add(std::size_t n = 1) noexcept { core_->enter(n); }

    /// Precondition: no more are done than were added (asserted).
    void done(std::size_t n = 1) noexcept
    {
        const auto core = core_; // who was waiting may destroy this object before `leave` returns
        core->leave(n);
    }

    std::size_t count() const noexcept { return core_->count(); }

    /// Completes when the count is zero; one moment of zero is enough.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; changes nothing else.
    /// Handler: by its associated executor, never inside this call nor inside `done`.
    template <class Token = default_token<Executor>>
    auto async_wait(Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(error_code)>(
            detail::initiate_count_wait<Executor>(executor_, core_), token);
    }

private:
    std::shared_ptr<detail::count_core<>> core_;
    executor_type executor_;
};

using wait_group = basic_wait_group<>;

} // namespace weir
