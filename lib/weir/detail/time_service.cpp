#include <weir/detail/time_service.hpp>

#include <weir/detail/hooked_executor.hpp>
#include <weir/detail/own_strand.hpp>
#include <weir/detail/post_to.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

namespace weir::detail {
namespace {

namespace asio = boost::asio;

constexpr std::size_t arity = 4;

/// The executor directly beneath, where it is a strand over `Inner`; otherwise an empty one.
template <class Inner>
asio::any_io_executor beneath(const asio::any_io_executor& executor)
{
    if (auto* strand = executor.target<asio::strand<Inner>>())
        return strand->get_inner_executor();
    return {};
}

class real_clock final : public clock_source {
public:
    time_point now() const noexcept override { return std::chrono::steady_clock::now(); }
    bool is_real() const noexcept override { return true; }

    time_point rough_now() const noexcept override
    {
#if defined(CLOCK_MONOTONIC_COARSE)
        timespec at{};
        if (::clock_gettime(CLOCK_MONOTONIC_COARSE, &at) == 0) // the epoch of steady_clock
            return time_point(std::chrono::seconds(at.tv_sec) +
                              std::chrono::nanoseconds(at.tv_nsec));
#endif
        return now();
    }

    void wake_at(time_service& service, time_point at, const asio::any_io_executor& home) override
    {
        if (!timer_)
            timer_.emplace(home);
        timer_->expires_at(at);
        timer_->async_wait([&service](const boost::system::error_code& error) {
            if (error != asio::error::operation_aborted)
                service.fire();
        });
    }

    void sleep(time_service&) noexcept override
    {
        if (timer_)
            timer_->cancel();
    }

    void shutdown(time_service&) noexcept override
    {
        timer_.reset();
    }

private:
    std::optional<asio::steady_timer> timer_;
};

} // namespace

asio::any_io_executor beneath_strands(asio::any_io_executor executor)
{
    for (;;) {
        asio::any_io_executor inner = beneath<asio::io_context::executor_type>(executor);
        if (!inner)
            inner = beneath<asio::thread_pool::executor_type>(executor);
        if (!inner)
            inner = beneath<asio::any_io_executor>(executor);
        if (!inner)
            if (auto* own = executor.target<own_strand>())
                inner = own->get_inner_executor().inner();
        if (!inner)
            if (auto* hooked = executor.target<hooked_executor>())
                inner = hooked->inner();
        if (!inner)
            return asio::prefer(executor, asio::execution::outstanding_work.untracked);
        executor = std::move(inner);
    }
}

int current_system_error() noexcept
{
    try {
        throw;
    } catch (const boost::system::system_error& e) {
        if (e.code().category() == asio::error::get_system_category() && e.code())
            return e.code().value();
    } catch (const std::system_error& e) {
        if (e.code().category() == std::system_category() && e.code())
            return e.code().value();
    } catch (...) {
    }
    return ENOMEM;
}

time_service::time_service(asio::execution_context& context)
    : time_service(context, std::make_shared<real_clock>())
{
}

time_service::time_service(asio::execution_context& context, std::shared_ptr<clock_source> source)
    : service(context), source_(std::move(source))
{
}

time_service::~time_service()
{
    service_cache<time_service>::forget();
}

bool time_service::schedule(timer_entry& entry, time_point at, const asio::any_io_executor& home)
{
    std::unique_lock lock(mutex_);
    if (down_)
        return false;
    if (!home_)
        home_ = beneath_strands(home);
    heap_.push_back({at, &entry});
    entry.place_ = heap_.size() - 1;
    sift_up(entry.place_);
    // An entry later than the armed time costs nothing: it is found when the timer fires.
    if (!armed_ || at < armed_at_) {
        try {
            arm(heap_.front().at); // while `fire` is under way, one there may be earlier
        } catch (...) {
            remove(entry.place_);
            arm_or_fail(lock); // for those that were there
            throw;
        }
    }
    return true;
}

bool time_service::cancel(timer_entry& entry) noexcept
{
    std::lock_guard lock(mutex_);
    if (entry.place_ == timer_entry::unscheduled)
        return false;
    remove(entry.place_);
    if (heap_.empty() && armed_ && !settling_ && !down_)
        settle_soon();
    return true;
}

void time_service::fire() noexcept
{
    std::unique_lock lock(mutex_);
    armed_ = false;
    const time_point at = source_->now();
    while (!down_ && !heap_.empty() && heap_.front().at <= at) {
        timer_entry* due = heap_.front().entry;
        remove(0);
        lock.unlock();
        due->expired();
        lock.lock();
    }
    arm_or_fail(lock);
    // This may have been a wake-up that came too late to be taken back, and the clock be set anew.
    if (heap_.empty() && !armed_ && !down_)
        source_->sleep(*this);
}

void time_service::arm(time_point at)
{
    armed_ = false;
    source_->wake_at(*this, at, home_);
    armed_ = true;
    armed_at_ = at;
}

// Without a wake-up, what waits would wait forever, in silence: it ends with the error.
void time_service::arm_or_fail(std::unique_lock<std::mutex>& lock) noexcept
{
    int error = 0;
    while (!down_ && !heap_.empty() && !armed_) {
        try {
            if (error == 0)
                arm(heap_.front().at);
        } catch (...) {
            error = current_system_error();
        }
        if (error == 0)
            continue;
        timer_entry* const lost = heap_.front().entry;
        remove(0);
        lock.unlock();
        lost->failed(error);
        lock.lock();
    }
}

// An armed timer keeps `io_context::run` from returning, so an empty queue must disarm it. That is
// done in a posted handler: where timeouts come and go with every job, the next one arrives before
// that handler runs, and arming again would cost a system call each time.
void time_service::settle_soon() noexcept
{
    try {
        post_to(home_, [this] { settle(); });
        settling_ = true;
    } catch (...) {
        // No memory for the handler: the timer stays armed, and `run` returns when it fires.
    }
}

void time_service::settle() noexcept
{
    std::lock_guard lock(mutex_);
    settling_ = false;
    if (heap_.empty() && armed_ && !down_) {
        source_->sleep(*this);
        armed_ = false;
    }
}

void time_service::shutdown()
{
    std::lock_guard lock(mutex_);
    // The context drops the owners of the entries in the heap, and they take their entries out.
    down_ = true;
    source_->shutdown(*this);
    home_ = nullptr;
}

void time_service::place(std::size_t index, slot value) noexcept
{
    heap_[index] = value;
    value.entry->place_ = index;
}

void time_service::sift_up(std::size_t index) noexcept
{
    const slot moving = heap_[index];
    while (index > 0) {
        const std::size_t parent = (index - 1) / arity;
        if (heap_[parent].at <= moving.at)
            break;
        place(index, heap_[parent]);
        index = parent;
    }
    place(index, moving);
}

void time_service::sift_down(std::size_t index) noexcept
{
    const slot moving = heap_[index];
    for (;;) {
        const std::size_t first = index * arity + 1;
        if (first >= heap_.size())
            break;
        const std::size_t last = std::min(first + arity, heap_.size());
        std::size_t least = first;
        for (std::size_t child = first + 1; child < last; ++child)
            if (heap_[child].at < heap_[least].at)
                least = child;
        if (moving.at <= heap_[least].at)
            break;
        place(index, heap_[least]);
        index = least;
    }
    place(index, moving);
}

void time_service::remove(std::size_t index) noexcept
{
    heap_[index].entry->place_ = timer_entry::unscheduled;
    const slot last = heap_.back();
    heap_.pop_back();
    if (index == heap_.size())
        return;
    place(index, last);
    sift_up(index);
    sift_down(last.entry->place_);
}

} // namespace weir::detail
