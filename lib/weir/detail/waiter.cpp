#include <weir/detail/waiter.hpp>

#include <weir/detail/service_cache.hpp>
#include <weir/detail/time_service.hpp>

#include <boost/asio/post.hpp>

#include <mutex>

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
        return count * sizeof(T) <= post_storage::size && alignof(T) <= alignof(std::max_align_t);
    }

    T* allocate(std::size_t count)
    {
        return fits(count) ? reinterpret_cast<T*>(storage->bytes)
                           : std::allocator<T>().allocate(count);
    }

    // Told apart by size, as in `allocate`: by now the owner may be anything but itself.
    void deallocate(T* memory, std::size_t count) noexcept
    {
        if (!fits(count))
            std::allocator<T>().deallocate(memory, count);
    }

    template <class U>
    bool operator==(const inline_allocator<U>& other) const noexcept
    {
        return storage == other.storage;
    }

    post_storage* storage;
};

} // namespace

// The posted function. Owns the waiter until it runs.
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

    void operator()() { std::exchange(owned, nullptr)->resumed(); }

    waiter* owned;
};

waiter::~waiter()
{
    if (auto* registry = registry_.load(std::memory_order_relaxed))
        registry->remove(*this);
}

void waiter::wake()
{
    auto* registry = registry_.load(std::memory_order_relaxed);
    if (registry == nullptr || !registry->resume_later(*this))
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

waiter_registry::~waiter_registry()
{
    service_cache<waiter_registry>::forget();
}

void waiter_registry::list::add(waiter& w)
{
    if (const auto* io = w.home_.io())
        if (io_waiters++ == 0)
            work.emplace(*io);
    w.next_ = head;
    w.previous_ = nullptr;
    if (head != nullptr)
        head->previous_ = &w;
    head = &w;
}

void waiter_registry::list::remove(waiter& w) noexcept
{
    (w.previous_ != nullptr ? w.previous_->next_ : head) = w.next_;
    if (w.next_ != nullptr)
        w.next_->previous_ = w.previous_;
    w.next_ = nullptr;
    if (w.home_.io() != nullptr && --io_waiters == 0)
        work.reset();
}

bool waiter_registry::on_own_thread() const noexcept
{
    auto* context = one_thread_.load(std::memory_order_relaxed);
    return context != nullptr && context->get_executor().running_in_this_thread();
}

bool waiter_registry::add(waiter& w)
{
    if (on_own_thread()) {
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

void only_one_thread(boost::asio::io_context& context)
{
    boost::asio::use_service<waiter_registry>(context).only_one_thread(context);
}

// Resumes all; what a handler throws passes through, and leaves the rest in line.
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
    {
        std::lock_guard lock(mutex_);
        if (down_)
            return false;
        w.next_woken_ = nullptr;
        (first_woken_ != nullptr ? last_woken_->next_woken_ : first_woken_) = &w;
        last_woken_ = &w;
        if (std::exchange(resuming_, true))
            return true;
    }
    post_resume_all();
    return true;
}

void waiter_registry::post_resume_all()
{
    boost::asio::post(one_thread_.load()->get_executor(), resume_all{this});
}

// A handful of waiters on their way; what is left when this goes is put back, in front of those who
// came meanwhile.
class waiter_registry::resuming {
public:
    explicit resuming(waiter_registry& registry) : registry_(registry) {}

    ~resuming()
    {
        {
            std::lock_guard lock(registry_.mutex_);
            if (first_ != nullptr) {
                waiter* last = first_;
                while (last->next_woken_ != nullptr)
                    last = last->next_woken_;
                last->next_woken_ = registry_.first_woken_;
                if (registry_.first_woken_ == nullptr)
                    registry_.last_woken_ = last;
                registry_.first_woken_ = first_;
            }
            registry_.resuming_ = registry_.first_woken_ != nullptr;
            if (!registry_.resuming_)
                return;
        }
        registry_.post_resume_all();
    }

    bool take() noexcept
    {
        std::lock_guard lock(registry_.mutex_);
        first_ = std::exchange(registry_.first_woken_, nullptr);
        return first_ != nullptr;
    }

    bool resume_next()
    {
        waiter* w = first_;
        if (w == nullptr)
            return false;
        first_ = w->next_woken_;
        w->resumed();
        return true;
    }

private:
    waiter_registry& registry_;
    waiter* first_ = nullptr;
};

// First those who wait now: as many handlers as there would be anyhow before the context looks for
// I/O again. Those who come meanwhile have one turn together.
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

// No thread runs the context any more. Whoever is told may end others that wait, and wake others,
// who cannot be resumed here: their wake-up is posted, and destroyed with the context.
void waiter_registry::shutdown()
{
    {
        std::lock_guard lock(mutex_);
        down_ = true;
    }
    shut_down(own_);
    shut_down(others_);
    while (waiter* w = first_woken_) { // nobody comes in any more
        first_woken_ = w->next_woken_;
        w->dropped();
    }
}

void waiter_registry::shut_down(list& waiters) noexcept
{
    for (;;) {
        waiter* w = nullptr;
        {
            std::lock_guard lock(mutex_);
            w = waiters.head;
            if (w == nullptr)
                return;
            waiters.remove(*w);
            w->registry_.store(nullptr, std::memory_order_relaxed);
        }
        w->context_shutdown();
    }
}

} // namespace weir::detail
