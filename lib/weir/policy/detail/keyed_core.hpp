#pragma once

#include <weir/detail/atomics.hpp>
#include <weir/detail/list.hpp>
#include <weir/duration.hpp>
#include <weir/policy/detail/key_table.hpp>
#include <weir/policy/detail/key_turns.hpp>
#include <weir/policy/hold_result.hpp>
#include <weir/policy/key_options.hpp>

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
/// A lock is held for a bounded number of nodes, except where a limit is lowered, or the override
/// of a key begins or ends: those that wait for that key, or all when the limit is that of all, are
/// looked at in one go. Nodes are settled outside locks, and so is the alarm set.
template <class Key, class Hash, class Atomics = real_atomics>
class keyed_core : public keyed_releaser<Key> {
    template <class V>
    using atomic = typename Atomics::template atomic<V>;

public:
    using entry = key_entry<Key>;
    using turns_of_keys = key_turns<entry>;
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
    bool override_key(const Key& key, weir::limit limit, std::size_t turns, time_point until);
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

    static constexpr std::size_t shard_count = 16;  // a power of two
    static constexpr unsigned acquires_a_look = 64; // for what has come to its time

    struct alignas(64) shard {
        // In this order they fill two cache lines, and not three.
        mutable typename Atomics::mutex mutex;
        bool orphaned = false;
        unsigned acquires = 0; // it wraps around
        key_table<entry> table;
        cost_sum in_use;
    };

    struct alignas(64) domain {
        explicit domain(const key_options& options) : lines(options, key_above_limit::ends) {}

        mutable typename Atomics::mutex mutex;
        turns_of_keys lines;
        std::size_t held = 0; // how many of those of the core are of this domain
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

    bool should_look(shard& s) noexcept;
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
    bool try_override(const Key& key, std::uint32_t hash, weir::limit limit, std::size_t turns,
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

} // namespace weir::detail

#include <weir/policy/detail/keyed_core_control.hpp>
#include <weir/policy/detail/keyed_core_counts.hpp>
#include <weir/policy/detail/keyed_core_lines.hpp>
#include <weir/policy/detail/keyed_core_waiting.hpp>
