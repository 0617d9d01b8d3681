#include <weir/sim/world.hpp>

#include <weir/sim/context.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace weir::sim {

// One a context: the world's time, and this context's place among the timers.
class world::clock final : public clock_source {
public:
    clock(world& w, context& c) : world_(w), context_(c) {}

    time_point now() const noexcept override { return world_.now_; }

    void wake_at(time_service& service, time_point at, const boost::asio::any_io_executor&) override
    {
        forget();
        place_ = world_.timers_.emplace(at, timer{&service, &context_});
        armed_ = true;
    }

    void sleep(time_service&) noexcept override { forget(); }
    void shutdown(time_service&) noexcept override { forget(); }

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

world::world(std::uint64_t seed) : seed_(seed), choice_(seed) {}

world::~world() = default;

bool world::run_one()
{
    while (ready_.empty()) {
        if (timers_.empty())
            return false;
        now_ = std::max(now_, timers_.begin()->first);
        // Everything that is due now becomes ready at once, so that its order is a choice too.
        while (!timers_.empty() && timers_.begin()->first <= now_) {
            const timer due = timers_.begin()->second;
            timers_.erase(timers_.begin());
            due.owner->clock_->due();
            boost::asio::post(due.owner->get_executor(),
                              [service = due.service] { service->fire(); });
        }
    }
    std::unique_ptr<detail::step> next;
    {
        const std::size_t chosen = ready_.size() == 1 ? 0 : choice_() % ready_.size();
        next = std::move(ready_[chosen]);
        ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
    running_ = &next->owner;
    struct at_end {
        ~at_end() { *running = nullptr; }
        context** running;
    } const end{&running_};
    next->run();
    return true;
}

std::size_t world::run()
{
    std::size_t steps = 0;
    while (run_one())
        if (++steps == max_steps)
            throw livelock("weir::sim: " + std::to_string(max_steps) +
                           " steps without an end, seed " + std::to_string(seed_));
    return steps;
}

void world::drop(context& c)
{
    // Destroying a step may post another.
    for (;;) {
        const auto place = std::find_if(ready_.begin(), ready_.end(),
                                        [&c](const auto& s) { return &s->owner == &c; });
        if (place == ready_.end())
            return;
        const std::unique_ptr<detail::step> gone = std::move(*place);
        ready_.erase(place);
    }
}

context::context(world& w) : world_(w), clock_(std::make_shared<world::clock>(w, *this))
{
    boost::asio::make_service<time_service>(static_cast<boost::asio::execution_context&>(*this),
                                            clock_);
}

context::~context()
{
    shutdown();
    world_.drop(*this);
    destroy();
}

} // namespace weir::sim
