#include <weir/run/detail/lane/lane_state.hpp>

#include <weir/detail/own_executor.hpp>
#include <weir/detail/post_to.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>

#include <cassert>
#include <new>
#include <stdexcept>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

/// Closes the lane when its executor's context is destroyed, and drops the executor.
class lane_state::executor_guest final : private context_guest {
public:
    explicit executor_guest(lane_state& lane) : context_guest(nullptr, nullptr), lane_(lane)
    {
        enter(asio::query(lane.executor_, asio::execution::context));
    }
    ~executor_guest() { leave(); }

    using context_guest::is_gone;
    hold keep() noexcept { return hold(*this); }

private:
    void drop() noexcept override { lane_.drop_executor(); }

    lane_state& lane_;
};

// Posted to the executor. One that is destroyed unrun says that the executor's context is going.
class lane_state::posted_run {
public:
    explicit posted_run(std::shared_ptr<lane_state> state) noexcept : state_(std::move(state)) {}
    posted_run(posted_run&&) noexcept = default;
    posted_run& operator=(posted_run&&) = delete;
    ~posted_run()
    {
        if (state_)
            state_->posted_run_destroyed();
    }

    void operator()() { std::exchange(state_, nullptr)->run_next(); }

private:
    std::shared_ptr<lane_state> state_;
};

lane_state::lane_state(executor_type executor, limit running, std::size_t queue)
    : limit_(running.count()), capacity_(queue), executor_(std::move(executor))
{
    if (running.is_paused())
        throw std::invalid_argument("weir::blocking_lane: a paused lane would never run anything");
}

lane_state::~lane_state() = default;

void lane_state::enlist()
{
    guest_ = std::make_unique<executor_guest>(*this);
}

void lane_state::submit(lane_job& j, asio::execution_context& context)
{
    try {
        j.callers_ = lane_callers::of(context);
    } catch (const std::bad_alloc&) {
        return j.ended(asio::error::no_memory);
    }
    error_code refused;
    bool posts = false;
    {
        std::lock_guard lock(mutex_);
        const std::size_t inside = queued_.size() + running_;
        if (closed_)
            refused = errc::closed;
        else if (inside >= limit_ && inside - limit_ >= capacity_)
            refused = errc::full;
        else {
            add(queued_, j);
            posts = posted_ < limit_;
            if (posts)
                ++posted_;
        }
    }
    if (refused)
        j.ended(refused);
    else if (posts)
        post_run();
}

void lane_state::submit_close(lane_job& j, asio::execution_context& context)
{
    try {
        j.callers_ = lane_callers::of(context);
    } catch (const std::bad_alloc&) {
        return j.ended(asio::error::no_memory);
    }
    {
        std::lock_guard lock(mutex_);
        add(closing_, j);
    }
    close();
}

bool lane_state::withdraw(lane_job& j) noexcept
{
    std::lock_guard lock(mutex_);
    if (j.line_ == nullptr)
        return false;
    std::exchange(j.line_, nullptr)->erase(j);
    return true;
}

bool lane_state::context_gone(lane_job& j) noexcept
{
    if (withdraw(j))
        return true;
    std::unique_lock lock(mutex_);
    assert((!is_taken(j) || !j.callers_->called_here()) &&
           "a callable destroys its caller's context");
    changed_.wait(lock, [&] { return !is_taken(j); });
    return j.wake_up_destroyed_;
}

bool lane_state::wake_up_gone(lane_job& j) noexcept
{
    std::lock_guard lock(mutex_);
    j.wake_up_destroyed_ = is_taken(j);
    return !j.wake_up_destroyed_;
}

void lane_state::close() noexcept
{
    bool over = false;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        over = is_over();
    }
    end_all(queued_, errc::closed);
    if (over)
        end_all(closing_, error_code());
}

bool lane_state::has_executor() const noexcept
{
    return !guest_->is_gone();
}

void lane_state::drop_executor() noexcept
{
    const auto self = weak_from_this().lock(); // null: it ends
    if (self)
        close();
    executor_type gone;
    std::lock_guard lock(mutex_);
    gone.swap(executor_);
}

void lane_state::wait_until_idle()
{
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return taken_.empty(); });
}

lane_state::executor_type lane_state::get_executor() const
{
    std::lock_guard lock(mutex_);
    return executor_;
}

bool lane_state::is_closed() const
{
    std::lock_guard lock(mutex_);
    return closed_;
}

std::size_t lane_state::running() const
{
    std::lock_guard lock(mutex_);
    return running_;
}

std::size_t lane_state::queued() const
{
    std::lock_guard lock(mutex_);
    return queued_.size();
}

void lane_state::post_run() noexcept
{
    posted_run next(shared_from_this());
    const context_guest::hold until_posted = guest_->keep();
    if (!until_posted)
        return;
    try {
        post_to(executor_, std::move(next));
    } catch (...) {
        // The function was destroyed, which has closed the lane and ended every queued job.
    }
}

void lane_state::run_next() noexcept
{
    taken_job next;
    if (!begin_next(next))
        return;
    {
        const lane_callers::calling here(*next.callers);
        next.job->call();
    }
    next.job->ended(error_code());
    if (end_running(next))
        post_run(); // not a loop: others use the executor too
}

// False: the job it was posted for has been withdrawn, or the lane is closed.
bool lane_state::begin_next(taken_job& t) noexcept
{
    std::lock_guard lock(mutex_);
    if (closed_ || queued_.empty()) {
        --posted_;
        return false;
    }
    take(queued_, t);
    ++running_;
    return true;
}

// True: there is another job to run.
bool lane_state::end_running(taken_job& t) noexcept
{
    bool again = false;
    bool over = false;
    {
        std::lock_guard lock(mutex_);
        --running_;
        again = !closed_ && !queued_.empty();
        if (!again)
            --posted_;
        over = is_over();
    }
    done_with(t);
    if (over)
        end_all(closing_, error_code());
    return again;
}

// One after the other: the lock is not held while a job ends.
void lane_state::end_all(list<lane_job>& line, error_code why) noexcept
{
    for (;;) {
        taken_job t;
        {
            std::lock_guard lock(mutex_);
            if (line.empty())
                return;
            take(line, t);
        }
        t.job->ended(why);
        done_with(t);
    }
}

void lane_state::add(list<lane_job>& line, lane_job& j) noexcept
{
    line.push_back(j);
    j.line_ = &line;
}

void lane_state::take(list<lane_job>& line, taken_job& t) noexcept
{
    t.job = &line.pop_front();
    t.job->line_ = nullptr;
    t.callers = t.job->callers_;
    t.callers->enter();
    taken_.push_back(t);
}

void lane_state::done_with(taken_job& t) noexcept
{
    {
        std::lock_guard lock(mutex_);
        taken_.erase(t);
        changed_.notify_all();
    }
    t.callers->leave();
}

bool lane_state::is_taken(const lane_job& j) const noexcept
{
    bool found = false;
    taken_.for_each([&](const taken_job& t) { found = found || t.job == &j; });
    return found;
}

void lane_state::posted_run_destroyed() noexcept
{
    {
        std::lock_guard lock(mutex_);
        --posted_;
    }
    close();
}

} // namespace weir::detail
