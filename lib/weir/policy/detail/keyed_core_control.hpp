#pragma once

#include <weir/policy/detail/keyed_core.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

// Holds, overrides, new limits, the end, and the timer.
namespace weir::detail {

// So that what is over takes no place from others.
template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::expire_all() noexcept
{
    const time_point at = now();
    for (auto& each : domains_) {
        domain& d = *each;
        results made;
        for (bool more = true; more;) {
            const lock held(d.mutex);
            more = d.lines.expire(at);
            more = grant(d, made) || more;
            tidy(d, made);
        }
        deliver(d, made, false);
    }
}

template <class Key, class Hash, class Atomics>
hold_result keyed_core<Key, Hash, Atomics>::hold(const Key& key, time_point until)
{
    const std::uint32_t hash = hash_of(key);
    const hold_result how = try_hold(key, hash, until);
    if (how != hold_result::refused)
        return how;
    expire_all();
    return try_hold(key, hash, until);
}

template <class Key, class Hash, class Atomics>
hold_result keyed_core<Key, Hash, Atomics>::try_hold(const Key& key, std::uint32_t hash,
                                                     time_point until)
{
    domain& d = domain_of(hash);
    results made;
    hold_result how = hold_result::held;
    for (bool more = true; more;) {
        const lock held(d.mutex);
        entry& e = with_line(d, key, hash);
        const time_point at = now();
        if (until > at && !d.lines.is_held(e) && !one_more(held_, max_held_, d.held)) {
            how = hold_result::refused;
        } else {
            d.lines.reserve();
            d.lines.hold(e, until, at);
            if (d.lines.is_too_long(d.lines.held_until(e), at))
                how = hold_result::too_long;
        }
        auto& in_line = e.line->waiting;
        if (how == hold_result::too_long)
            for (std::size_t i = 0; i < Atomics::batch && !in_line.empty(); ++i)
                made.too_long.push_back(take_out(d, in_line.front()));
        more = how == hold_result::too_long && !in_line.empty();
        more = grant(d, made) || more;
        tidy(d, made);
    }
    deliver(d, made, false);
    return how;
}

// Under the lock, for a key that is known.
template <class Key, class Hash, class Atomics>
template <class Do>
void keyed_core<Key, Hash, Atomics>::change(const Key& key, Do what)
{
    const std::uint32_t hash = hash_of(key);
    domain& d = domain_of(hash);
    results made;
    bool more = false;
    {
        const lock held(d.mutex);
        entry* e = nullptr;
        {
            shard& s = shard_of(hash);
            const lock in_shard(s.mutex);
            e = s.table.find(key, hash);
            if (e == nullptr || e->line == nullptr)
                return; // without a line, the next release may destroy it
        }
        what(d, *e, made);
        more = grant(d, made);
        tidy(d, made);
    }
    deliver(d, made, more);
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::resume(const Key& key)
{
    change(key, [](domain& d, entry& e, results&) { d.lines.resume(e); });
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::reset_key(const Key& key)
{
    change(key, [this](domain& d, entry& e, results& made) {
        d.lines.reset_key(e);
        fail_too_large(d, e, made);
    });
}

template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::override_key(const Key& key, weir::limit limit,
                                                  std::size_t turns, time_point until)
{
    const std::uint32_t hash = hash_of(key);
    if (try_override(key, hash, limit, turns, until))
        return true;
    expire_all();
    return try_override(key, hash, limit, turns, until);
}

template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::try_override(const Key& key, std::uint32_t hash,
                                                  weir::limit limit, std::size_t turns,
                                                  time_point until)
{
    domain& d = domain_of(hash);
    results made;
    bool more = false;
    bool done = false;
    {
        const lock held(d.mutex);
        entry& e = with_line(d, key, hash);
        done = d.lines.is_overridden(e) || one_more(overridden_, max_overridden_, d.overridden);
        if (done) {
            d.lines.reserve();
            d.lines.override_key(e, limit, turns, until);
            d.lines.expire(e, now()); // perhaps it is over already
            fail_too_large(d, e, made);
        }
        more = grant(d, made);
        tidy(d, made);
    }
    deliver(d, made, more);
    return done;
}

// Under the lock.
template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::fail_too_large(domain& d, entry& e, results& made) noexcept
{
    e.line->waiting.for_each([&](key_node<entry>& n) {
        if (is_too_large(n.cost, d.lines.limit_of(e)) || is_too_large_for_all(n.cost))
            made.too_large.push_back(take_out(d, n));
    });
}

// Under the lock. It walks along all that wait in this domain, but hardly ever: only when a limit
// was lowered below what something there may ask for.
template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::fail_all_too_large(domain& d, std::size_t limit,
                                                        results& made) noexcept
{
    if (is_too_large(d.lines.most_expensive(), limit))
        d.lines.for_each_waiting([&](entry& e) { fail_too_large(d, e, made); });
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::resize(std::size_t limit) noexcept
{
    limit_.store(limit);
    for (auto& each : domains_) {
        domain& d = *each;
        results made;
        {
            const lock held(d.mutex);
            const std::size_t now_set = limit_.load(); // perhaps by another thread: the last counts
            d.lines.set_limit(now_set);
            fail_all_too_large(d, now_set, made);
            tidy(d, made);
        }
        for (bool more = true; more;) {
            const lock held(d.mutex);
            more = d.lines.recheck(Atomics::batch);
            more = grant(d, made) || more;
            tidy(d, made);
        }
        deliver(d, made, false);
    }
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::resize_wide(std::size_t limit) noexcept
{
    domain& d = *domains_.front();
    results made;
    bool more = false;
    {
        const lock held(d.mutex);
        wide_.store(limit);
        fail_all_too_large(d, limit, made);
        more = grant(d, made);
        tidy(d, made);
    }
    deliver(d, made, more);
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::close() noexcept
{
    word_.fetch_or(closed);
    for (auto& each : domains_) {
        domain& d = *each;
        results made;
        for (bool more = true; more;) {
            const lock held(d.mutex);
            for (std::size_t i = 0; i < Atomics::batch; ++i)
                if (auto* const n = d.lines.any())
                    made.closed.push_back(take_out(d, *n));
            more = d.lines.waiting() != 0;
            tidy(d, made);
        }
        deliver(d, made, false);
    }
}

template <class Key, class Hash, class Atomics>
void keyed_core<Key, Hash, Atomics>::tick(time_point at) noexcept
{
    for (auto& each : domains_) {
        domain& d = *each;
        if (time_point(duration(d.next_tick.load())) > at)
            continue;
        results made;
        bool more = false;
        {
            const lock held(d.mutex);
            d.lines.expire(at);
            more = grant(d, made);
            tidy(d, made);
        }
        deliver(d, made, more);
    }
}

template <class Key, class Hash, class Atomics>
time_point keyed_core<Key, Hash, Atomics>::next_tick() const noexcept
{
    duration::rep first = time_point::max().time_since_epoch().count();
    for (const auto& each : domains_)
        first = std::min(first, each->next_tick.load());
    return time_point(duration(first));
}

} // namespace weir::detail
