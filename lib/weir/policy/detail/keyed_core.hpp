#pragma once

#include <weir/detail/atomics.hpp>
#include <weir/detail/list.hpp>
#include <weir/duration.hpp>
#include <weir/policy/detail/key_table.hpp>
#include <weir/policy/detail/key_turns.hpp>
#include <weir/policy/hold_result.hpp>
#include <weir/policy/key_options.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace weir::detail {

enum class keyed_result {
    granted,
    parked,
    full,
    closed,
    too_large,
    held_too_long,
    timed_out,
    no_memory,
};

/// What a permit knows of its semaphore.
template <class Key>
class keyed_releaser {
public:
    using entry = key_entry<Key>;

    /// The core may be gone when this returns.
    virtual void release(const key_place<entry>& p, key_verdict verdict) noexcept = 0;
    /// The place stays taken, and is no probe any more.
    virtual void succeeded(key_place<entry>& p) noexcept = 0;

protected:
    ~keyed_releaser() = default;
};

/// The rule of a semaphore with a limit for each key, and perhaps a wide one for all of them.
/// Knows no executor and no handler.
///
/// Keys are spread over shards, each with a lock and a table. An entry without a line concerns
/// nothing but its shard: an acquire takes what fits, and a release gives it back. Lines belong to
/// a domain, with another lock, which comes first. Without a wide limit each shard has a domain of
/// its own. With one there is a single domain, so that the turns between keys are those of all; one
/// word holds what is in use of the wide limit, and flags, as in `semaphore_core`. While nothing
/// waits, an acquire takes from it by one compare-and-swap, under the lock of its shard. The
/// `waiting` flag sends everyone through the lock of the domain.
///
/// An entry gets and loses its line under both locks. What an entry with a line has running changes
/// under the lock of its domain; under that of its shard otherwise.
///
/// A lock is held for a bounded number of nodes. Nodes are settled outside locks, and so is the
/// alarm set.
template <class Key, class Hash, class Atomics = real_atomics>
class keyed_core : public keyed_releaser<Key> {
    template <class V>
    using atomic = typename Atomics::template atomic<V>;

public:
    using entry = key_entry<Key>;
    using turns = key_turns<entry>;
    using place = key_place<entry>;
    using result = keyed_result;

    struct node : key_node<entry> {
        node(std::uint32_t h, std::size_t weight) : key_node<entry>(weight), hash(h) {}
        /// Called once, outside locks, unless `unpark` or `give_up` returned true. The result is
        /// `granted`, `closed`, `too_large` or `held_too_long`.
        virtual void settled(result r) noexcept = 0;

        const std::uint32_t hash;
        place granted; // once it is

    protected:
        ~node() = default;

    private:
        friend class keyed_core;
        bool parked_ = false;   // in line, not in a list of results
        bool given_up_ = false; // it will not park any more
    };

    keyed_core(const key_options& options, std::optional<std::size_t> wide)
        : limit_(options.limit().count()), wide_(wide.value_or(0)), has_wide_(wide.has_value()),
          max_held_(options.max_held()), max_overridden_(options.max_overridden())
    {
        domains_.reserve(has_wide_ ? 1 : shard_count);
        for (std::size_t i = 0; i < (has_wide_ ? 1 : shard_count); ++i)
            domains_.push_back(std::make_unique<domain>(options));
    }

    /// Throws what the hash function throws.
    std::uint32_t hash_of(const Key& key) const
    {
        return static_cast<std::uint32_t>(spread(hash_(key)) >> 32);
    }

    /// The place, or why there is none. May throw when there is no memory for a key.
    std::pair<result, place> try_acquire(const Key& key, std::uint32_t hash, std::size_t weight);

    /// Grants at once when nothing is in the way; otherwise parks the node. `timed_out`: it would
    /// have to park, and was given up before. Once parked it may be gone, and so may this core.
    result park(node& n, const Key& key) noexcept;
    /// True: the node was parked, and `settled` will not be called.
    bool unpark(node& n) noexcept;
    /// As `unpark`. If it was not parked, it will not park any more either.
    bool give_up(node& n) noexcept;

    void release(const place& p, key_verdict verdict) noexcept final;
    void succeeded(place& p) noexcept final;

    // The caller keeps the core alive in all of these.
    hold_result hold(const Key& key, time_point until);
    void resume(const Key& key);
    bool override_key(const Key& key, weir::limit limit, std::size_t weight, time_point until);
    void reset_key(const Key& key);
    void resize(std::size_t limit) noexcept;
    void resize_wide(std::size_t limit) noexcept;
    void close() noexcept;

    /// Grants what may go by now. For the timer.
    void tick(time_point at) noexcept;
    /// When to call `tick`; `time_point::max()`: not until something else happens.
    time_point next_tick() const noexcept;

    /// The owner gives the core up, after `close`. It lives on until everything is released.
    static void outlive(std::shared_ptr<keyed_core> self) noexcept;

    std::size_t limit() const noexcept { return limit_.load(std::memory_order_acquire); }
    bool has_wide() const noexcept { return has_wide_; }
    std::size_t wide_limit() const noexcept { return wide_.load(std::memory_order_acquire); }
    bool is_closed() const noexcept
    {
        return (word_.load(std::memory_order_acquire) & closed) != 0;
    }
    std::size_t in_use() const noexcept;
    std::size_t in_use(const Key& key) const;
    std::size_t waiters() const noexcept;
    std::size_t waiters(const Key& key) const;
    std::size_t keys() const noexcept;
    time_point held_until(const Key& key) const;

protected:
    ~keyed_core() = default;

private:
    static constexpr std::uint64_t waiting = 1;
    static constexpr std::uint64_t closed = 2;
    static constexpr std::uint64_t one = 4; // of the wide limit, counted above the flags

    static constexpr std::size_t shard_count = 16; // a power of two

    struct alignas(64) shard {
        mutable typename Atomics::mutex mutex;
        key_table<entry> table;
        std::size_t in_use = 0;
        bool orphaned = false;
    };

    struct alignas(64) domain {
        explicit domain(const key_options& options) : lines(options) {}

        mutable typename Atomics::mutex mutex;
        turns lines;
        std::size_t held = 0; // so many of the core's are of this domain
        std::size_t overridden = 0;
        atomic<duration::rep> next_tick{time_point::max().time_since_epoch().count()};
    };

    using lock = std::unique_lock<typename Atomics::mutex>;

    // Collected under the lock, delivered outside it.
    struct results {
        using nodes = list<node>;

        nodes granted, closed, too_large, too_long;
        bool time_changed = false;
    };

    /// The present time, if it matters.
    virtual time_point now() const noexcept = 0;
    /// `next_tick` has changed.
    virtual void tick_changed() noexcept = 0;

    shard& shard_of(std::uint32_t hash) noexcept { return shards_[hash % shard_count]; }
    const shard& shard_of(std::uint32_t hash) const noexcept { return shards_[hash % shard_count]; }
    domain& domain_of(std::uint32_t hash) const noexcept
    {
        return *domains_[has_wide_ ? 0 : hash % shard_count];
    }
    static bool is_too_large(std::size_t weight, std::size_t limit) noexcept
    {
        return limit != 0 && weight > limit;
    }
    bool is_too_large_for_all(std::size_t weight) const noexcept
    {
        return has_wide_ && is_too_large(weight, wide_limit());
    }

    std::pair<result, place> try_in_shard(const Key& key, std::uint32_t hash, std::size_t weight);
    std::pair<result, place> try_in_domain(domain& d, entry& e, std::size_t weight) noexcept;
    entry& with_line(domain& d, const Key& key, std::uint32_t hash);
    template <class Do>
    void change(const Key& key, Do what);
    template <class Ask>
    auto ask(const Key& key, Ask what) const;
    void count_in(const entry& e, std::size_t weight) noexcept;
    time_point time_for(const domain& d) const noexcept;

    bool one_more(atomic<std::size_t>& of_all, std::size_t most, std::size_t& of_domain) noexcept;
    void count(atomic<std::size_t>& of_all, std::size_t& of_domain, std::size_t now_there) noexcept;
    hold_result try_hold(const Key& key, std::uint32_t hash, time_point until);
    bool try_override(const Key& key, std::uint32_t hash, weir::limit limit, std::size_t weight,
                      time_point until);
    void expire_all() noexcept;
    bool take_wide(std::size_t weight, std::uint64_t unless) noexcept;
    bool give_wide_back(std::size_t weight) noexcept;

    bool grant(domain& d, results& made) noexcept;
    void fail_too_large(domain& d, entry& e, results& made) noexcept;
    void fail_all_too_large(domain& d, std::size_t limit, results& made) noexcept;
    static node& take_out(domain& d, key_node<entry>& n) noexcept;
    void tidy(domain& d, results& made) noexcept;
    bool leave_line(node& n, bool for_good) noexcept;
    void deliver(domain& d, results& made, bool more) noexcept;
    void release_in_domain(const place& p, bool wide_given, key_verdict verdict) noexcept;
    void leave(shard& s, std::size_t weight, lock& held) noexcept;

    [[no_unique_address]] Hash hash_;
    atomic<std::uint64_t> word_{0};
    atomic<std::size_t> limit_;
    atomic<std::size_t> wide_;
    const bool has_wide_;
    const std::size_t max_held_;
    const std::size_t max_overridden_;
    atomic<std::size_t> held_{0}; // of all domains
    atomic<std::size_t> overridden_{0};
    std::array<shard, shard_count> shards_;
    std::vector<std::unique_ptr<domain>> domains_;
    atomic<std::size_t> alive_{0}; // shards with something in use, once orphaned
    std::shared_ptr<keyed_core> self_;
};

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
    if ((word & waiting) != 0 || (e != nullptr && e->line != nullptr))
        return {result::parked, {}};
    const std::size_t most = limit_.load(std::memory_order_relaxed);
    if (is_too_large(weight, most) || is_too_large_for_all(weight))
        return {result::too_large, {}};
    if (e == nullptr ? most == 0 : !turns::fits(*e, weight, most))
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
    s.in_use += weight;
    return {result::granted, place{e, weight, 0}};
}

// Under the lock of the domain, for an entry with a line.
template <class Key, class Hash, class Atomics>
auto keyed_core<Key, Hash, Atomics>::try_in_domain(domain& d, entry& e, std::size_t weight) noexcept
    -> std::pair<result, place>
{
    if (is_closed())
        return {result::closed, {}};
    if (is_too_large(weight, d.lines.limit_of(e)) || is_too_large_for_all(weight))
        return {result::too_large, {}};
    const time_point at = time_for(d);
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
    s.in_use -= weight;
    const bool last = s.orphaned && s.in_use == 0;
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
        if (s.in_use != 0)
            it.alive_.fetch_add(1);
    }
    if (it.alive_.fetch_sub(1) == 1)
        const auto gone = std::exchange(it.self_, nullptr);
}

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
    s.in_use += weight;
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
                                                  std::size_t weight, time_point until)
{
    const std::uint32_t hash = hash_of(key);
    if (try_override(key, hash, limit, weight, until))
        return true;
    expire_all();
    return try_override(key, hash, limit, weight, until);
}

template <class Key, class Hash, class Atomics>
bool keyed_core<Key, Hash, Atomics>::try_override(const Key& key, std::uint32_t hash,
                                                  weir::limit limit, std::size_t weight,
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
            d.lines.override_key(e, limit, weight, until);
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

template <class Key, class Hash, class Atomics>
std::size_t keyed_core<Key, Hash, Atomics>::in_use() const noexcept
{
    std::size_t all = 0;
    for (const shard& s : shards_) {
        const lock held(s.mutex);
        all += s.in_use;
    }
    return all;
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
