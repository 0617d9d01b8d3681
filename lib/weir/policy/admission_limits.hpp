#pragma once

#include <weir/detail/gcra.hpp>
#include <weir/policy/detail/admission_core.hpp>
#include <weir/rate.hpp>
#include <weir/sync/limit.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weir {
namespace detail {

/// Of the counts of an admission, or of a request; 0 for none.
using count_ids = std::array<std::uint64_t, most_counts>;

inline std::uint64_t next_count_id() noexcept
{
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

} // namespace detail

template <class Key, class Hash, class Executor>
class basic_admission;
template <class Key, class Hash>
class admission_pass;

/// One of the counts of an `admission`, such as its places or its bytes. `admission_limits::count`
/// makes it.
class admission_count {
public:
    friend constexpr bool operator==(admission_count, admission_count) noexcept = default;

private:
    friend class admission_limits;
    template <class>
    friend class admission_request;
    template <class, class>
    friend class admission_pass;
    template <class, class, class>
    friend class basic_admission;

    constexpr admission_count(std::size_t place, std::uint64_t id) noexcept : place_(place), id_(id)
    {
    }

    std::size_t place_;
    std::uint64_t id_; // no other count has it
};

/// The limits that one `admission` owns: up to 4 counts, a limit for each key, and a rate. All of
/// them are optional.
class admission_limits {
public:
    admission_limits() {}

    /// Another count, such as of places or bytes. Requests name it by what this returns. Throws
    /// `std::invalid_argument` for a fifth.
    admission_count count(limit most)
    {
        if (counts_.size() == detail::most_counts)
            throw std::invalid_argument("weir::admission_limits: an admission has up to 4 counts");
        const std::size_t place = counts_.size();
        counts_.push_back(most.count());
        ids_[place] = detail::next_count_id();
        return admission_count(place, ids_[place]);
    }

    /// How much requests of the same key may hold together, each key for itself.
    admission_limits& per_key(limit most) noexcept
    {
        per_key_ = most;
        return *this;
    }

    /// How many tokens requests may take. Throws `std::invalid_argument` when `burst` is 0.
    admission_limits& rate(weir::rate each, std::size_t burst)
    {
        rate_.emplace(each, burst);
        return *this;
    }

private:
    template <class, class, class>
    friend class basic_admission;

    std::vector<std::size_t> counts_;
    detail::count_ids ids_{};
    std::optional<limit> per_key_;
    std::optional<detail::gcra_rule> rate_;
};

/// What a piece of work needs before it may start: its share of each limit.
template <class Key = std::string>
class admission_request {
public:
    admission_request() {}

    /// `amount` of a count: 1 place, or 5,000 bytes. Taking of the same count again adds to it.
    /// Throws `std::invalid_argument` when `amount` is 0, and for counts of two admissions.
    admission_request& take(admission_count which, std::size_t amount = 1)
    {
        std::uint64_t& id = ids_[which.place_];
        if (id != 0 && id != which.id_)
            throw std::invalid_argument("weir::admission_request: counts of two admissions");
        add(shares_.counts[which.place_], amount);
        id = which.id_;
        return *this;
    }

    /// `amount` of what this key may hold. Throws `std::invalid_argument` when `amount` is 0.
    admission_request& key(Key of, std::size_t amount = 1)
    {
        std::size_t share = 0;
        add(share, amount);
        shares_.key = 0; // should the move throw
        key_.emplace(std::move(of));
        shares_.key = share;
        return *this;
    }

    /// `amount` tokens of the rate, which do not come back. Throws `std::invalid_argument` when
    /// `amount` is 0.
    admission_request& tokens(std::size_t amount = 1)
    {
        add(shares_.tokens, amount);
        return *this;
    }

private:
    template <class, class, class>
    friend class basic_admission;

    static void add(std::size_t& to, std::size_t amount)
    {
        if (amount == 0)
            throw std::invalid_argument("weir::admission_request: an amount must be at least 1");
        to = detail::saturating_sum(to, amount);
    }

    detail::admission_shares shares_;
    detail::count_ids ids_{};
    std::optional<Key> key_;
};

} // namespace weir
