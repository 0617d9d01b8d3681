#pragma once

#include <weir/detail/list.hpp>
#include <weir/policy/detail/breaker_cell.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>

namespace weir::detail {

/// The breakers of many keys: a pure rule. Only keys in trouble are kept: those with a bad call in
/// their window, and those that are not closed.
///
/// Threads: none of its own.
template <class Key, class Hash = std::hash<Key>>
class breaker_table {
public:
    explicit breaker_table(const breaker_options& options) : options_(options) {}
    breaker_table(const breaker_table&) = delete;
    breaker_table& operator=(const breaker_table&) = delete;

    /// Empty when the call is refused.
    std::optional<breaker_ticket> enter(const Key& key, time_point now)
    {
        forget_idle(now);
        const auto it = keys_.find(key);
        if (it == keys_.end())
            return breaker_ticket{now, 0};
        const auto ticket = it->second.cell.enter(now, options_, numbers_);
        used(it->second, now);
        refused_ += ticket ? 0 : 1;
        return ticket;
    }

    /// May throw when there is no memory for a key that is new in trouble; nothing is counted then.
    void left(const Key& key, const breaker_ticket& ticket, breaker_result result, time_point now)
    {
        forget_idle(now);
        auto it = keys_.find(key);
        if (it == keys_.end()) {
            // The result of a probe is none of a key that has been forgotten.
            const bool bad =
                result == breaker_result::failed ||
                (result == breaker_result::succeeded && is_slow(ticket, now, options_));
            if (!bad || ticket.probe != 0)
                return;
            it = add(key, now);
        }
        it->second.cell.left(ticket, result, now, options_);
        if (it->second.cell.is_clean())
            forget(it->second);
        else
            used(it->second, now);
    }

    /// As it would be for a call made now.
    breaker_state state(const Key& key, time_point now) const
    {
        const auto it = keys_.find(key);
        if (it == keys_.end())
            return breaker_state::closed;
        const breaker_cell& cell = it->second.cell;
        return cell.state() == breaker_state::open && now >= cell.until() ? breaker_state::half_open
                                                                          : cell.state();
    }

    /// Until when calls are refused; empty when a call made now would be let through.
    std::optional<time_point> refuses_until(const Key& key, time_point now) const
    {
        const auto it = keys_.find(key);
        if (it == keys_.end() || !it->second.cell.refuses(now, options_))
            return std::nullopt;
        return it->second.cell.until();
    }

    std::size_t keys() const noexcept { return keys_.size(); }
    std::size_t broken() const noexcept { return broken_.size(); }
    std::size_t refusing(time_point now) const noexcept
    {
        std::size_t count = 0;
        broken_.for_each([&](const entry& e) { count += e.cell.refuses(now, options_) ? 1 : 0; });
        return count;
    }
    std::uint64_t evicted_open() const noexcept { return evicted_open_; }
    std::uint64_t refused() const noexcept { return refused_; }

private:
    struct entry : list_node<> {
        breaker_cell cell;
        time_point last_use;
        const Key* key = nullptr;
        bool is_broken = false; // which of the lists it is in
    };
    using table = std::unordered_map<Key, entry, Hash>;

    typename table::iterator add(const Key& key, time_point now)
    {
        if (keys_.size() >= options_.max_keys())
            evict();
        const auto it = keys_.try_emplace(key).first;
        entry& e = it->second;
        e.key = &it->first;
        e.last_use = now;
        closed_.push_front(e);
        return it;
    }

    // To the front of the list that it belongs to now.
    void used(entry& e, time_point now) noexcept
    {
        (e.is_broken ? broken_ : closed_).erase(e);
        e.is_broken = e.cell.state() != breaker_state::closed;
        (e.is_broken ? broken_ : closed_).push_front(e);
        e.last_use = std::max(e.last_use, now);
    }

    void forget(entry& e) noexcept
    {
        (e.is_broken ? broken_ : closed_).erase(e);
        keys_.erase(keys_.find(*e.key));
    }

    // Two of each kind a call: more than one comes with it, so the idle ones go.
    void forget_idle(time_point now) noexcept
    {
        const auto idle = [&](const entry& e) {
            const time_point since =
                e.is_broken ? std::max(e.last_use, e.cell.until()) : e.last_use;
            return now >= saturating_add(since, options_.forget_after());
        };
        for (auto* kind : {&closed_, &broken_})
            for (int n = 0; n < 2 && !kind->empty() && idle(kind->back()); ++n)
                forget(kind->back());
    }

    // A closed one that was used longest ago; only if all are broken, one of them.
    void evict() noexcept
    {
        if (closed_.empty())
            ++evicted_open_;
        forget(closed_.empty() ? broken_.back() : closed_.back());
    }

    const breaker_options options_;
    table keys_;
    list<entry> closed_; // the last used first
    list<entry> broken_;
    std::uint64_t numbers_ = 0;
    std::uint64_t evicted_open_ = 0;
    std::uint64_t refused_ = 0;
};

} // namespace weir::detail
