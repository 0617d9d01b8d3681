#include <weir/run/scope.hpp>

#include <weir/time/clock.hpp>

#include <weir/detail/guarded_signal.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/detail/post_to.hpp>
#include <weir/detail/serial.hpp>
#include <weir/detail/uninterrupted.hpp>
#include <weir/sync/wait_group.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <list>
#include <mutex>
#include <string>
#include <utility>

namespace weir {

namespace asio = boost::asio;

struct scope::child {
    detail::guarded_signal signal;
    std::list<std::shared_ptr<child>>* line = nullptr; // null when it has ended
    std::list<std::shared_ptr<child>>::iterator place;
    bool counted = true;
    bool started = false;
};

// Used only on the executor of the children, but for what is marked.
struct scope::state {
    state(const asio::any_io_executor& e, const cancel_token& t, error_rule r)
        : in_strand(!detail::is_serial(e)), executor(in_strand ? detail::strand_over(e) : e),
          token(t), running(e), rule(r)
    {
        if (!in_strand)
            return;
        stop.emplace(token);
        errors.reserve(1); // one that could not begin has an error, too
    }

    // Any thread, in a strand.
    void cancel(cancel_reason why)
    {
        cancel_reason before = cancel_reason::none;
        if (why == cancel_reason::none || !reason.compare_exchange_strong(before, why))
            return;
        if (in_strand)
            stop->cancel(why);
        else
            cancel_children();
    }

    // A child may end, and leave its list, when it is cancelled. This allocates nothing: a scope's
    // destructor comes here.
    void cancel_children()
    {
        while (!children.empty()) {
            const std::shared_ptr<child> c = children.front();
            c->line = &cancelled;
            cancelled.splice(cancelled.end(), children, c->place);
            c->signal.cancel();
        }
    }

    // What the end of a child needs is there before the child begins. It is counted already.
    void begins(const std::shared_ptr<child>& c)
    {
        std::lock_guard lock(errors_mutex);
        const std::size_t wanted =
            rule == error_rule::collect ? errors.size() + running.count() : 1;
        if (errors.capacity() < wanted)
            errors.reserve(2 * wanted);
        c->place = children.insert(children.end(), c);
        c->line = &children;
    }

    void leaves(child& c) noexcept
    {
        if (c.line != nullptr)
            std::exchange(c.line, nullptr)->erase(c.place);
    }

    void failed(std::exception_ptr error)
    {
        {
            std::lock_guard lock(errors_mutex);
            if (!errors.empty() && rule != error_rule::collect)
                return;
            errors.push_back(std::move(error));
        }
        if (rule == error_rule::cancel_siblings)
            cancel(cancel_reason::sibling_failed);
    }

    // It was destroyed with its context, or could not get there.
    void lost() noexcept
    {
        lost_one = true;
        running.done();
    }

    // What `join` throws. Any thread.
    void throw_errors()
    {
        std::lock_guard lock(errors_mutex);
        if (errors.size() == 1)
            std::rethrow_exception(errors.front());
        if (!errors.empty())
            throw scope_errors(errors);
        if (lost_one)
            throw system_error(errc::closed);
    }

    void ended(const std::shared_ptr<child>& c, std::exception_ptr error)
    {
        leaves(*c);
        if (error)
            failed(std::move(error));
        c->counted = false;
        stop_listening();
        running.done();
    }

    bool has_children() const noexcept { return !children.empty() || !cancelled.empty(); }
    // A scope without children keeps no context running.
    void stop_listening() noexcept
    {
        if (!has_children())
            on_stop.cancel();
    }

    /// Starts a child that is counted. One that cannot start is not any more; in a strand that is
    /// the child's error, else this throws.
    static void start(const std::shared_ptr<state>& s, asio::awaitable<void> work);
    static void start_in_strand(const std::shared_ptr<state>& s, asio::awaitable<void> work);
    void listen(const std::shared_ptr<state>& self);

    const bool in_strand; // the children are; the owner of the scope need not be
    detail::own_executor<asio::any_io_executor> executor;
    const cancel_token token;
    wait_group running;                                     // any thread
    std::atomic<cancel_reason> reason{cancel_reason::none}; // any thread
    std::optional<cancel_source> stop;                      // how `cancel` reaches the strand
    detail::guarded_call on_stop;                           // while there are children
    std::list<std::shared_ptr<child>> children;
    std::list<std::shared_ptr<child>> cancelled; // those that have been, and have not ended
    const error_rule rule;
    std::mutex errors_mutex;
    std::vector<std::exception_ptr> errors; // only the first, unless they are collected
    std::atomic<bool> lost_one{false};
};

/// What is called when a child has ended. Destroyed without being called, with the child and its
/// context, it takes the child out: in the child's signal Asio keeps the executor, which may be a
/// strand; and `join` on another context need not wait for it any more.
class scope::child_end {
public:
    child_end(std::shared_ptr<state> s, std::shared_ptr<child> c) noexcept
        : state_(std::move(s)), child_(std::move(c))
    {
    }
    child_end(child_end&&) noexcept = default;
    child_end& operator=(child_end&&) = delete;
    ~child_end()
    {
        if (!state_)
            return;
        state_->leaves(*child_);
        if (child_->started && std::exchange(child_->counted, false))
            state_->lost();
    }

    void operator()(std::exception_ptr error)
    {
        const std::shared_ptr<state> s = std::move(state_);
        s->ended(child_, std::move(error));
    }

private:
    std::shared_ptr<state> state_;
    std::shared_ptr<child> child_;
};

scope_errors::scope_errors(std::vector<std::exception_ptr> errors)
    : std::runtime_error("weir::scope: " + std::to_string(errors.size()) + " children failed"),
      errors_(std::move(errors))
{
}

scope::scope(asio::any_io_executor executor, error_rule rule)
    : scope(std::move(executor), cancel_token(), rule)
{
}

scope::scope(asio::any_io_executor executor, cancel_token token, error_rule rule)
    : state_(std::make_shared<state>(executor, token, rule))
{
    if (token.can_be_cancelled() && !state_->in_strand)
        on_token_.start([s = state_] { s->cancel(s->token.reason()); },
                        [s = state_](auto handler) {
                            s->token.async_wait(s->executor.get(), std::move(handler));
                        });
}

scope::~scope()
{
    state_->cancel(cancel_reason::requested);
}

void scope::spawn(asio::awaitable<void> work)
{
    if (state_->executor.is_gone())
        return;                              // no child can run any more
    const std::shared_ptr<state> s = state_; // on this executor the child may destroy the scope
    s->running.add();
    if (s->in_strand)
        state::start_in_strand(s, std::move(work));
    else
        state::start(s, std::move(work));
}

void scope::state::start(const std::shared_ptr<state>& s, asio::awaitable<void> work)
{
    std::shared_ptr<child> c;
    try {
        c = std::make_shared<child>();
        if (s->in_strand)
            s->listen(s);
        s->begins(c);
        child_end on_end(s, c);
        asio::co_spawn(s->executor.get(), run(s, c, std::move(work)),
                       asio::bind_cancellation_slot(c->signal.slot(), std::move(on_end)));
        c->started = true;
    } catch (...) {
        // It did not start, unless it has ended already.
        if (c)
            s->leaves(*c);
        s->stop_listening();
        if (c && !std::exchange(c->counted, false))
            return;
        if (s->in_strand)
            s->failed(std::current_exception());
        s->running.done();
        if (!s->in_strand)
            throw;
    }
}

void scope::state::start_in_strand(const std::shared_ptr<state>& s, asio::awaitable<void> work)
{
    // Destroyed unrun, its child is lost.
    struct begin {
        begin(std::shared_ptr<state> of, asio::awaitable<void> w)
            : s(std::move(of)), work(std::move(w))
        {
        }
        begin(begin&&) noexcept = default;
        begin& operator=(begin&&) = delete;
        ~begin()
        {
            if (s)
                s->lost();
        }
        void operator()() { start(std::exchange(s, nullptr), std::move(work)); }

        std::shared_ptr<state> s;
        asio::awaitable<void> work;
    };
    begin there(s, std::move(work));
    const auto until_posted = s->executor.keep();
    if (!until_posted)
        return;
    try {
        detail::post_to(s->executor.get(until_posted), std::move(there));
    } catch (...) {
        if (there.s) // it is no child
            std::exchange(there.s, nullptr)->running.done();
        throw;
    }
}

void scope::state::listen(const std::shared_ptr<state>& self)
{
    if (has_children())
        return;
    on_stop.start(
        [self] {
            self->cancel(self->stop->token().reason()); // it may have been the token's
            self->cancel_children();
        },
        [&](auto handler) { stop->token().async_wait(executor.get(), std::move(handler)); });
}

void scope::cancel(cancel_reason reason)
{
    state_->cancel(reason);
}

cancel_reason scope::reason() const noexcept
{
    const cancel_reason why = state_->reason;
    // In a strand it may not have come there yet.
    return why == cancel_reason::none && state_->stop ? state_->stop->token().reason() : why;
}

std::size_t scope::running() const noexcept
{
    return state_->running.count();
}

// Boost 1.81 loses a coroutine that is cancelled before its first suspension (its handler is never
// called). So nothing is emitted to a child before it is here; it looks at the reason itself.
asio::awaitable<void> scope::run(std::shared_ptr<state> s, std::shared_ptr<child> c,
                                 asio::awaitable<void> work)
{
    struct reachable {
        explicit reachable(child& of) : c(of) { c.signal.begins(); }
        ~reachable() { c.signal.ended(); } // also when its context destroys the coroutine
        child& c;
    };
    s->cancel(s->token.reason()); // the token's own call may still be on its way
    const reachable here(*c);
    if (s->reason != cancel_reason::none)
        throw system_error(asio::error::operation_aborted);
    std::exception_ptr error;
    try {
        co_await std::move(work);
    } catch (...) {
        error = std::current_exception();
    }
    // A child may cancel its own scope before it first suspends. If it is then found cancelled when
    // it ends, Boost 1.81 loses it too.
    co_await asio::this_coro::throw_if_cancelled(false);
    if (error)
        std::rethrow_exception(error);
}

asio::awaitable<void> scope::wait(std::shared_ptr<state> s, bool reaches_children)
{
    while (s->running.count() != 0) {
        const auto done = co_await s->running.async_wait(asio::as_tuple(asio::use_awaitable));
        if (std::get<0>(done) == asio::error::operation_aborted && reaches_children)
            s->cancel(cancel_reason::requested);
    }
    s->throw_errors();
}

asio::awaitable<void> scope::join()
{
    return detail::uninterrupted(wait(state_, true));
}

asio::awaitable<void> scope::join_uninterrupted()
{
    return detail::uninterrupted(wait(state_, false));
}

namespace {

/// The work and its alarm, both in the child's strand.
asio::awaitable<void> in_strand(time_point deadline, asio::awaitable<void> work, bool& late)
{
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    std::optional<detail::timed_child> one;
    const auto start = [&]() -> detail::timed_child& {
        return one.emplace(executor, deadline, std::move(work));
    };
    try {
        co_await detail::joined(start);
        late = one->was_late();
    } catch (...) {
        std::rethrow_exception(one ? one->error() : std::current_exception());
    }
}

} // namespace

detail::timed_child::timed_child(asio::any_io_executor executor, duration timeout,
                                 asio::awaitable<void> work)
    : only_(executor)
{
    if (!is_serial(executor)) {
        const time_point deadline = saturating_add(now(executor), timeout);
        only_.spawn(in_strand(deadline, std::move(work), late_));
        return;
    }
    only_.spawn(std::move(work)); // on this executor it may run at once: the time starts after that
    const time_point deadline = saturating_add(now(executor), timeout);
    cancel_at(std::move(executor), deadline);
}

detail::timed_child::timed_child(asio::any_io_executor executor, time_point deadline,
                                 asio::awaitable<void> work)
    : only_(executor)
{
    if (!is_serial(executor)) {
        only_.spawn(in_strand(deadline, std::move(work), late_));
        return;
    }
    only_.spawn(std::move(work));
    cancel_at(std::move(executor), deadline);
}

void detail::timed_child::cancel_at(asio::any_io_executor executor, time_point deadline)
{
    try {
        at_timeout_ =
            alarm(std::move(executor), deadline, [this] { only_.cancel(cancel_reason::deadline); });
    } catch (...) { // the child has begun, and must be waited for
        no_alarm_ = std::current_exception();
        only_.cancel(cancel_reason::requested);
    }
}

std::exception_ptr detail::timed_child::error() const
{
    if (no_alarm_)
        return no_alarm_;
    if (was_late())
        return std::make_exception_ptr(system_error(errc::timed_out));
    return std::current_exception();
}

} // namespace weir
