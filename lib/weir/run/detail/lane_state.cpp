#include <weir/run/detail/lane_state.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <cassert>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

/// The lanes over an execution context: closed when it goes, before anything is posted to it.
class lane_registry final : public asio::execution_context::service {
public:
    static inline asio::execution_context::id id;

    explicit lane_registry(asio::execution_context& context) : service(context) {}

    void add(std::weak_ptr<lane_state> lane)
    {
        std::lock_guard lock(mutex_);
        std::erase_if(lanes_, [](const auto& weak) { return weak.expired(); });
        lanes_.push_back(std::move(lane));
    }

private:
    void shutdown() override
    {
        std::vector<std::weak_ptr<lane_state>> told;
        {
            std::lock_guard lock(mutex_);
            told.swap(lanes_);
        }
        for (const auto& weak : told)
            if (const auto lane = weak.lock())
                lane->executor_gone();
    }

    std::mutex mutex_;
    std::vector<std::weak_ptr<lane_state>> lanes_;
};

/// Keeps an awaiter's context from going while lanes have to do with it.
class lane_guest_service final : public asio::execution_context::service {
public:
    static inline asio::execution_context::id id;

    explicit lane_guest_service(asio::execution_context& context) : service(context) {}

    const std::shared_ptr<lane_guests> guests = std::make_shared<lane_guests>();

private:
    void shutdown() override { guests->wait_until_left(); }
};

// Whose callable this thread runs.
constinit thread_local const lane_guests* calling_for = nullptr;

} // namespace

// The posted function. One that is destroyed unrun says that the executor's context is going.
class lane_state::turn {
public:
    explicit turn(std::shared_ptr<lane_state> core) noexcept : core_(std::move(core)) {}
    turn(turn&&) noexcept = default;
    turn& operator=(turn&&) = delete;
    ~turn()
    {
        if (core_)
            core_->turn_lost();
    }

    void operator()() { std::exchange(core_, nullptr)->take_turn(); }

private:
    std::shared_ptr<lane_state> core_;
};

lane_state::lane_state(asio::any_io_executor executor, limit most, std::size_t most_waiting)
    : most_(most.count()), most_waiting_(most_waiting), executor_(std::move(executor))
{
    if (most.is_paused())
        throw std::invalid_argument("weir::blocking_lane: a paused lane would never run anything");
}

void lane_state::enlist()
{
    auto& context =
        static_cast<asio::execution_context&>(asio::query(executor_, asio::execution::context));
    asio::use_service<lane_registry>(context).add(weak_from_this());
}

void lane_state::submit(lane_job& j, asio::execution_context& context)
{
    j.guests_ = lane_guests::of(context);
    error_code refused;
    bool starts = false;
    {
        std::lock_guard lock(mutex_);
        const std::size_t inside = waiting_.size() + running_;
        if (closed_)
            refused = errc::closed;
        else if (inside >= most_ && inside - most_ >= most_waiting_)
            refused = errc::full;
        else {
            waiting_.push_back(j);
            starts = turns_ < most_;
            if (starts)
                ++turns_;
        }
    }
    if (refused)
        j.ended(refused);
    else if (starts)
        give_turn();
}

void lane_state::submit_close(lane_job& j, asio::execution_context& context)
{
    j.guests_ = lane_guests::of(context);
    {
        std::lock_guard lock(mutex_);
        closing_.push_back(j);
    }
    close();
}

bool lane_state::withdraw(lane_job& j) noexcept
{
    std::lock_guard lock(mutex_);
    if (j.waits_in_ == nullptr)
        return false;
    j.waits_in_->erase(j);
    return true;
}

bool lane_state::abandon(lane_job& j) noexcept
{
    std::unique_lock lock(mutex_);
    if (j.waits_in_ != nullptr) {
        j.waits_in_->erase(j);
        return true;
    }
    assert((!holds(j) || calling_for != j.guests_.get()) &&
           "a callable destroys the context of who awaits it");
    changed_.wait(lock, [&] { return !holds(j); });
    return j.orphan_;
}

bool lane_state::is_held(lane_job& j) noexcept
{
    std::lock_guard lock(mutex_);
    j.orphan_ = holds(j);
    return j.orphan_;
}

void lane_state::close() noexcept
{
    bool over = false;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        over = is_over();
    }
    tell(waiting_, errc::closed);
    if (over)
        tell(closing_, error_code());
}

void lane_state::executor_gone() noexcept
{
    close();
    asio::any_io_executor gone;
    std::lock_guard lock(mutex_);
    gone.swap(executor_);
}

void lane_state::wait_until_idle()
{
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_ == nullptr; });
}

asio::any_io_executor lane_state::executor() const
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
    return waiting_.size();
}

void lane_state::give_turn() noexcept
{
    const asio::any_io_executor executor = this->executor();
    turn next(shared_from_this());
    try {
        if (executor)
            asio::post(executor, std::move(next));
    } catch (...) {
        // The turn was destroyed, which has closed the lane: who waits is told.
    }
}

void lane_state::take_turn() noexcept
{
    held_job here;
    if (!begin(here))
        return;
    const lane_guests* const outer = std::exchange(calling_for, here.guests.get());
    here.job->call();
    calling_for = outer;
    here.job->ended(error_code());
    if (end(here))
        give_turn(); // and others who use the executor have theirs
}

// False: whoever it was meant for has been withdrawn, or is being told that the lane is closed.
bool lane_state::begin(held_job& h) noexcept
{
    std::lock_guard lock(mutex_);
    if (closed_ || waiting_.first() == nullptr) {
        --turns_;
        return false;
    }
    hold(h, waiting_);
    ++running_;
    return true;
}

// True: there is a job for the next turn.
bool lane_state::end(held_job& h) noexcept
{
    bool again = false;
    bool over = false;
    {
        std::lock_guard lock(mutex_);
        --running_;
        again = !closed_ && waiting_.first() != nullptr;
        if (!again)
            --turns_;
        over = is_over();
    }
    let_go(h);
    if (over)
        tell(closing_, error_code());
    return again;
}

// One after the other, each held until it was told.
void lane_state::tell(lane_queue& line, error_code why) noexcept
{
    for (;;) {
        held_job h;
        {
            std::lock_guard lock(mutex_);
            if (line.first() == nullptr)
                return;
            hold(h, line);
        }
        h.job->ended(why);
        let_go(h);
    }
}

void lane_state::hold(held_job& h, lane_queue& line) noexcept
{
    h.job = line.first();
    h.guests = h.job->guests_;
    h.guests->enter();
    line.erase(*h.job);
    h.next = std::exchange(held_, &h);
}

void lane_state::let_go(held_job& h) noexcept
{
    {
        std::lock_guard lock(mutex_);
        held_job** place = &held_;
        while (*place != &h)
            place = &(*place)->next;
        *place = h.next;
        changed_.notify_all();
    }
    h.guests->leave(); // its context may be gone when this returns
}

bool lane_state::holds(const lane_job& j) const noexcept
{
    const held_job* h = held_;
    while (h != nullptr && h->job != &j)
        h = h->next;
    return h != nullptr;
}

void lane_state::turn_lost() noexcept
{
    {
        std::lock_guard lock(mutex_);
        --turns_;
    }
    close();
}

void lane_queue::push_back(lane_job& j) noexcept
{
    j.waits_in_ = this;
    j.previous_ = last_;
    j.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &j;
    last_ = &j;
    ++size_;
}

void lane_queue::erase(lane_job& j) noexcept
{
    j.waits_in_ = nullptr;
    (j.previous_ != nullptr ? j.previous_->next_ : first_) = j.next_;
    (j.next_ != nullptr ? j.next_->previous_ : last_) = j.previous_;
    --size_;
}

std::shared_ptr<lane_guests> lane_guests::of(asio::execution_context& context)
{
    return asio::use_service<lane_guest_service>(context).guests;
}

void lane_guests::enter() noexcept
{
    std::lock_guard lock(mutex_);
    ++inside_;
}

void lane_guests::leave() noexcept
{
    std::lock_guard lock(mutex_);
    if (--inside_ == 0)
        left_.notify_all();
}

void lane_guests::wait_until_left()
{
    assert(calling_for != this && "a callable destroys the context of who awaits it");
    std::unique_lock lock(mutex_);
    left_.wait(lock, [this] { return inside_ == 0; });
}

} // namespace weir::detail
