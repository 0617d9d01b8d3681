#include <weir/sim/world.hpp>

#include <weir/detail/serial.hpp>

#include <weir/sim/context.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::size_t usual_choices = 64; // so that a small world allocates once

} // namespace

// One per context: the world's time, and this context's place among the timers.
class world::clock final : public weir::detail::clock_source {
public:
    clock(world& w, context& c) : world_(w), context_(c) {}

    time_point now() const noexcept override { return world_.now_; }

    void wake_at(weir::detail::time_service& service, time_point at,
                 const boost::asio::any_io_executor&) override
    {
        forget();
        place_ = world_.timers_.emplace(at, timer{&service, &context_});
        armed_ = true;
    }

    void sleep(weir::detail::time_service&) noexcept override { forget(); }
    void shutdown(weir::detail::time_service&) noexcept override { forget(); }

    /// The world has taken the timer out.
    void due() noexcept { armed_ = false; }

private:
    void forget() noexcept
    {
        if (std::exchange(armed_, false))
            world_.timers_.erase(place_);
    }

    world& world_;
    context& context_;
    bool armed_ = false;
    std::multimap<time_point, timer>::iterator place_;
};

world::world(std::uint64_t seed, time_point begin)
    : seed_(seed), random_(seed), chooser_(random_), began_(begin), now_(begin)
{
    choices_.reserve(usual_choices);
}

world::world(chooser& by, time_point begin)
    : seed_(0), random_(0), chooser_(by), began_(begin), now_(begin)
{
    choices_.reserve(usual_choices);
}

world::~world() = default;

std::size_t world::recorded(std::size_t choice)
{
    choices_.push_back(static_cast<std::uint32_t>(choice));
    return choice;
}

std::size_t world::choose(std::size_t n)
{
    assert(n != 0);
    return n == 1 ? 0 : recorded(chooser_.choose(n));
}

void world::at_some_step(std::function<void()> action)
{
    add_fault(nullptr, std::move(action));
}

void world::add_fault(context* owner, std::function<void()> action)
{
    faults_.push_back({std::move(action), owner, steps_});
}

std::size_t world::begin_task(std::string name)
{
    tasks_.push_back({std::move(name), false});
    return tasks_.size() - 1;
}

template <class Function>
void world::run_in(context* owner, Function&& function)
{
    struct at_end {
        ~at_end() { *running = nullptr; }
        context** running;
    } const end{&running_};
    running_ = owner;
    function();
}

// The chooser is asked about each fault before every step, so that every place for it is tried.
// When nothing else is left, the last fault strikes unasked.
bool world::strike()
{
    const bool last = ready_.empty() && timers_.empty();
    for (std::size_t i = 0; i < faults_.size(); ++i) {
        const bool must = last && i + 1 == faults_.size();
        const std::size_t waited = steps_ - faults_[i].armed_at;
        if (!must && recorded(chooser_.strikes(waited) ? 1 : 0) == 0)
            continue;
        const fault striking = std::move(faults_[i]);
        faults_.erase(faults_.begin() + static_cast<std::ptrdiff_t>(i));
        run_in(striking.owner, striking.action);
        return true;
    }
    return false;
}

bool world::jump()
{
    if (timers_.empty())
        return false;
    now_ = std::max(now_, timers_.begin()->first);
    // Everything that is due now becomes ready at once, so that its order is a choice too.
    while (!timers_.empty() && timers_.begin()->first <= now_) {
        const timer due = timers_.begin()->second;
        timers_.erase(timers_.begin());
        due.owner->clock_->due();
        boost::asio::post(due.owner->get_executor(), [service = due.service] { service->fire(); });
    }
    return true;
}

std::unique_ptr<detail::step> world::next()
{
    const std::size_t chosen = ready_.size() == 1 ? 0 : recorded(chooser_.next_step(ready_.size()));
    std::rotate(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(chosen), ready_.end());
    std::unique_ptr<detail::step> first = std::move(ready_.front());
    ready_.pop_front();
    return first;
}

bool world::run_one()
{
    bool struck = false;
    for (;;) {
        struck = !faults_.empty() && strike();
        if (struck || !ready_.empty())
            break;
        if (!jump())
            return false;
    }
    if (++steps_ > max_steps_)
        throw livelock("weir::sim: livelock: " + std::to_string(max_steps_) +
                       " steps without an end; " + describe());
    if (!struck) {
        const std::unique_ptr<detail::step> chosen = next();
        run_in(chosen->owner, [&chosen] { chosen->run(); });
    }
    return true;
}

std::size_t world::run()
{
    const std::size_t before = steps_;
    while (run_one()) {
    }
    return steps_ - before;
}

std::size_t world::run_to_end()
{
    try {
        const std::size_t taken = run();
        check_end();
        return taken;
    } catch (...) {
        end();
        throw;
    }
}

void world::check_end() const
{
    const std::string stuck = unfinished();
    if (outstanding_ == 0 && stuck.empty())
        return;
    throw deadlock("weir::sim: deadlock: nothing is ready and no timer is set, but " +
                   (stuck.empty() ? "an operation" : stuck) +
                   " still waits (work held: " + std::to_string(outstanding_) + "), at " +
                   std::to_string((now_ - began_).count()) + " ns; " + describe());
}

// What waits may use the scenario's objects when it is destroyed, and those go next.
void world::end() noexcept
{
    for (std::size_t i = 0; i < contexts_.size(); ++i) // one that goes may take others with it
        contexts_[i]->end();
}

std::string world::unfinished() const
{
    std::string names;
    for (const task& t : tasks_)
        if (!t.over)
            names += (names.empty() ? "" : ", ") + t.name;
    return names;
}

std::string world::choices() const
{
    // Zeros at the end are left out: a replay takes the ordinary way there.
    std::size_t length = choices_.size();
    while (length != 0 && choices_[length - 1] == 0)
        --length;
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
        text += (i == 0 ? "" : ".") + std::to_string(choices_[i]);
    return text.empty() ? "0" : text;
}

std::string world::describe() const
{
    const std::string by = &chooser_ == &random_ ? "seed " + std::to_string(seed_) + ", " : "";
    return by + "choices " + choices();
}

void world::drop(context& c)
{
    const auto belongs = [&c](const auto& what) { return what.owner == &c; };
    faults_.erase(std::remove_if(faults_.begin(), faults_.end(), belongs), faults_.end());
    // Destroying a step may post another.
    for (;;) {
        const auto place = std::find_if(ready_.begin(), ready_.end(),
                                        [&belongs](const auto& s) { return belongs(*s); });
        if (place == ready_.end())
            return;
        const std::unique_ptr<detail::step> gone = std::move(*place);
        ready_.erase(place);
    }
}

context::context(world& w) : world_(w), clock_(std::make_shared<world::clock>(w, *this))
{
    world_.contexts_.push_back(this);
    boost::asio::make_service<weir::detail::time_service>(
        static_cast<boost::asio::execution_context&>(*this), clock_);
    weir::detail::mark_serial(*this);
}

context::~context()
{
    end();
    destroy();
    std::erase(world_.contexts_, this);
}

void context::end() noexcept
{
    if (!std::exchange(ended_, true))
        shutdown();
    world_.drop(*this);
}

} // namespace weir::sim
