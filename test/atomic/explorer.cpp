#include "explorer.hpp"

#include "run_memory.hpp"

#include <ucontext.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <new>
#include <sstream>
#include <stdexcept>

namespace weir::test {

struct explorer::fibre {
    ucontext_t context{};         // to begin
    std::jmp_buf place{};         // to go on: it asks the kernel for nothing, as swapcontext does
    unsigned char* top = nullptr; // of its stack, when it was left
    bool begun = false;
    bool done = false;
    unsigned spurious = 0;
    std::size_t last_run = 0;   // its last step
    std::size_t last_pause = 0; // and the last at which it paused
    unsigned waits_for = 0;     // threads that come first, a bit each
    std::function<void()> body;
    std::function<bool()> ready; // empty: not waiting
};

/// The states from which everything has been tried, with what was used up of the bounds there.
class explorer::states {
public:
    states() : slots_(1U << 14) {}

    bool covers(std::uint64_t state, const spent& here) const
    {
        for (std::size_t i = state & mask(); slots_[i].state != 0; i = (i + 1) & mask())
            if (slots_[i].state == state && slots_[i].used.covers(here))
                return true;
        return false;
    }
    void insert(std::uint64_t state, const spent& here)
    {
        std::size_t i = state & mask();
        while (slots_[i].state != 0) {
            slot& s = slots_[i];
            if (s.state == state) {
                if (s.used.covers(here))
                    return;
                if (here.covers(s.used)) {
                    s.used = here;
                    return;
                }
            }
            i = (i + 1) & mask();
        }
        slots_[i] = {state, here};
        if (++count_ * 2 > slots_.size())
            grow();
    }

private:
    struct slot {
        std::uint64_t state = 0;
        spent used;
    };

    std::size_t mask() const { return slots_.size() - 1; }
    void grow()
    {
        const std::vector<slot> before = std::move(slots_);
        slots_.assign(before.size() * 2, slot());
        for (const slot& s : before)
            if (s.state != 0) {
                std::size_t i = s.state & mask();
                while (slots_[i].state != 0)
                    i = (i + 1) & mask();
                slots_[i] = s;
            }
    }

    std::vector<slot> slots_;
    std::size_t count_ = 0;
};

namespace {

explorer* active = nullptr;        // while its threads run
weak_memory* the_memory = nullptr; // while a run lasts

} // namespace

explorer::explorer(bounds b, std::string replay)
    : bounds_(b), replay_(std::move(replay)), memory_(*this), seen_(std::make_unique<states>()),
      scheduler_(std::make_unique<fibre>())
{
    for (std::size_t i = 0; i < most_threads; ++i)
        fibres_.push_back(std::make_unique<fibre>());
    runnable_.reserve(most_threads);
    std::istringstream in(replay_);
    for (std::string number; std::getline(in, number, '.');)
        path_.push_back({std::stoul(number), 0});
}

explorer::~explorer() = default;

explored explorer::explore(const std::function<std::function<void()>(explorer&)>& scenario)
{
    explored result;
    do {
        run_memory::clear();
        memory_.clear();
        the_memory = &memory_;
        failure_.clear();
        depth_ = threads_ = 0;
        preempted_ = stale_ = spurious_ = 0;
        merged_ = false;
        run_memory::allocate_for(0);
        std::function<void()> verify = scenario(*this);
        run_memory::stop();
        run();
        if (failure_.empty() && !merged_)
            verify();
        ++result.runs;
        result.merged += merged_;
        if (!failure_.empty() || merged_) {
            // In the middle of things nothing can be destroyed. All of it is in the run's memory.
            ::new (static_cast<void*>(&verify)) std::function<void()>();
            for (const auto& f : fibres_) {
                ::new (static_cast<void*>(&f->body)) std::function<void()>();
                ::new (static_cast<void*>(&f->ready)) std::function<bool()>();
            }
        }
        for (const auto& f : fibres_)
            f->body = nullptr;
        verify = nullptr;
        the_memory = nullptr;
        if (!failure_.empty()) {
            result.failure = failure_;
            result.choices = path();
            return result;
        }
        if (result.runs == bounds_.runs)
            return result;
    } while (replay_.empty() && next_path());
    result.complete = replay_.empty();
    return result;
}

void explorer::thread(std::function<void()> body)
{
    if (threads_ == most_threads)
        throw std::logic_error("explorer: too many threads");
    fibre& f = *fibres_[threads_++];
    f.body = std::move(body);
    f.begun = f.done = false;
    f.spurious = f.waits_for = 0;
    f.last_run = f.last_pause = 0;
}

void explorer::check(bool holds, const char* what)
{
    if (holds)
        return;
    if (failure_.empty()) {
        const run_memory::not_of_the_run here;
        failure_ = what;
    }
    while (active != nullptr) // what comes next in a thread could do anything
        active->switch_to_scheduler();
}

void explorer::begin_fibres()
{
    for (std::size_t i = 0; i < threads_; ++i) {
        fibre& f = *fibres_[i];
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = run_memory::stack(i + 1);
        f.context.uc_stack.ss_size = run_memory::stack_size;
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
        memory_.start(i + 1);
    }
}

void explorer::run()
{
    begin_fibres();
    current_ = threads_; // none yet
    paused_ = false;
    steps_ = 0;
    while (failure_.empty()) {
        find_runnable();
        if (runnable_.empty())
            break;
        const bool goes_on = runnable_.front() == current_;
        // Where only one thread can go on, looking costs more than it saves.
        if (bounds_.merge && runnable_.size() > 1 && depth_ >= path_.size()) {
            const states_here before = state();
            if (seen_->covers(stale_ < most_stale() ? before.all : before.newest, used_up())) {
                merged_ = true;
                return;
            }
            passed_.push_back({before, used_up(), depth_});
        }
        const std::size_t taken = choose(runnable_.size());
        if (goes_on && taken != 0)
            ++preempted_;
        current_ = runnable_[taken];
        paused_ = false;
        ++steps_;
        fibre& f = *fibres_[current_];
        f.last_run = steps_;
        for (const auto& other : fibres_)
            other->waits_for &= ~(1U << current_);
        memory_.self = current_ + 1;
        run_memory::allocate_for(current_ + 1);
        switch_to(f);
        run_memory::stop();
        run_memory::forget_below(current_ + 1, f.top);
        if (f.done)
            memory_.end(current_ + 1);
        memory_.self = 0;
        if (steps_ == most_steps)
            check(false, "it goes round in circles");
    }
    for (std::size_t i = 0; i < threads_; ++i)
        check(fibres_[i]->done, "a thread waits forever");
    memory_.join_all();
}

bool explorer::can(const fibre& f) const
{
    return !f.done && (!f.ready || f.ready());
}

// The present thread first, if it can go on; only that one when no preemptions are left.
void explorer::find_runnable()
{
    runnable_.clear();
    const bool goes_on = current_ < threads_ && can(*fibres_[current_]);
    if (goes_on && !paused_) {
        runnable_.push_back(current_);
        if (preempted_ >= bounds_.preemptions || !is_left())
            return;
    }
    for (std::size_t i = 0; i < threads_; ++i)
        if (i != current_ && can(*fibres_[i]) && fibres_[i]->waits_for == 0)
            runnable_.push_back(i);
    if (runnable_.empty() && goes_on)
        runnable_.push_back(current_); // it pauses, and no other can go on
    for (std::size_t i = 0; runnable_.empty() && i < threads_; ++i)
        if (can(*fibres_[i]))
            runnable_.push_back(i);
}

// Fair: otherwise two threads that pause for a third could pass the turn to each other forever. A
// thread that pauses again lets those go first that could have gone on since its last pause and did
// not.
void explorer::note_pause()
{
    fibre& self = *fibres_[current_];
    for (std::size_t i = 0; i < threads_; ++i) {
        const fibre& other = *fibres_[i];
        if (i != current_ && can(other) && other.last_run < self.last_pause)
            self.waits_for |= 1U << i;
    }
    self.last_pause = steps_;
    paused_ = true;
}

explorer::spent explorer::used_up() const
{
    spent s;
    s.preempted = static_cast<std::uint16_t>(preempted_);
    s.stale = static_cast<std::uint16_t>(stale_);
    for (std::size_t i = 0; i < threads_; ++i)
        s.spurious |= std::min(fibres_[i]->spurious, 15U) << 4 * i;
    return s;
}

explorer::states_here explorer::state()
{
    word_hash hash;
    hash.add(current_ * 2 + paused_);
    for (std::size_t i = 0; i < threads_; ++i) {
        const fibre& f = *fibres_[i];
        std::uint64_t flags = f.begun + 2U * f.done;
        if (f.done) {
            hash.add(flags);
            continue;
        }
        for (std::size_t j = 0; j < threads_; ++j)
            flags = flags << 1 | (fibres_[j]->last_run < f.last_pause ? 1U : 0U);
        hash.add(flags << 16 | f.waits_for);
        unsigned char body[sizeof f.body];
        std::memcpy(body, &f.body, sizeof body);
        hash.add(body, sizeof body);
        if (!f.begun)
            continue;
        hash.add(reinterpret_cast<const unsigned char*>(&f.place), sizeof f.place);
        const unsigned char* const bottom = run_memory::stack(i + 1) + run_memory::stack_size;
        hash.add(f.top, static_cast<std::size_t>(bottom - f.top));
    }
    for (std::size_t i = 0; i <= threads_; ++i)
        hash.add(run_memory::part(i), run_memory::used(i));
    // Where no older store may be read any more, they make no difference.
    const auto with = [&](bool older_stores) {
        word_hash all = hash;
        memory_.add_to(all, older_stores);
        return std::max<std::uint64_t>(all.value(), 1);
    };
    states_here result;
    result.newest = with(false);
    if (stale_ < most_stale())
        result.all = with(true);
    return result;
}

std::size_t explorer::choose(std::size_t options)
{
    if (options == 1)
        return 0;
    const run_memory::not_of_the_run here;
    if (depth_ == path_.size())
        path_.push_back({0, options});
    choice& c = path_[depth_++];
    c.options = options;
    return std::min(c.taken, options - 1);
}

bool explorer::next_path()
{
    path_.resize(depth_);
    for (; !path_.empty(); path_.pop_back()) {
        // Whatever follows the states after this choice has been tried.
        for (; !passed_.empty() && passed_.back().depth >= path_.size(); passed_.pop_back()) {
            const passed& last = passed_.back();
            seen_->insert(last.here.newest, last.used);
            if (last.here.all != 0)
                seen_->insert(last.here.all, last.used);
        }
        if (++path_.back().taken < path_.back().options)
            return true;
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

// Not inlined: the stack from here on is what the thread goes on with.
[[gnu::noinline]] void explorer::switch_to_scheduler()
{
    fibre& f = *fibres_[current_];
#if defined(__x86_64__)
    asm volatile("mov %%rsp, %0" : "=r"(f.top));
#elif defined(__aarch64__)
    asm volatile("mov %0, sp" : "=r"(f.top));
#else
    f.top = static_cast<unsigned char*>(__builtin_frame_address(0)) - 512;
#endif
    if (_setjmp(f.place) == 0)
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
    active->memory_.resume();
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

void explorer::give_up(const char* what)
{
    if (active == nullptr)
        return;
    active->check(false, what);
}

bool explorer::in_thread()
{
    return active != nullptr;
}

[[gnu::noinline]] void explorer::sweep()
{
    unsigned char left[1024];
    std::memset(left, 0, sizeof left);
    asm volatile("" : : "r"(left) : "memory"); // or it would be left out
}

[[gnu::noinline]] void explorer::sweep_a_little()
{
    unsigned char left[320];
    std::memset(left, 0, sizeof left);
    asm volatile("" : : "r"(left) : "memory");
}

void explorer::acquire_all()
{
    if (active != nullptr)
        active->memory_.join_all();
}

weak_memory* explorer::memory()
{
    return the_memory;
}

// Of a budget that preemptions, old stores and failed exchanges share.
bool explorer::is_left() const
{
    return threads_ <= bounds_.separate || preempted_ + stale_ + spurious_ < bounds_.preemptions;
}

unsigned explorer::most_stale() const
{
    return threads_ <= bounds_.weak_threads ? bounds_.stale : 0;
}

std::size_t explorer::older(std::size_t options)
{
    const std::size_t taken =
        active != nullptr && stale_ < most_stale() && is_left() ? choose(options) : 0;
    stale_ += taken != 0;
    return taken;
}

bool explorer::spurious()
{
    if (active == nullptr || threads_ > bounds_.weak_threads || !is_left())
        return false;
    fibre& me = *fibres_[current_];
    if (me.spurious == bounds_.spurious || choose(2) == 0)
        return false;
    ++me.spurious;
    ++spurious_;
    return true;
}

} // namespace weir::test
