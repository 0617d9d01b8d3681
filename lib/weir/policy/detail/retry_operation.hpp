#pragma once

#include <weir/detail/awaited.hpp>
#include <weir/detail/handler_executor.hpp>
#include <weir/detail/post_to.hpp>
#include <weir/detail/result_access.hpp>
#include <weir/error.hpp>
#include <weir/policy/detail/retry_run.hpp>
#include <weir/policy/retry.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// Everything of an `async_retry`. What is under way owns it: the function that begins the first
/// attempt, the handler of an attempt, or that of the wait for the next one. So it goes with
/// whatever context that belongs to, and nothing else need find it there.
template <class Operation, class T, class Handler>
class retry_frame final : public retry_run {
    static_assert(std::is_void_v<T> || std::is_default_constructible_v<T>,
                  "weir::async_retry: a failed operation completes with T(): return an "
                  "std::optional of what has no default constructor");

    using value_type = std::conditional_t<std::is_void_v<T>, bool, T>;
    using any_executor = boost::asio::any_io_executor;

public:
    static void begin(Handler&& handler, any_executor executor, retry_policy&& policy,
                      Operation&& operation, time_point deadline);

private:
    class owner;
    class first_step;
    class attempt_end;
    class wait_end;
    class beginning;

    // The handler is moved last: until then it is as it was.
    retry_frame(Handler&& handler, const any_executor& executor, retry_policy&& policy,
                Operation&& operation, time_point deadline)
        : retry_run(executor, std::move(policy), deadline), operation_(std::move(operation)),
          handler_(std::move(handler))
    {
    }
    ~retry_frame() { beginning::frame_goes(beginning_); }

    static auto allocator_for(const Handler& handler)
    {
        auto allocator = boost::asio::get_associated_allocator(
            handler, boost::asio::recycling_allocator<void>());
        return
            typename std::allocator_traits<decltype(allocator)>::template rebind_alloc<retry_frame>(
                allocator);
    }

    [[gnu::cold]] static void without_memory(Handler&& handler, const any_executor& executor);

    void start();
    void begin_next(owner self);
    void begin_operation(owner self);
    auto call_operation();
    template <class... Values>
    void attempt_ended(owner self, error_code error, std::exception_ptr thrown, Values&&... values);
    template <class... Values>
    void keep_value(Values&&... values);
    void sleep_until(owner self, time_point at);
    void woken(owner self, error_code error);
    void complete(owner self);
    Handler free() noexcept;

    static boost::asio::awaitable<void> attempt(retry_frame& frame, boost::asio::awaitable<T> work);

    Operation operation_;
    std::optional<value_type> value_; // of the last attempt
    beginning* beginning_ = nullptr;  // while an attempt or a wait begins: the innermost
    Handler handler_;
};

/// What happened while an attempt or a wait began. It may have ended the whole, inside this call;
/// or what was given to it was destroyed, because it could not begin.
template <class Operation, class T, class Handler>
class retry_frame<Operation, T, Handler>::beginning {
public:
    explicit beginning(retry_frame& frame) noexcept : frame_(&frame), outer_(frame.beginning_)
    {
        frame.beginning_ = this;
    }
    beginning(const beginning&) = delete;
    beginning& operator=(const beginning&) = delete;
    ~beginning() { over(); }

    void over() noexcept
    {
        if (frame_ != nullptr)
            std::exchange(frame_, nullptr)->beginning_ = outer_;
    }
    static void frame_goes(beginning* innermost) noexcept
    {
        for (beginning* each = innermost; each != nullptr; each = each->outer_)
            each->frame_ = nullptr;
    }

    bool frame_is_gone() const noexcept { return frame_ == nullptr; }
    bool was_dropped() const noexcept { return dropped_; }
    void drop() noexcept { dropped_ = true; }

private:
    retry_frame* frame_;
    beginning* outer_;
    bool dropped_ = false;
};

template <class Operation, class T, class Handler>
class retry_frame<Operation, T, Handler>::owner {
public:
    explicit owner(retry_frame& frame) noexcept : frame_(&frame) {}
    owner(owner&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    owner& operator=(owner&&) = delete;
    // Destroyed without being called, it drops the operation; while something begins, that knows
    // better.
    ~owner()
    {
        if (frame_ == nullptr)
            return;
        if (frame_->beginning_ != nullptr)
            frame_->beginning_->drop();
        else [[maybe_unused]]
            const Handler dropped(frame_->free());
    }

    explicit operator bool() const noexcept { return frame_ != nullptr; }
    retry_frame& operator*() const noexcept { return *frame_; }
    void release() noexcept { frame_ = nullptr; }

private:
    retry_frame* frame_;
};

template <class Operation, class T, class Handler>
class retry_frame<Operation, T, Handler>::first_step {
public:
    explicit first_step(owner self) noexcept : self_(std::move(self)) {}

    /// Whether it has not been moved from.
    bool is_here() const noexcept { return bool(self_); }
    void release() noexcept { self_.release(); }

    void operator()()
    {
        retry_frame& frame = *self_;
        frame.begin_next(std::move(self_));
    }

private:
    owner self_;
};

/// The handler of an attempt.
template <class Operation, class T, class Handler>
class retry_frame<Operation, T, Handler>::attempt_end {
public:
    using executor_type = any_executor;
    using cancellation_slot_type = boost::asio::cancellation_slot;
    using allocator_type =
        boost::asio::associated_allocator_t<Handler, boost::asio::recycling_allocator<void>>;

    explicit attempt_end(owner self) noexcept : self_(std::move(self)) {}

    executor_type get_executor() const noexcept { return (*self_).executor(); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return (*self_).slot(); }
    allocator_type get_allocator() const noexcept
    {
        return boost::asio::get_associated_allocator((*self_).handler_,
                                                     boost::asio::recycling_allocator<void>());
    }

    template <class... Values>
    void operator()(error_code error, Values&&... values)
    {
        end(error, nullptr, std::forward<Values>(values)...);
    }
    template <class... Values>
    void operator()(std::exception_ptr thrown, Values&&... values)
    {
        end(error_code(), std::move(thrown), std::forward<Values>(values)...);
    }
    template <class... Values>
    void operator()(Values&&... values)
    {
        end(error_code(), nullptr, std::forward<Values>(values)...);
    }

private:
    template <class... Values>
    void end(error_code error, std::exception_ptr thrown, Values&&... values)
    {
        retry_frame& frame = *self_;
        frame.attempt_ended(std::move(self_), error, std::move(thrown),
                            std::forward<Values>(values)...);
    }

    owner self_;
};

/// The handler of the wait for the next attempt.
template <class Operation, class T, class Handler>
class retry_frame<Operation, T, Handler>::wait_end {
public:
    using executor_type = any_executor;
    using cancellation_slot_type = boost::asio::cancellation_slot;
    using allocator_type = typename attempt_end::allocator_type;
    /// The wait throws then: this operation says so itself.
    static constexpr bool throws_without_memory = true;

    explicit wait_end(owner self) noexcept : self_(std::move(self)) {}

    executor_type get_executor() const noexcept { return (*self_).executor(); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return (*self_).slot(); }
    allocator_type get_allocator() const noexcept
    {
        return boost::asio::get_associated_allocator((*self_).handler_,
                                                     boost::asio::recycling_allocator<void>());
    }

    void operator()(error_code error)
    {
        retry_frame& frame = *self_;
        frame.woken(std::move(self_), error);
    }

private:
    owner self_;
};

template <class Operation, class T, class Handler>
void retry_frame<Operation, T, Handler>::begin(Handler&& handler, any_executor executor,
                                               retry_policy&& policy, Operation&& operation,
                                               time_point deadline)
{
    auto allocator = allocator_for(handler);
    retry_frame* memory = nullptr;
    try {
        memory = allocator.allocate(1);
        ::new (static_cast<void*>(memory)) retry_frame(
            std::move(handler), executor, std::move(policy), std::move(operation), deadline);
    } catch (const std::bad_alloc&) {
        if (memory != nullptr)
            allocator.deallocate(memory, 1);
        return without_memory(std::move(handler), executor);
    } catch (...) { // the operation's move
        allocator.deallocate(memory, 1);
        throw;
    }
    memory->start();
}

template <class Operation, class T, class Handler>
void retry_frame<Operation, T, Handler>::without_memory(Handler&& handler,
                                                        const any_executor& executor)
{
    const error_code error = boost::asio::error::no_memory;
    if constexpr (std::is_void_v<T>)
        call_handler_later(std::move(handler), executor, error, retry_attempts());
    else
        call_handler_later(std::move(handler), executor, error, retry_attempts(), T());
}

// Not here but in a function of its own, so that no handler runs inside the initiating call, and
// attempts are begun where they belong. As soon as that is posted it may run, on another thread.
template <class Operation, class T, class Handler>
void retry_frame<Operation, T, Handler>::start()
{
    const any_executor executor = this->executor();
    first_step first{owner(*this)};
    try {
        this->listen(boost::asio::get_associated_cancellation_slot(handler_));
        post_to(executor, std::move(first));
    } catch (const std::bad_alloc&) {
        if (!first.is_here())
            return; // dropped
        first.release();
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.clear();
        without_memory(free(), executor);
    }
}

template <class Operation, class T, class Handler>
void retry_frame<Operation, T, Handler>::begin_next(owner self)
{
    bool goes_on = false;
    try {
        goes_on = this->begin_attempt();
    } catch (...) {
        this->give_up(current_error());
    }
    if (goes_on)
        begin_operation(std::move(self));
    else
        complete(std::move(self));
}

template <class Operation, class T, class Handler>
auto retry_frame<Operation, T, Handler>::call_operation()
{
    if constexpr (std::is_invocable_v<Operation&, this_attempt&>)
        return operation_(this->current());
    else
        return operation_();
}

template <class Operation, class T, class Handler>
void retry_frame<Operation, T, Handler>::begin_operation(owner self)
{
    beginning begins(*this);
    std::exception_ptr error;
    try {
        attempt_end end(std::move(self));
        auto begun = call_operation();
        if constexpr (is_awaitable<decltype(begun)>)
            boost::asio::co_spawn(this->executor(), attempt(*this, std::move(begun)),
                                  std::move(end));
        else {
            this->begins(); // no request to cancel comes meanwhile: it would come in here
            std::move(begun)(std::move(end));
        }
    } catch (...) {
        error = std::current_exception();
    }
    if (begins.frame_is_gone()) {
        if (error)
            std::rethrow_exception(error); // of the handler: the whole has completed
        return;
    }
    begins.over();
    if (begins.was_dropped()) {
        owner again(*this);
        if (error)
            attempt_ended(std::move(again), error_code(), std::move(error));
    } else if (error) {
        std::rethrow_exception(error);
    }
}

template <class Operation, class T, class Handler>
template <class... Values>
void retry_frame<Operation, T, Handler>::attempt_ended(owner self, error_code error,
                                                       std::exception_ptr thrown,
                                                       Values&&... values)
{
    this->ended();
    try {
        keep_value(std::forward<Values>(values)...);
    } catch (...) {
        thrown = std::current_exception();
    }
    if constexpr (has_error<value_type>)
        if (value_ && !error && !thrown)
            error = result_access::error_of(*value_);
    const auto next = this->end_attempt(error, std::move(thrown));
    if (!next)
        return complete(std::move(self));
    value_.reset(); // nothing of the attempt is held meanwhile
    sleep_until(std::move(self), *next);
}

// A coroutine has kept its value itself.
template <class Operation, class T, class Handler>
template <class... Values>
void retry_frame<Operation, T, Handler>::keep_value(Values&&... values)
{
    if constexpr (!std::is_void_v<T> && sizeof...(Values) != 0)
        value_.emplace(std::forward<Values>(values)...);
}

template <class Operation, class T, class Handler>
void retry_frame<Operation, T, Handler>::sleep_until(owner self, time_point at)
{
    beginning begins(*this);
    error_code error;
    this->begins();
    try {
        using operation = sleep_operation<wait_end, any_executor>;
        operation::begin_at(at, wait_end(std::move(self)), this->executor());
    } catch (...) {
        error = current_error();
    }
    if (begins.frame_is_gone())
        return;
    begins.over();
    if (!begins.was_dropped())
        return;
    owner again(*this);
    if (error)
        woken(std::move(again), error);
}

template <class Operation, class T, class Handler>
void retry_frame<Operation, T, Handler>::woken(owner self, error_code error)
{
    this->ended();
    if (!error)
        return begin_next(std::move(self));
    this->stop_waiting(error);
    complete(std::move(self));
}

template <class Operation, class T, class Handler>
void retry_frame<Operation, T, Handler>::complete(owner self)
{
    this->drop_alarm();
    auto slot = boost::asio::get_associated_cancellation_slot(handler_);
    if (slot.is_connected())
        slot.clear();
    const error_code error = this->result();
    retry_attempts attempts = this->take_attempts();
    if constexpr (std::is_void_v<T>) {
        self.release();
        call_handler(free(), error, std::move(attempts));
    } else {
        if (!value_)
            value_.emplace();
        T value(std::move(*value_));
        self.release();
        call_handler(free(), error, std::move(attempts), std::move(value));
    }
}

template <class Operation, class T, class Handler>
Handler retry_frame<Operation, T, Handler>::free() noexcept
{
    auto allocator = allocator_for(handler_);
    Handler handler(std::move(handler_));
    this->~retry_frame();
    allocator.deallocate(this, 1);
    return handler;
}

// Boost 1.81 loses a coroutine that is cancelled before its first suspension, and one that is found
// cancelled when it ends: as in `scope`.
template <class Operation, class T, class Handler>
boost::asio::awaitable<void>
retry_frame<Operation, T, Handler>::attempt(retry_frame& frame, boost::asio::awaitable<T> work)
{
    struct reachable {
        explicit reachable(retry_run& of) noexcept : run(of) { run.begins(); }
        ~reachable() { run.ended(); } // also when its context destroys the coroutine
        retry_run& run;
    };
    const reachable here(frame);
    if (frame.is_cancelled())
        throw system_error(boost::asio::error::operation_aborted);
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<T>)
            co_await std::move(work);
        else
            frame.value_.emplace(co_await std::move(work));
    } catch (...) {
        error = std::current_exception();
    }
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    if (error)
        std::rethrow_exception(error);
}

} // namespace weir::detail

namespace weir {

namespace detail {

template <class Executor, class Operation, class Token>
auto initiate_retry(Executor executor, time_point deadline, retry_policy&& policy,
                    Operation&& operation, Token& token)
{
    static_assert(
        retryable<Operation>,
        "weir::async_retry: the operation is called as () or (this_attempt&), and returns "
        "a coroutine or a deferred operation");
    using value = attempt_value_t<Operation>;
    const auto start = [deadline](const Executor& io, auto&& handler, retry_policy own_policy,
                                  Operation own_operation) {
        using handler_type = std::decay_t<decltype(handler)>;
        static_assert(
            !std::is_same_v<Executor, boost::asio::system_executor> ||
                has_own_executor<handler_type>,
            "weir::async_retry: this handler has no executor: pass one before the policy");
        using frame = retry_frame<Operation, value, handler_type>;
        frame::begin(std::move(handler), executor_for(handler, io), std::move(own_policy),
                     std::move(own_operation), deadline);
    };
    return initiate_at<typename retry_signature<value>::type>(
        std::move(executor), token, start, std::move(policy), std::move(operation));
}

} // namespace detail

template <class Operation, class Token>
auto async_retry(retry_policy policy, Operation operation, Token&& token)
{
    return detail::initiate_retry(boost::asio::system_executor(), time_point::max(),
                                  std::move(policy), std::move(operation), token);
}

template <class Executor, class Operation, class Token>
auto async_retry(Executor executor, retry_policy policy, Operation operation, Token&& token)
{
    return detail::initiate_retry(std::move(executor), time_point::max(), std::move(policy),
                                  std::move(operation), token);
}

template <class Operation, class Token>
auto async_retry_until(time_point deadline, retry_policy policy, Operation operation, Token&& token)
{
    return detail::initiate_retry(boost::asio::system_executor(), deadline, std::move(policy),
                                  std::move(operation), token);
}

template <class Executor, class Operation, class Token>
auto async_retry_until(Executor executor, time_point deadline, retry_policy policy,
                       Operation operation, Token&& token)
{
    return detail::initiate_retry(std::move(executor), deadline, std::move(policy),
                                  std::move(operation), token);
}

} // namespace weir
