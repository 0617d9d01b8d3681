#include <weir/detail/own_timer.hpp>

#include <weir/detail/post_to.hpp>
#include <weir/detail/serial.hpp>

#include <mutex>
#include <utility>

namespace weir::detail {

own_timer::own_timer(const boost::asio::any_io_executor& executor)
    : clock_(&time_service::of(executor)), source_(clock_->source()),
      home_(beneath_strands(executor), std::shared_ptr<void>(std::shared_ptr<void>(), this),
            told_that_context_is_gone, own_any_executor::bare::is_dropped)
{
}

own_timer::~own_timer() = default;

void own_timer::look_again() noexcept
{
    const auto kept = home_.keep();
    if (!kept)
        return;
    // A simulation has one thread.
    if (!source_->is_real() || runs_here(home_.get(kept)))
        return look_here();
    const time_point at = next_due();
    {
        std::lock_guard lock(mutex_);
        if (looking_)
            again_ = true;
        if (looking_ || posted_ || (set_ ? at_ == at : at == time_point::max()))
            return;
        posted_ = true;
    }
    try {
        post_to(home_.get(kept), [self = shared_from_this()] {
            {
                std::lock_guard lock(self->mutex_);
                self->posted_ = false;
            }
            self->look_here();
        });
    } catch (...) {
        {
            std::lock_guard lock(mutex_);
            posted_ = false;
        }
        lost(current_system_error());
    }
}

// One thread at a time sets the entry, without a lock: that may call other entries, which are out
// of time. A thread that comes meanwhile leaves a note.
void own_timer::look_here() noexcept
{
    {
        std::lock_guard lock(mutex_);
        again_ = true;
        if (std::exchange(looking_, true))
            return;
    }
    const auto kept = home_.keep();
    for (;;) {
        {
            std::lock_guard lock(mutex_);
            if (!std::exchange(again_, false)) {
                looking_ = false;
                return;
            }
        }
        if (kept)
            set(next_due(), kept);
    }
}

void own_timer::set(time_point at, const context_guest::hold& kept) noexcept
{
    bool was_set = false;
    {
        std::lock_guard lock(mutex_);
        was_set = set_;
        if (was_set ? at_ == at : at == time_point::max())
            return;
    }
    if (was_set && !take_out())
        return; // it is on its way, and looks again
    if (at == time_point::max())
        return;
    {
        std::lock_guard lock(mutex_);
        set_ = true;
        at_ = at;
        self_ = shared_from_this();
    }
    try {
        if (!clock_->schedule(*this, at, home_.get(kept)))
            not_set(); // the context is going, and will say so
    } catch (...) {
        not_set();
        lost(current_system_error());
    }
}

// The caller has a share of this object.
bool own_timer::take_out() noexcept
{
    if (!clock_->cancel(*this))
        return false;
    not_set();
    return true;
}

void own_timer::not_set() noexcept
{
    std::shared_ptr<own_timer> self;
    std::lock_guard lock(mutex_);
    set_ = false;
    self = std::exchange(self_, nullptr);
}

void own_timer::expired() noexcept
{
    std::shared_ptr<own_timer> self;
    {
        std::lock_guard lock(mutex_);
        set_ = false;
        self = std::exchange(self_, nullptr);
    }
    due();
    look_here();
}

void own_timer::failed(int error) noexcept
{
    std::shared_ptr<own_timer> self;
    {
        std::lock_guard lock(mutex_);
        set_ = false;
        self = std::exchange(self_, nullptr);
    }
    lost(error);
    look_here();
}

// Where the primitive is going itself, on another thread, that one waits in the destructor of
// `home_`.
void own_timer::told_that_context_is_gone(void* going) noexcept
{
    auto& it = *static_cast<own_timer*>(going);
    if (const auto self = it.weak_from_this().lock()) {
        (void)it.take_out();
        it.context_gone();
    }
}

} // namespace weir::detail
