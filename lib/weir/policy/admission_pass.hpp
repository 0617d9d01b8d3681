#pragma once

#include <weir/detail/nodiscard.hpp>
#include <weir/policy/admission_limits.hpp>
#include <weir/policy/detail/admission_core.hpp>
#include <weir/policy/detail/admission_state.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace weir {

namespace detail {

template <class Key, class Hash, class Handler, class Executor>
class admission_operation;

} // namespace detail

/// What a request was given of the limits of an `admission`: given back on destruction, all but the
/// tokens.
///
/// Threads: any thread; one object by one thread at a time.
/// Lifetime: may outlive its admission.
template <class Key = std::string, class Hash = std::hash<Key>>
class WEIR_NODISCARD_HANDLE admission_pass {
public:
    /// An empty pass: holds nothing.
    admission_pass() noexcept = default;
    admission_pass(admission_pass&& other) noexcept
        : state_(std::move(other.state_)), shares_(std::exchange(other.shares_, {})),
          key_(std::exchange(other.key_, nullptr))
    {
    }
    admission_pass& operator=(admission_pass&& other) noexcept
    {
        if (this != &other) {
            release();
            state_ = std::move(other.state_);
            shares_ = std::exchange(other.shares_, {});
            key_ = std::exchange(other.key_, nullptr);
        }
        return *this;
    }
    ~admission_pass() { release(); }

    /// Gives back all it holds, now.
    void release() noexcept
    {
        if (const auto of = std::move(state_))
            of->release(std::exchange(shares_, {}), std::exchange(key_, nullptr));
    }

    /// Moves `amount` of a count into a pass of its own, to give it back early: reserve the most
    /// that the work may need, and split off what it turns out not to. Throws
    /// `std::invalid_argument` when this pass holds less, or when `amount` is 0.
    admission_pass split(admission_count which, std::size_t amount)
    {
        std::size_t& held = shares_.counts[which.place_];
        if (amount == 0 || amount > this->amount(which))
            throw std::invalid_argument("weir::admission_pass::split: the amount must be between 1 "
                                        "and what the pass holds");
        admission_pass part(state_);
        held -= amount;
        part.shares_.counts[which.place_] = amount;
        return part;
    }

    /// The same of all that it holds of its key's limit.
    admission_pass split_key() noexcept
    {
        admission_pass part(shares_.key != 0 ? state_ : nullptr);
        part.shares_.key = std::exchange(shares_.key, 0);
        part.key_ = std::exchange(key_, nullptr);
        return part;
    }

    /// Takes `amount` more of a count if that fits at once, after the claims of all that wait for
    /// it. There is no way to wait for more: work that holds something and waits can deadlock.
    /// False too when the admission is closed, for a count of another one, and for an empty pass.
    [[nodiscard]] bool try_grow(admission_count which, std::size_t amount = 1) noexcept
    {
        if (amount == 0 || !has(which) || !state_->try_grow(which.place_, amount))
            return false;
        shares_.counts[which.place_] += amount;
        return true;
    }

    /// How much of a count it holds: nothing of a count of another admission.
    std::size_t amount(admission_count which) const noexcept
    {
        return has(which) ? shares_.counts[which.place_] : 0;
    }
    /// How much of its key's limit it holds.
    std::size_t key_amount() const noexcept { return shares_.key; }
    /// Whether it is the answer to a request that was granted, even if it holds nothing any more.
    explicit operator bool() const noexcept { return state_ != nullptr; }

private:
    template <class, class, class>
    friend class basic_admission;
    template <class, class, class, class>
    friend class detail::admission_operation;
    using state = detail::admission_state<Key, Hash>;

    explicit admission_pass(std::shared_ptr<state> of) noexcept : state_(std::move(of)) {}
    admission_pass(std::shared_ptr<state> of, const detail::admission_shares& shares,
                   typename state::key_handle key) noexcept
        : state_(std::move(of)), shares_(shares), key_(key)
    {
        shares_.tokens = 0; // spent
    }

    bool has(admission_count which) const noexcept
    {
        return state_ != nullptr && state_->ids()[which.place_] == which.id_;
    }

    std::shared_ptr<state> state_;
    detail::admission_shares shares_;
    typename state::key_handle key_ = nullptr; // lives for as long as there is a share of it
};

} // namespace weir
