#pragma once

#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// The threads of lanes that are telling somebody whose handler belongs to one context, or run a
/// callable for him. The context waits for them when it goes, for it must not go while they post to
/// it, nor what a coroutine holds while its callable runs.
class lane_guests {
public:
    static std::shared_ptr<lane_guests> of(boost::asio::execution_context& context);

    void enter() noexcept;
    void leave() noexcept;
    void wait_until_left();

private:
    std::mutex mutex_;
    std::condition_variable left_;
    std::size_t inside_ = 0;
};

/// One who waits for a lane: for his callable to be called, or for the lane's end.
class lane_job {
public:
    lane_job(const lane_job&) = delete;
    lane_job& operator=(const lane_job&) = delete;

protected:
    lane_job() = default;
    ~lane_job() = default;

private:
    friend class lane_state;
    friend class lane_queue;
    /// On the lane: calls the callable, keeps what came of it, and destroys the callable.
    virtual void call() noexcept = 0;
    /// Lets who waits go on; with an error when it did not come to what he waited for. Once,
    /// outside locks. The job may be gone when this returns.
    virtual void ended(error_code why) noexcept = 0;

    std::shared_ptr<lane_guests> guests_;
    lane_job* next_ = nullptr;
    lane_job* previous_ = nullptr;
    class lane_queue* waits_in_ = nullptr;
    bool orphan_ = false;
};

/// Jobs in a line.
class lane_queue {
public:
    lane_job* first() const noexcept { return first_; }
    std::size_t size() const noexcept { return size_; }
    void push_back(lane_job& j) noexcept;
    void erase(lane_job& j) noexcept;

private:
    lane_job* first_ = nullptr;
    lane_job* last_ = nullptr;
    std::size_t size_ = 0;
};

/// Who waits, who runs, and the turns posted to the lane's executor: each takes the first job that
/// waits when it is run, so that a job may be withdrawn until then.
class lane_state : public std::enable_shared_from_this<lane_state> {
public:
    lane_state(boost::asio::any_io_executor executor, limit most, std::size_t most_waiting);

    /// Makes the lane known to its executor's context, which closes it at its end.
    void enlist();

    /// Takes a job of this context in, or ends it. It may be over before this returns.
    void submit(lane_job& j, boost::asio::execution_context& context);
    /// The same for one who waits until the lane is closed and nothing runs.
    void submit_close(lane_job& j, boost::asio::execution_context& context);
    /// True: he is not told, and will not be; the caller ends the job.
    bool withdraw(lane_job& j) noexcept;
    /// The job's context is being destroyed. True: the caller destroys the job. False: its wake-up
    /// is in the context's queue, and goes with it.
    bool abandon(lane_job& j) noexcept;
    /// The job's wake-up was destroyed. True: while the lane still holds the job; leave it to
    /// `abandon`.
    bool is_held(lane_job& j) noexcept;

    void close() noexcept;
    void executor_gone() noexcept;
    void wait_until_idle();

    boost::asio::any_io_executor executor() const;
    bool is_closed() const;
    std::size_t running() const;
    std::size_t queued() const;

private:
    class turn;

    // A job that a thread has taken out of its line and not let go of yet; on that thread's stack.
    struct held_job {
        lane_job* job = nullptr;
        std::shared_ptr<lane_guests> guests;
        held_job* next = nullptr;
    };

    void give_turn() noexcept;
    void take_turn() noexcept;
    void turn_lost() noexcept;
    void tell(lane_queue& line, error_code why) noexcept;
    void hold(held_job& h, lane_queue& line) noexcept;
    void let_go(held_job& h) noexcept;
    bool begin(held_job& h) noexcept;
    bool end(held_job& h) noexcept;
    bool holds(const lane_job& j) const noexcept;
    bool is_over() const noexcept { return closed_ && running_ == 0; }

    const std::size_t most_;
    const std::size_t most_waiting_;
    mutable std::mutex mutex_;
    std::condition_variable changed_; // a job was let go of
    boost::asio::any_io_executor executor_;
    lane_queue waiting_;
    lane_queue closing_;
    held_job* held_ = nullptr;
    std::size_t turns_ = 0; // posted, or running a job
    std::size_t running_ = 0;
    bool closed_ = false;
};

/// What the operations of a lane have in common.
template <class Derived, class Handler>
class lane_wait : public wait_operation<Derived, Handler, boost::asio::any_io_executor>,
                  protected lane_job {
protected:
    lane_wait(Handler&& handler, const boost::asio::any_io_executor& executor,
              std::shared_ptr<lane_state> core)
        : lane_wait::wait_operation(std::move(handler), executor), core_(std::move(core))
    {
    }
    ~lane_wait() = default;

    /// False: it is gone.
    bool prepare()
    {
        if (!this->enlist()) {
            this->destroy();
            return false;
        }
        this->on_cancellation([this] {
            if (core_->withdraw(*this))
                ended(boost::asio::error::operation_aborted);
        });
        return true;
    }

    void ended(error_code why) noexcept override
    {
        why_ = why;
        this->wake();
    }

    void dropped() noexcept override
    {
        if (!core_->is_held(*this))
            this->destroy();
    }

    void context_shutdown() noexcept override
    {
        if (core_->abandon(*this))
            this->destroy();
    }

    std::shared_ptr<lane_state> core_;
    error_code why_;
};

/// The operation behind `blocking_lane::async_run`.
template <class Function, class R, class Handler>
class lane_operation final : public lane_wait<lane_operation<Function, R, Handler>, Handler> {
public:
    lane_operation(Handler&& handler, const boost::asio::any_io_executor& executor, Function&& f,
                   std::shared_ptr<lane_state> core)
        : lane_operation::lane_wait(std::move(handler), executor, std::move(core)),
          function_(std::move(f))
    {
    }

    void start()
    {
        const std::shared_ptr<lane_state> core = this->core_;
        if (this->prepare())
            core->submit(*this, this->home().context());
    }

private:
    void call() noexcept override
    {
        try {
            if constexpr (std::is_void_v<R>)
                std::invoke(*std::move(function_));
            else
                value_.emplace(std::invoke(*std::move(function_)));
        } catch (...) {
            error_ = std::current_exception();
        }
        function_.reset();
    }

    void resumed() override
    {
        if (this->why_)
            error_ = std::make_exception_ptr(system_error(this->why_));
        if constexpr (std::is_void_v<R>)
            this->complete(std::move(error_));
        else if (error_)
            this->complete(std::move(error_), R());
        else
            this->complete(std::exception_ptr(), *std::move(value_));
    }

    std::optional<Function> function_;
    std::optional<std::conditional_t<std::is_void_v<R>, bool, R>> value_;
    std::exception_ptr error_;
};

/// The operation behind `blocking_lane::async_close`.
template <class Handler>
class lane_close_operation final : public lane_wait<lane_close_operation<Handler>, Handler> {
public:
    lane_close_operation(Handler&& handler, const boost::asio::any_io_executor& executor,
                         std::shared_ptr<lane_state> core)
        : lane_close_operation::lane_wait(std::move(handler), executor, std::move(core))
    {
    }

    void start()
    {
        const std::shared_ptr<lane_state> core = this->core_;
        if (this->prepare())
            core->submit_close(*this, this->home().context());
    }

private:
    void call() noexcept override {}
    void resumed() override { this->complete(this->why_); }
};

} // namespace weir::detail
