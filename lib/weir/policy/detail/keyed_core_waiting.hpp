#pragma once

#include <weir/policy/detail/keyed_core.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

// How a permit is had, waited for and given back.
namespace weir::detail {

// Under the lock of the shard. So that holds and overrides that are over are forgotten, though only
// other keys are asked for: the domain forgets as many in one step as come here in between.
template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::should_look(shard& s) noexcept
{
    return ++s.acquires % acquires_a_look == 0 &&
           (held_.load(std::memory_order_relaxed) != 0 ||
            overridden_.load(std::memory_order_relaxed) != 0);
}

// Where nothing is special about the key, and nothing waits. `parked` stands for: ask the domain.
template <class Key, class Hash, class Atomics>
auto keyed_core<Key, Hash, Atomics>::try_in_shard(const Key& key, std::uint32_t hash,
                                                  std::size_t weight) -> std::pair<result, place>
{
    shard& s = shard_of(hash);
    const lock held(s.mutex);
    const std::uint64_t word = word_.load(std::memory_order_acquire);
    if ((word & closed) != 0)
        return {result::closed, {}};
    entry* e = s.table.find(key, hash);
    if ((word & waiting) != 0 || (e != nullptr && e->line != nullptr) || should_look(s))
        return {result::parked, {}};
    const std::size_t most = limit_.load(std::memory_order_relaxed);
    if (is_too_large(weight, most) || is_too_large_for_all(weight))
        return {result::too_large, {}};
    if (e == nullptr ? most == 0 : !turns_of_keys::fits(*e, weight, most))
        return {result::full, {}};
    const bool is_new = e == nullptr;
    if (is_new)
        e = &s.table.insert(key, hash);
    if (has_wide_ && !take_wide(weight, waiting | closed)) {
        if (is_new)
            s.table.erase(*e);
        return {(word_.load() & (waiting | closed)) != 0 ? result::parked : result::full, {}};
    }
    e->running += weight;
    s.in_use.add(weight);
    return {result::granted, place{e, weight, 0}};
}

// Under the lock of the domain, for an entry with a line.
template <class Key, class Hash, class Atomics>
auto keyed_core<Key, Hash, Atomics>::try_in_domain(domain& d, entry& e, std::size_t weight) noexcept
    -> std::pair<result, place>
{
    if (is_closed())
        return {result::closed, {}};
    const time_point at = time_for(d);
    d.lines.expire(e, at); // an override that is over decides nothing any more
    if (is_too_large(weight, d.lines.limit_of(e)) || is_too_large_for_all(weight))
        return {result::too_large, {}};
    if (d.lines.is_too_long(d.lines.held_until(e), at))
        return {result::held_too_long, {}};
    if (!d.lines.may_enter(e, weight, at))
        return {result::full, {}};
    // One that could go but for the wide limit comes first.
    if (has_wide_ && (d.lines.next(at) != nullptr || !take_wide(weight, closed)))
        return {result::full, {}};
    count_in(e, weight);
    return {result::granted, d.lines.enter(e, weight)};
}

template <class Key, class Hash, class Atomics>
auto keyed_core<Key, Hash, Atomics>::try_acquire(const Key& key, std::uint32_t hash,
                                                 std::size_t weight) -> std::pair<result, place>
{
    auto got = try_in_shard(key, hash, weight);
    if (got.first != result::parked)
        return got;
    domain& d = domain_of(hash);
    results made;
    bool more = false;
    {
        const lock held(d.mutex);
        got = try_in_domain(d, with_line(d, key, hash), weight);
        more = grant(d, made); // what has come to its time was seen here, and not by the timer
        tidy(d, made);
    }
    deliver(d, made, more);
    return got;
}

template <class Key, class Hash, class Atomics>
auto keyed_core<Key, Hash, Atomics>::park(node& n, const Key& key) noexcept -> result
{
    domain& d = domain_of(n.hash);
    results made;
    bool more = false;
    std::pair<result, place> got;
    try {
        got = try_in_shard(key, n.hash, n.cost);
        if (got.first == result::parked || got.first == result::full) {
            const lock held(d.mutex);
            if (has_wide_)
                word_.fetch_or(waiting);
            try {
                entry& e = with_line(d, key, n.hash);
                got = try_in_domain(d, e, n.cost);
                if (got.first == result::full && n.given_up_) {
                    got.first = result::timed_out;
                } else if (got.first == result::full) {
                    got.first = result::parked;
                    n.parked_ = true;
                    d.lines.push(e, n);
                }
            } catch (...) {
                got.first = result::no_memory; // a key that throws something else as it is copied
            }
            more = grant(d, made); // as in `try_acquire`; perhaps to this node
            tidy(d, made);
        }
    } catch (...) {
        got.first = result::no_memory;
    }
    if (got.first == result::granted)
        n.granted = got.second;
    deliver(d, made, more);
    return got.first;
}

template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::unpark(node& n) noexcept
{
    return leave_line(n, false);
}

template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::give_up(node& n) noexcept
{
    return leave_line(n, true);
}

template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::leave_line(node& n, bool for_good) noexcept
{
    domain& d = domain_of(n.hash);
    results made;
    bool more = false;
    {
        const lock held(d.mutex);
        if (!n.parked_) {
            n.given_up_ = n.given_up_ || for_good;
            return false;
        }
        take_out(d, n);
        more = grant(d, made); // it may have been what held others back
        tidy(d, made);
    }
    deliver(d, made, more);
    return true;
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::release(const place& p, key_verdict verdict) noexcept
{
    const bool wide_given = !has_wide_ || give_wide_back(p.cost);
    if (wide_given) {
        entry& e = *p.entry;
        shard& s = shard_of(e.hash);
        lock held(s.mutex);
        if (e.line == nullptr) {
            e.running -= p.cost;
            if (e.running == 0)
                s.table.erase(e);
            return leave(s, p.cost, held);
        }
    }
    release_in_domain(p, wide_given, verdict);
}

// What is in use is counted down at the very end: until then it keeps the core alive.
template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::release_in_domain(const place& p, bool wide_given,
                                                       key_verdict verdict) noexcept
{
    const std::uint32_t hash = p.entry->hash;
    domain& d = domain_of(hash);
    shard& s = shard_of(hash);
    results made;
    bool more = false;
    {
        const lock held(d.mutex);
        if (!wide_given)
            word_.fetch_sub(p.cost * one);
        if (p.entry->line != nullptr) {
            d.lines.done(p, verdict);
        } else {
            const lock in_shard(s.mutex);
            p.entry->running -= p.cost;
            if (p.entry->running == 0)
                s.table.erase(*p.entry);
        }
        more = grant(d, made);
        tidy(d, made);
    }
    deliver(d, made, more);
    lock held(s.mutex);
    leave(s, p.cost, held);
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::succeeded(place& p) noexcept
{
    domain& d = domain_of(p.entry->hash);
    results made;
    bool more = false;
    {
        const lock held(d.mutex);
        d.lines.succeeded(p);
        more = grant(d, made);
        tidy(d, made);
    }
    deliver(d, made, more);
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::leave(shard& s, std::size_t weight, lock& held) noexcept
{
    s.in_use.subtract(weight);
    const bool last = s.orphaned && s.in_use.empty();
    held.unlock();
    if (last && alive_.fetch_sub(1) == 1)
        const auto gone = std::exchange(self_, nullptr);
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::outlive(std::shared_ptr<keyed_core> self) noexcept
{
    keyed_core& it = *self;
    it.self_ = std::move(self);
    it.alive_.store(1);
    for (shard& s : it.shards_) {
        const lock held(s.mutex);
        s.orphaned = true;
        if (!s.in_use.empty())
            it.alive_.fetch_add(1);
    }
    if (it.alive_.fetch_sub(1) == 1)
        const auto gone = std::exchange(it.self_, nullptr);
}

} // namespace weir::detail
