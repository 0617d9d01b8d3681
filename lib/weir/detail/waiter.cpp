#include <weir/detail/waiter.hpp>

#include <weir/detail/own_executor.hpp>
#include <weir/detail/service_cache.hpp>
#include <weir/detail/time_service.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/strand.hpp>

#include <mutex>
#include <thread>
#include <utility>

namespace weir::detail {

namespace {

template <class T>
struct inline_allocator {
    using value_type = T;

    explicit inline_allocator(post_storage& s) noexcept : storage(&s) {}

    template <class U>
    inline_allocator(const inline_allocator<U>& other) noexcept : storage(other.storage)
    {
    }

    static constexpr bool fits(std::size_t count) noexcept
    {
        return count * sizeof(T) <= post_storage::size && alignof(T) <= post_storage::alignment;
    }

    // What a strand allocates besides, for the function it posts beneath, does not fit: it holds
    // the strand, too.
    T* allocate(std::size_t count)
    {
        return fits(count) ? reinterpret_cast<T*>(storage->bytes)
                           : boost::asio::recycling_allocator<T>().allocate(count);
    }

    // The size alone decides, as in `allocate`: by now the owner may be gone.
    void deallocate(T* memory, std::size_t count) noexcept
    {
        if (!fits(count))
            boost::asio::recycling_allocator<T>().deallocate(memory, count);
    }

    template <class U>
    bool operator==(const inline_allocator<U>& other) const noexcept
    {
        return storage == other.storage;
    }

    post_storage* storage;
};

} // namespace

// The posted handler. It owns the waiter until it runs.
struct waiter::resumption {
    using allocator_type = inline_allocator<void>;

    explicit resumption(waiter* w) noexcept : owned(w) {}
    resumption(resumption&& other) noexcept : owned(std::exchange(other.owned, nullptr)) {}
    resumption& operator=(resumption&&) = delete;

    ~resumption()
    {
        if (owned != nullptr)
            owned->dropped();
    }

    allocator_type get_allocator() const noexcept { return allocator_type(owned->storage_); }

    void operator()()
    {
        owned->posted_.store(false, std::memory_order_relaxed);
        std::exchange(owned, nullptr)->resumed();
    }

    waiter* owned;
};

waiter::~waiter()
{
    if (request_ != nullptr)
        request_->forget();
    if (auto* registry = registry_.load(std::memory_order_relaxed))
        registry->remove(*this);
}

void waiter::listen(boost::asio::cancellation_slot slot)
{
    listen_to(slot);
}

// Another thread may be destroying the waiter's context. It waits then until the wake-up has been
// posted, and so destroys it with the context's queue.
class waiter_registry::posting {
public:
    explicit posting(waiter_registry& registry) noexcept : registry_(registry)
    {
        registry_.posting_.fetch_add(1, std::memory_order_relaxed);
    }
    posting(const posting&) = delete;
    posting& operator=(const posting&) = delete;
    ~posting() { registry_.posting_.fetch_sub(1, std::memory_order_release); }

private:
    waiter_registry& registry_;
};

void waiter::wake()
{
    auto* registry = registry_.load(std::memory_order_relaxed);
    if (registry == nullptr)
        return home_.post(resumption(this));
    if (home_.io() != nullptr && registry->resume_later(*this))
        return;
    const waiter_registry::posting here(*registry);
    posted_.store(true, std::memory_order_release);
    home_.post(resumption(this));
}

bool waiter::enlist()
{
    auto& registry = service_cache<waiter_registry>::of(home_.context());
    if (!registry.add(*this))
        return false;
    registry_.store(&registry, std::memory_order_relaxed);
    return true;
}

namespace {

/// Enough of an executor to make a strand of its context.
struct any_of_context {
    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept
    {
        return *context;
    }
    template <class Function>
    void execute(Function&& function) const
    {
        std::forward<Function>(function)();
    }
    bool operator==(const any_of_context&) const = default;

    boost::asio::execution_context* context;
};

} // namespace

// Services are shut down newest first. Strands must be after the registry, whose `shutdown` waits
// for wake-ups that are being posted to them: so their service is there before it.
waiter_registry::waiter_registry(boost::asio::execution_context& context) : service(context)
{
    [[maybe_unused]] const boost::asio::strand<any_of_context> strands(any_of_context{&context});
}

waiter_registry::~waiter_registry()
{
    service_cache<waiter_registry>::forget();
}

void waiter_registry::group::add(waiter& w)
{
    if (w.home_.is_on_io() && io_waiters++ == 0)
        work.emplace(w.home_.beneath());
    waiters.push_front(w);
}

void waiter_registry::group::remove(waiter& w) noexcept
{
    waiters.erase(w);
    if (w.home_.is_on_io() && --io_waiters == 0)
        work.reset();
}

void waiter_registry::group::take_over(group& other) noexcept
{
    if (io_waiters == 0 && other.io_waiters != 0)
        work.emplace(other.work->get_executor());
    io_waiters += std::exchange(other.io_waiters, 0);
    other.work.reset();
    while (!other.waiters.empty()) {
        waiter& w = other.waiters.pop_back();
        w.on_own_thread_ = false;
        waiters.push_front(w);
    }
}

bool waiter_registry::on_own_thread() const noexcept
{
    auto* context = one_thread_.load(std::memory_order_relaxed);
    return context != nullptr && context->get_executor().running_in_this_thread();
}

// A custom executor may run, and end, its waiters elsewhere.
bool waiter_registry::add(waiter& w)
{
    if (w.home_.is_on_io() && on_own_thread()) {
        w.on_own_thread_ = true;
        own_.add(w);
        return true;
    }
    std::lock_guard lock(mutex_);
    if (!down_)
        others_.add(w);
    return !down_;
}

void waiter_registry::remove(waiter& w) noexcept
{
    if (w.on_own_thread_)
        return own_.remove(w);
    std::lock_guard lock(mutex_);
    others_.remove(w);
}

namespace {

// An address that is this thread's own.
const void* this_thread_mark() noexcept
{
    static thread_local const char mark = 0;
    return &mark;
}

// Of the guests of all contexts: a guest may leave while its context, and with it the registry,
// ends on another thread.
constinit std::mutex guests_mutex;

} // namespace

bool waiter_registry::add(context_guest& guest) noexcept
{
    std::lock_guard lock(guests_mutex);
    if (guests_are_gone_)
        return false;
    guests_.push_front(guest);
    guest.registry_ = this;
    return true;
}

// Waits while another thread tells the guest that its context is gone. One that leaves by itself
// drops what it has of the context while the context waits.
void waiter_registry::remove(context_guest& guest) noexcept
{
    for (;; std::this_thread::yield()) {
        std::unique_lock lock(guests_mutex);
        waiter_registry* const its = guest.registry_;
        if (its == nullptr)
            return;
        if (its->told_ != &guest) {
            its->guests_.erase(guest);
            const posting here(*its);
            lock.unlock();
            return guest.drop();
        }
        if (its->teller_ == this_thread_mark()) {
            its->told_ = nullptr; // what it was told made it go
            return;
        }
    }
}

// What is in line stays there: whichever thread resumes it has it for itself.
void waiter_registry::any_threads() noexcept
{
    std::lock_guard lock(mutex_);
    one_thread_ = nullptr;
    others_.take_over(own_);
}

void only_one_thread(boost::asio::io_context& context)
{
    boost::asio::use_service<waiter_registry>(context).only_one_thread(context);
}

void any_threads(boost::asio::io_context& context) noexcept
{
    boost::asio::use_service<waiter_registry>(context).any_threads();
}

// Resumes all. What a handler throws passes through, and leaves the rest in line.
struct waiter_registry::resume_all {
    using allocator_type = inline_allocator<void>;

    allocator_type get_allocator() const noexcept { return allocator_type(registry->storage_); }
    void operator()() const { registry->resume_woken(); }

    waiter_registry* registry;
};

bool waiter_registry::resume_later(waiter& w)
{
    if (one_thread_.load(std::memory_order_relaxed) == nullptr)
        return false;
    std::optional<posting> here;
    {
        std::lock_guard lock(mutex_);
        if (down_)
            return false;
        w.posted_.store(true, std::memory_order_release);
        woken_.push_back(w);
        if (std::exchange(resuming_, true))
            return true; // the common case: two atomic steps less
        here.emplace(*this);
    }
    post_resume_all();
    return true;
}

void waiter_registry::post_resume_all()
{
    auto& io = static_cast<boost::asio::io_context&>(context());
    boost::asio::post(io.get_executor(), resume_all{this});
}

// Some of the woken waiters, taken out of the line. What is left of them when this object goes is
// put back, in front of those that arrived meanwhile.
class waiter_registry::resuming {
public:
    explicit resuming(waiter_registry& registry) : registry_(registry) {}

    ~resuming()
    {
        {
            std::lock_guard lock(registry_.mutex_);
            registry_.woken_.prepend(std::move(taken_));
            registry_.resuming_ = !registry_.woken_.empty();
            if (!registry_.resuming_)
                return;
        }
        registry_.post_resume_all();
    }

    /// Precondition: none are left.
    bool take() noexcept
    {
        std::lock_guard lock(registry_.mutex_);
        taken_ = std::move(registry_.woken_);
        return !taken_.empty();
    }

    bool resume_next()
    {
        if (taken_.empty())
            return false;
        waiter& w = taken_.pop_front();
        w.posted_.store(false, std::memory_order_relaxed);
        w.resumed();
        return true;
    }

private:
    waiter_registry& registry_;
    chain<waiter> taken_;
};

// First those that wait now: they are as many handlers as the context would run anyway before it
// looks for I/O again. Those that arrive meanwhile share one turn.
void waiter_registry::resume_woken()
{
    resuming line(*this);
    line.take();
    while (line.resume_next()) {
    }
    if (!line.take())
        return;
    const time_service& clock = service_cache<time_service>::of(context());
    own_turn_.begin(clock);
    do {
        while (line.resume_next())
            if (own_turn_.is_over(clock))
                return;
    } while (line.take());
}

// No thread runs the context any more, but others may wake its waiters. A waiter that ends here may
// end other waiters, and wake some that cannot be resumed here: their wake-ups are posted, and
// destroyed with the context.
void waiter_registry::shutdown()
{
    {
        std::lock_guard lock(mutex_);
        down_ = true;
    }
    shut_down(own_);
    shut_down(others_);
    while (posting_.load(std::memory_order_acquire) != 0)
        std::this_thread::yield();
    while (!woken_.empty()) // no more arrive
        woken_.pop_front().dropped();
    shut_down_guests();
    while (posting_.load(std::memory_order_acquire) != 0) // guests that leave by themselves
        std::this_thread::yield();
}

// Here, and not in the destructor: all services of the context are still there, and a strand needs
// its own.
void waiter_registry::shut_down_guests() noexcept
{
    for (;;) {
        context_guest* guest = nullptr;
        {
            std::lock_guard lock(guests_mutex);
            guests_are_gone_ = true;
            if (guests_.empty())
                return;
            guest = &guests_.pop_front();
            told_ = guest;
            teller_ = this_thread_mark();
        }
        guest->context_gone();
        std::lock_guard lock(guests_mutex);
        if (std::exchange(told_, nullptr) == guest) // it is still there
            guest->registry_ = nullptr;
    }
}

void waiter_registry::shut_down(group& waiting) noexcept
{
    for (;;) {
        waiter* w = nullptr;
        {
            std::lock_guard lock(mutex_);
            if (waiting.waiters.empty())
                return;
            w = &waiting.waiters.front();
        }
        // One that was just being started may have parked since.
        w->context_shutdown();
        while (is_to_be_posted(waiting, *w)) {
            std::this_thread::yield();
            w->context_shutdown();
        }
    }
}

// Takes a waiter that still lives out of the group, once its wake-up has been posted.
bool waiter_registry::is_to_be_posted(group& waiting, waiter& w) noexcept
{
    std::lock_guard lock(mutex_);
    if (waiting.waiters.empty() || &waiting.waiters.front() != &w)
        return false;
    if (!w.posted_.load(std::memory_order_acquire))
        return true;
    waiting.remove(w);
    w.registry_.store(nullptr, std::memory_order_relaxed);
    return false;
}

} // namespace weir::detail
