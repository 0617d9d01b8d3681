#include "explorer.hpp"

#include <ucontext.h>

#include <algorithm>
#include <csetjmp>
#include <sstream>
#include <stdexcept>

namespace weir::test {

struct explorer::fibre {
    ucontext_t context{}; // to begin
    std::jmp_buf place{}; // to go on: it asks the kernel for nothing, as swapcontext does
    bool begun = false;
    std::size_t last_run = 0;   // its last step
    std::size_t last_pause = 0; // and the last at which it paused
    unsigned waits_for = 0;     // threads that come first, a bit each
    vector_clock clock;
    std::function<void()> body;
    std::function<bool()> ready; // empty: not waiting
    bool done = false;
};

namespace {

constexpr std::size_t stack_size = 64 * 1024;

explorer* active = nullptr; // while its threads run

} // namespace

explorer::explorer(unsigned preemptions, std::string replay)
    : preemptions_(preemptions), replay_(std::move(replay)), scheduler_(std::make_unique<fibre>())
{
    std::istringstream in(replay_);
    for (std::string number; std::getline(in, number, '.');)
        path_.push_back({std::stoul(number), 0});
}

explorer::~explorer() = default;

explored explorer::explore(const std::function<std::function<void()>(explorer&)>& scenario)
{
    explored found;
    do {
        fibres_.clear();
        failure_.clear();
        depth_ = 0;
        preempted_ = 0;
        const std::function<void()> verify = scenario(*this);
        run();
        if (failure_.empty())
            verify();
        ++found.schedules;
        if (!failure_.empty()) {
            found.failure = failure_;
            found.choices = path();
            return found;
        }
        if (found.schedules == most_schedules)
            return found;
    } while (replay_.empty() && next_path());
    found.complete = replay_.empty();
    return found;
}

void explorer::thread(std::function<void()> body)
{
    if (fibres_.size() == vector_clock::most_threads)
        throw std::logic_error("explorer: too many threads");
    fibres_.push_back(std::make_unique<fibre>());
    fibres_.back()->body = std::move(body);
    fibres_.back()->clock[fibres_.size() - 1] = 1;
    if (stacks_.size() < fibres_.size())
        stacks_.push_back(std::make_unique<unsigned char[]>(stack_size));
}

void explorer::check(bool holds, const char* what)
{
    if (!holds && failure_.empty())
        failure_ = what;
}

void explorer::run()
{
    for (std::size_t i = 0; i < fibres_.size(); ++i) {
        fibre& f = *fibres_[i];
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = stacks_[i].get();
        f.context.uc_stack.ss_size = stack_size;
        f.context.uc_link = &scheduler_->context;
        makecontext(
            &f.context,
            +[] {
                fibre& self = *active->fibres_[active->current_];
                self.body();
                self.done = true;
                active->switch_to_scheduler();
            },
            0);
    }
    current_ = fibres_.size(); // none yet
    paused_ = false;
    steps_ = 0;
    while (failure_.empty()) {
        find_runnable();
        if (runnable_.empty())
            break;
        const bool goes_on = runnable_.front() == current_;
        const std::size_t taken = choose(runnable_.size());
        if (goes_on && taken != 0)
            ++preempted_;
        current_ = runnable_[taken];
        paused_ = false;
        ++steps_;
        fibres_[current_]->last_run = steps_;
        for (const auto& f : fibres_)
            f->waits_for &= ~(1U << current_);
        switch_to(*fibres_[current_]);
        if (steps_ == most_steps)
            check(false, "it goes round in circles");
    }
    for (const auto& f : fibres_)
        check(f->done, "a thread waits forever");
}

// The present thread first, if it can go on; only that one when no preemptions are left.
void explorer::find_runnable()
{
    runnable_.clear();
    const auto can = [this](std::size_t i) {
        const fibre& f = *fibres_[i];
        return !f.done && (!f.ready || f.ready());
    };
    const bool goes_on = current_ < fibres_.size() && can(current_);
    if (goes_on && !paused_) {
        runnable_.push_back(current_);
        if (preempted_ >= preemptions_)
            return;
    }
    for (std::size_t i = 0; i < fibres_.size(); ++i)
        if (i != current_ && can(i) && fibres_[i]->waits_for == 0)
            runnable_.push_back(i);
    if (runnable_.empty() && goes_on)
        runnable_.push_back(current_); // it pauses, and no other can go on
    for (std::size_t i = 0; runnable_.empty() && i < fibres_.size(); ++i)
        if (can(i))
            runnable_.push_back(i);
}

// Fair: otherwise two threads that pause for a third could pass the turn to each other forever. A
// thread that pauses again lets those go first that could have gone on since its last pause and did
// not.
void explorer::note_pause()
{
    fibre& self = *fibres_[current_];
    for (std::size_t i = 0; i < fibres_.size(); ++i) {
        const fibre& other = *fibres_[i];
        const bool can = !other.done && (!other.ready || other.ready());
        if (i != current_ && can && other.last_run < self.last_pause)
            self.waits_for |= 1U << i;
    }
    self.last_pause = steps_;
    paused_ = true;
}

std::size_t explorer::choose(std::size_t options)
{
    if (options == 1)
        return 0;
    if (depth_ == path_.size())
        path_.push_back({0, options});
    choice& c = path_[depth_++];
    c.options = options;
    return std::min(c.taken, options - 1);
}

bool explorer::next_path()
{
    path_.resize(depth_);
    while (!path_.empty()) {
        if (++path_.back().taken < path_.back().options)
            return true;
        path_.pop_back();
    }
    return false;
}

std::string explorer::path() const
{
    std::string text;
    for (std::size_t i = 0; i < depth_; ++i)
        text += (i == 0 ? "" : ".") + std::to_string(path_[i].taken);
    return text;
}

void explorer::switch_to(fibre& f)
{
    active = this;
    if (_setjmp(scheduler_->place) == 0) {
        if (f.begun)
            _longjmp(f.place, 1);
        f.begun = true;
        setcontext(&f.context);
    }
    active = nullptr;
}

void explorer::switch_to_scheduler()
{
    if (_setjmp(fibres_[current_]->place) == 0)
        _longjmp(scheduler_->place, 1);
}

void explorer::wait_until(std::function<bool()> ready)
{
    block(std::move(ready));
}

void explorer::point()
{
    if (active != nullptr)
        active->switch_to_scheduler();
}

void explorer::pause()
{
    if (active == nullptr)
        return;
    active->note_pause();
    active->switch_to_scheduler();
}

void explorer::block(std::function<bool()> ready)
{
    if (active == nullptr)
        throw std::logic_error("explorer: only a thread may wait");
    explorer& self = *active;
    fibre& me = *self.fibres_[self.current_];
    me.ready = std::move(ready);
    self.switch_to_scheduler();
    me.ready = nullptr;
}

void explorer::expect(bool holds, const char* what)
{
    if (active != nullptr)
        active->check(holds, what);
}

const vector_clock* explorer::clock()
{
    return active != nullptr ? &active->fibres_[active->current_]->clock : nullptr;
}

std::size_t explorer::current()
{
    return active->current_;
}

void explorer::acquire(const vector_clock& by)
{
    if (active != nullptr)
        active->fibres_[active->current_]->clock.join(by);
}

void explorer::acquire_all()
{
    if (active != nullptr)
        for (const auto& f : active->fibres_)
            acquire(f->clock);
}

void explorer::release(vector_clock& into)
{
    if (active == nullptr)
        return;
    vector_clock& mine = active->fibres_[active->current_]->clock;
    into.join(mine);
    ++mine[active->current_]; // what it does from here on is not published yet
}

} // namespace weir::test
