#pragma once

#include <weir/detail/nodiscard.hpp>
#include <weir/sync/detail/semaphore_core.hpp>

#include <cstddef>
#include <stdexcept>
#include <utility>

namespace weir {

template <class Executor>
class basic_semaphore;

namespace detail {

template <class Handler, class Executor>
class acquire_operation;

} // namespace detail

/// A share of a semaphore's limit, released on destruction.
///
/// Threads: any thread; one object by one thread at a time.
/// Lifetime: may outlive its semaphore.
class WEIR_NODISCARD_HANDLE permit {
public:
    /// An empty permit: holds nothing.
    permit() noexcept = default;
    permit(permit&& other) noexcept : core_(other.core_), weight_(std::exchange(other.weight_, 0))
    {
    }
    permit& operator=(permit&& other) noexcept
    {
        if (this != &other) {
            release();
            core_ = other.core_;
            weight_ = std::exchange(other.weight_, 0);
        }
        return *this;
    }
    ~permit() { release(); }

    /// Gives back all it holds, now.
    void release() noexcept
    {
        if (weight_ != 0)
            core_->release(std::exchange(weight_, 0));
    }

    /// Moves `weight` of what this permit holds into a permit of its own. Throws
    /// `std::invalid_argument` when it holds less, or when `weight` is 0.
    permit split(std::size_t weight)
    {
        if (weight == 0 || weight > weight_)
            throw std::invalid_argument(
                "weir::permit::split: the weight must be between 1 and what the "
                "permit holds");
        weight_ -= weight;
        return permit(*core_, weight);
    }

    std::size_t weight() const noexcept { return weight_; }
    explicit operator bool() const noexcept { return weight_ != 0; }

private:
    template <class>
    friend class basic_semaphore;
    template <class, class>
    friend class detail::acquire_operation;
    using core = detail::semaphore_core<>;

    permit(core& c, std::size_t weight) noexcept : core_(&c), weight_(weight) {}

    core* core_ = nullptr; // lives for as long as there is a weight
    std::size_t weight_ = 0;
};

} // namespace weir
