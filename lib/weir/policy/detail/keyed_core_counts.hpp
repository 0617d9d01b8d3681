#pragma once

#include <weir/policy/detail/keyed_core.hpp>

#include <cstddef>
#include <cstdint>

// What is in use, and what waits.
namespace weir::detail {

template <class Key, class Hash, class Atomics>
std::size_t keyed_core<Key, Hash, Atomics>::in_use() const noexcept
{
    cost_sum all;
    for (const shard& s : shards_) {
        const lock held(s.mutex);
        all.add(s.in_use);
    }
    return all.count();
}

template <class Key, class Hash, class Atomics>
std::size_t keyed_core<Key, Hash, Atomics>::keys() const noexcept
{
    std::size_t all = 0;
    for (const shard& s : shards_) {
        const lock held(s.mutex);
        all += s.table.size();
    }
    return all;
}

template <class Key, class Hash, class Atomics>
std::size_t keyed_core<Key, Hash, Atomics>::waiters() const noexcept
{
    std::size_t all = 0;
    for (const auto& each : domains_) {
        const lock held(each->mutex);
        all += each->lines.waiting();
    }
    return all;
}

template <class Key, class Hash, class Atomics>
template <class Ask>
auto keyed_core<Key, Hash, Atomics>::ask(const Key& key, Ask what) const
{
    const std::uint32_t hash = hash_of(key);
    const domain& d = domain_of(hash);
    const lock held(d.mutex);
    const shard& s = shard_of(hash);
    const lock in_shard(s.mutex);
    return what(d, s.table.find(key, hash));
}

template <class Key, class Hash, class Atomics>
std::size_t keyed_core<Key, Hash, Atomics>::in_use(const Key& key) const
{
    return ask(key, [](const domain&, const entry* e) { return e != nullptr ? e->running : 0; });
}

template <class Key, class Hash, class Atomics>
std::size_t keyed_core<Key, Hash, Atomics>::waiters(const Key& key) const
{
    return ask(key, [](const domain&, const entry* e) {
        return e != nullptr && e->line != nullptr ? e->line->waiting.size() : 0;
    });
}

template <class Key, class Hash, class Atomics>
time_point keyed_core<Key, Hash, Atomics>::held_until(const Key& key) const
{
    return ask(key, [](const domain& d, const entry* e) {
        return e != nullptr ? d.lines.held_until(*e) : time_point::min();
    });
}

} // namespace weir::detail
