#pragma once

#include <weir/detail/nodiscard.hpp>
#include <weir/policy/detail/keyed_core.hpp>

#include <cstddef>
#include <utility>

namespace weir {

template <class Key, class Hash, class Executor>
class basic_keyed_semaphore;

namespace detail {

template <class Key, class Hash, class Handler, class Executor>
class keyed_acquire_operation;

} // namespace detail

/// A share of what a `keyed_semaphore` lets one key have, released on destruction. That says that
/// the work succeeded, even when an exception destroys it (a `breaker::pass` says nothing then):
/// after a hold, call `failed` for work that did not. `succeeded` keeps the share, and `failed`
/// gives it back (both end a `breaker::pass`).
///
/// Threads: any thread; one object by one thread at a time.
/// Lifetime: may outlive its semaphore.
template <class Key>
class WEIR_NODISCARD_HANDLE keyed_permit {
public:
    /// An empty permit: holds nothing.
    keyed_permit() noexcept = default;
    keyed_permit(keyed_permit&& other) noexcept
        : core_(other.core_), at_(std::exchange(other.at_, {}))
    {
    }
    keyed_permit& operator=(keyed_permit&& other) noexcept
    {
        if (this != &other) {
            release();
            core_ = other.core_;
            at_ = std::exchange(other.at_, {});
        }
        return *this;
    }
    ~keyed_permit() { release(); }

    /// Gives back all it holds, now. After a hold that means success: if this is the probe, the
    /// waiters behind it go on, unless its key was held again in the meantime.
    void release() noexcept { end(detail::key_verdict::succeeded); }

    /// The work has succeeded, though it goes on: if this is the probe, the waiters behind it need
    /// not wait for its end. For an answer that is good, with a body that takes long.
    void succeeded() noexcept
    {
        if (at_.probe != 0)
            core_->succeeded(at_);
    }

    /// As `release`, for work that did not succeed: if this is the probe, the next waiter goes
    /// alone as this one did.
    void failed() noexcept { end(detail::key_verdict::unknown); }

    /// Whether it goes alone, because its key was held before.
    bool is_probe() const noexcept { return at_.probe != 0; }

    std::size_t weight() const noexcept { return at_.cost; }
    /// Precondition: it holds something.
    const Key& key() const noexcept { return at_.entry->key; }
    explicit operator bool() const noexcept { return at_.entry != nullptr; }

private:
    template <class, class, class>
    friend class basic_keyed_semaphore;
    template <class, class, class, class>
    friend class detail::keyed_acquire_operation;

    using place = detail::key_place<detail::key_entry<Key>>;

    keyed_permit(detail::keyed_releaser<Key>& core, const place& at) noexcept
        : core_(&core), at_(at)
    {
    }

    void end(detail::key_verdict verdict) noexcept
    {
        if (at_.entry != nullptr)
            core_->release(std::exchange(at_, {}), verdict);
    }

    detail::keyed_releaser<Key>* core_ = nullptr; // lives for as long as there is a place
    place at_;
};

} // namespace weir
