#include <weir/time/waiter.hpp>

namespace weir {

template <class T>
struct waiter::inline_allocator {
    using value_type = T;

    explicit inline_allocator(waiter* w) noexcept : owner(w) {}

    template <class U>
    inline_allocator(const inline_allocator<U>& other) noexcept : owner(other.owner)
    {
    }

    T* allocate(std::size_t count)
    {
        if (count * sizeof(T) <= storage_size && alignof(T) <= alignof(std::max_align_t))
            return reinterpret_cast<T*>(owner->storage_);
        return std::allocator<T>().allocate(count);
    }

    // Told apart by size, as in `allocate`: by now the owner may be anything but itself.
    void deallocate(T* memory, std::size_t count) noexcept
    {
        if (!(count * sizeof(T) <= storage_size && alignof(T) <= alignof(std::max_align_t)))
            std::allocator<T>().deallocate(memory, count);
    }

    template <class U>
    bool operator==(const inline_allocator<U>& other) const noexcept
    {
        return owner == other.owner;
    }

    waiter* owner;
};

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

    allocator_type get_allocator() const noexcept { return allocator_type(owned); }

    void operator()() { std::exchange(owned, nullptr)->resumed(); }

    waiter* owned;
};

waiter::~waiter()
{
    if (registry_ != nullptr)
        registry_->remove(*this);
}

void waiter::wake()
{
    home_.post(resumption(this));
}

bool waiter::enlist()
{
    auto& registry = boost::asio::use_service<waiter_registry>(home_.context());
    if (!registry.add(*this))
        return false;
    registry_ = &registry;
    return true;
}

bool waiter_registry::add(waiter& w) noexcept
{
    std::lock_guard lock(mutex_);
    if (down_)
        return false;
    w.next_ = head_;
    w.previous_ = nullptr;
    if (head_ != nullptr)
        head_->previous_ = &w;
    head_ = &w;
    return true;
}

void waiter_registry::remove(waiter& w) noexcept
{
    std::lock_guard lock(mutex_);
    if (w.previous_ != nullptr)
        w.previous_->next_ = w.next_;
    else
        head_ = w.next_;
    if (w.next_ != nullptr)
        w.next_->previous_ = w.previous_;
}

void waiter_registry::shutdown()
{
    for (;;) {
        waiter* w = nullptr;
        {
            std::lock_guard lock(mutex_);
            down_ = true;
            w = head_;
            if (w == nullptr)
                return;
            head_ = w->next_;
            if (head_ != nullptr)
                head_->previous_ = nullptr;
            w->next_ = nullptr;
            w->registry_ = nullptr;
        }
        w->context_shutdown();
    }
}

} // namespace weir
