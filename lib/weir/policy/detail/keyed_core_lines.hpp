#pragma once

#include <weir/policy/detail/keyed_core.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

// The wide limit, the lines of keys, and who is granted next. What is decided here under locks is
// delivered outside them.
namespace weir::detail {

// Unless one of these flags is set, or it does not fit.
template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::take_wide(std::size_t weight, std::uint64_t unless) noexcept
{
    std::uint64_t word = word_.load();
    for (;;) {
        const std::size_t most = wide_.load(std::memory_order_relaxed);
        const std::uint64_t used = word / one;
        if ((word & unless) != 0 || used > most || weight > most - used)
            return false;
        if (word_.compare_exchange_weak(word, word + weight * one))
            return true;
    }
}

// Unless something waits for it.
template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::give_wide_back(std::size_t weight) noexcept
{
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while ((word & waiting) == 0)
        if (word_.compare_exchange_weak(word, word - weight * one))
            return true;
    return false;
}

// Under the lock of the domain. The line is idle until it is used.
template <class Key, class Hash, class Atomics>
auto keyed_core<Key, Hash, Atomics>::with_line(domain& d, const Key& key, std::uint32_t hash)
    -> entry&
{
    shard& s = shard_of(hash);
    const lock held(s.mutex);
    entry* const known = s.table.find(key, hash);
    entry& e = known != nullptr ? *known : s.table.insert(key, hash);
    try {
        d.lines.attach(e);
    } catch (...) {
        if (known == nullptr)
            s.table.erase(e);
        throw;
    }
    return e;
}

template <class Key, class Hash, class Atomics>
time_point keyed_core<Key, Hash, Atomics>::time_for(const domain& d) const noexcept
{
    return d.lines.held() + d.lines.overridden() == 0 ? time_point::min() : now();
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::count_in(const entry& e, std::size_t weight) noexcept
{
    shard& s = shard_of(e.hash);
    const lock held(s.mutex);
    s.in_use.add(weight);
}

template <class Key, class Hash, class Atomics>
auto keyed_core<Key, Hash, Atomics>::take_out(domain& d, key_node<entry>& n) noexcept -> node&
{
    node& parked = static_cast<node&>(n);
    d.lines.erase(parked);
    parked.parked_ = false;
    return parked;
}

// Under the lock, for a bounded number of nodes. True: more may be granted.
template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::grant(domain& d, results& made) noexcept
{
    if (d.lines.waiting() == 0 || is_closed())
        return false;
    const time_point at = time_for(d);
    for (std::size_t i = 0; i < Atomics::batch; ++i) {
        node* const n = static_cast<node*>(d.lines.next(at));
        if (n == nullptr || (has_wide_ && !take_wide(n->cost, closed)))
            return false;
        count_in(*n->entry, n->cost);
        n->granted = d.lines.take(*n);
        n->parked_ = false;
        made.granted.push_back(*n);
    }
    return true;
}

// Under the lock, last. Afterwards no line is idle.
template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::tidy(domain& d, results& made) noexcept
{
    while (auto* const n = static_cast<node*>(d.lines.next_too_large())) {
        n->parked_ = false;
        made.too_large.push_back(*n);
    }
    while (auto* const l = d.lines.idle()) {
        entry& e = *l->entry;
        shard& s = shard_of(e.hash);
        const lock held(s.mutex);
        d.lines.detach(*l);
        if (e.running == 0)
            s.table.erase(e);
    }
    if (has_wide_ && d.lines.waiting() == 0)
        word_.fetch_and(~waiting);
    count(held_, d.held, d.lines.held());
    count(overridden_, d.overridden, d.lines.overridden());
    const duration::rep again = d.lines.again().time_since_epoch().count();
    if (d.next_tick.load(std::memory_order_relaxed) != again) {
        d.next_tick.store(again);
        made.time_changed = true;
    }
}

// The nodes keep the core alive until they are settled.
template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::deliver(domain& d, results& made, bool more) noexcept
{
    while (more) {
        const lock held(d.mutex);
        more = grant(d, made);
        tidy(d, made);
    }
    if (made.time_changed)
        tick_changed();
    const auto settle = [](typename results::nodes& all, result r) {
        while (!all.empty())
            all.pop_front().settled(r);
    };
    settle(made.granted, result::granted);
    settle(made.closed, result::closed);
    settle(made.too_large, result::too_large);
    settle(made.too_long, result::held_too_long);
}

// Under the lock of the domain. What it turns out not to need is given back by `tidy`.
template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::one_more(atomic<std::size_t>& of_all, std::size_t most,
                                              std::size_t& of_domain) noexcept
{
    std::size_t there = of_all.load();
    do {
        if (there >= most)
            return false;
    } while (!of_all.compare_exchange_weak(there, there + 1));
    ++of_domain;
    return true;
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::count(atomic<std::size_t>& of_all, std::size_t& of_domain,
                                           std::size_t now_there) noexcept
{
    if (of_domain != now_there)
        of_all.fetch_add(now_there - std::exchange(of_domain, now_there)); // it may wrap around
}

} // namespace weir::detail
