#pragma once

#include <weir/duration.hpp>
#include <weir/policy/detail/key_table.hpp>
#include <weir/policy/detail/key_turns.hpp>
#include <weir/policy/detail/slabs.hpp>
#include <weir/policy/hold_result.hpp>
#include <weir/policy/key_options.hpp>
#include <weir/sync/limit.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

namespace weir {

/// Keeps a slow key from taking the places of the others: of each key only `limit` runs at a time,
/// and the keys take turns. An item comes out only when its key has room, so it never takes up a
/// wider limit while it waits for a narrow one.
///
/// Shape: `push` an item, `pop` the next one that may start, and hand its place to `done` when it
///        has ended. `pop` that has no item returns when to ask again. What waits is a plain item:
///        no coroutine, timer or connection need exist for it.
/// Units: the limit is that of `key_options`: a sum of costs, where an item costs 1 unless it is
///        pushed with another number. One that costs more than the limit of its key runs while
///        nothing else of the key does.
/// Errors: what allocates may throw `std::bad_alloc`, and what copies a key or hashes it whatever
///         that throws. Nothing has changed then.
/// Threads: none of its own. A pure rule, used from one executor; it is given the time.
/// Lifetime: places are not used after the schedule is destroyed.
/// Fairness: first in, first out within a key. Between keys, turns by deficit round robin: two keys
///           that always have something to start get shares that differ by no more than one quantum
///           of each, where a quantum is the largest cost that waits, rounded up to a power of two,
///           times the turns of the key. A key that comes back stands at the end. What waits
///           counts whether its key could go or not: one large item of a key that is held makes the
///           turns of all others as large.
/// Memory: at most 64 bytes for a key of 8 bytes that has something running, some 160 more while
///         its items wait or while it is held or overridden, and 40 beside each item that waits.
///         Nothing for a key without any of these. Blocks that become empty are freed; the last of
///         each kind stays.
/// Source: deficit round robin (Shreedhar and Varghese, Efficient Fair Queueing Using Deficit Round
///         Robin, 1996), with the quantum above, so that a turn always lets something out.
template <class Key, class Item, class Hash = std::hash<Key>>
class schedule {
    using entry = detail::key_entry<Key>;
    struct node;

public:
    /// What an item runs on, from `pop` to `done`.
    class place {
    public:
        place() noexcept = default;
        place(place&& other) noexcept : at_(std::exchange(other.at_, {})) {}
        place& operator=(place&& other) noexcept
        {
            at_ = std::exchange(other.at_, {});
            return *this;
        }

        explicit operator bool() const noexcept { return at_.entry != nullptr; }
        /// Precondition: it is not empty, and neither is that of `cost` and `is_probe`.
        const Key& key() const noexcept { return at_.entry->key; }
        std::size_t cost() const noexcept { return at_.cost; }
        /// Whether it goes alone, after a hold: see `hold`.
        bool is_probe() const noexcept { return at_.probe != 0; }

    private:
        friend class schedule;

        explicit place(detail::key_place<entry> at) noexcept : at_(at) {}

        detail::key_place<entry> at_;
    };

    /// An item that waits: for taking it out before its turn. Valid until it has come out.
    class waiting {
    public:
        waiting() noexcept = default;

    private:
        friend class schedule;

        explicit waiting(node& n) noexcept : node_(&n) {}

        node* node_ = nullptr;
    };

    /// An item and its place, or the next instant worth asking.
    struct popped {
        std::optional<Item> item;
        schedule::place place;
        /// Without an item: when to call `pop` again, if nothing is pushed, done, resumed or
        /// changed before. `time_point::max()`: not before that.
        time_point again = time_point::max();

        explicit operator bool() const noexcept { return item.has_value(); }
    };

    explicit schedule(key_options options) : turns_(options) {}
    /// Throws `std::invalid_argument` for `paused`: nothing would ever come out.
    explicit schedule(weir::limit limit) : schedule(key_options(limit)) {}
    schedule(const schedule&) = delete;
    schedule& operator=(const schedule&) = delete;
    ~schedule();

    /// Puts an item behind its key's other items. Throws `std::invalid_argument` when `cost` is 0.
    waiting push(const Key& key, Item item, std::size_t cost = 1);
    /// Puts an item before its key's other items: for one that has run already and must go on.
    waiting push_front(const Key& key, Item item, std::size_t cost = 1);

    /// The next item that may start. It counts as running until `done`.
    popped pop(time_point now);
    /// The next item of this key, if it may start, out of its turn and at no cost to it: for a key
    /// that is cheaper to serve now than later. Turns are fair only if that is done a limited
    /// number of times between two calls of the other `pop`. `again` is not set.
    popped pop(const Key& key, time_point now);
    /// Whether `pop` would return an item.
    bool ready(time_point now) noexcept;

    /// Says that what had this place has ended, and empties it. Does nothing when it is empty.
    void done(place& p) noexcept { end(p, detail::key_verdict::succeeded); }
    /// As `done`, for an item that did not succeed, or of which nothing is known. It matters after
    /// a hold only.
    void failed(place& p) noexcept { end(p, detail::key_verdict::unknown); }

    /// Lets no item of this key out until then: its server asked for a pause. What is running goes
    /// on. A hold is never shortened: the later of two counts. After it, one item goes first, the
    /// probe; the others come out when it is `done`. When it `failed`, the next one is the probe,
    /// and a new `hold` in the meantime keeps all of them in. `time_point::max()` holds until
    /// `resume`.
    ///
    /// `too_long`: it is held, but for longer than `max_hold` from now. The caller should `take`
    /// its items and fail them rather than have them hang. `refused`: it is not held, because
    /// `max_held` others are, or are remembered. An instant in the past does nothing, and is
    /// `held`.
    ///
    /// That the key was held is remembered for another `max_hold` after its end, or until a probe
    /// has succeeded: those that were refused tend to come back at the same moment.
    hold_result hold(const Key& key, time_point until, time_point now);
    /// Ends a hold, and what follows it. Nothing happens when there was none.
    void resume(const Key& key);
    /// When the hold of a key ends; an instant in the past when it is not held.
    time_point held_until(const Key& key) const;

    duration max_hold() const noexcept { return turns_.max_hold(); }

    /// Gives one key another limit, and `turns` instead of one in a round, until then. False when
    /// `max_overridden` other keys are overridden, counting those whose end no `pop` has seen:
    /// nothing has changed. `paused` lets nothing out.
    /// Throws `std::invalid_argument` when `turns` is 0.
    [[nodiscard]] bool override_key(const Key& key, weir::limit limit, std::size_t turns = 1,
                                    time_point until = time_point::max());
    /// Ends an override. Nothing happens when there was none.
    void reset_key(const Key& key);

    /// Changes the limit of all keys that are not overridden. Lowering it revokes nothing.
    void resize(weir::limit limit) noexcept;

    /// Takes out the first item of a key, whether or not it may start, and without counting it as
    /// running.
    std::optional<Item> take(const Key& key);
    /// The same for one that `push` put in. Precondition: it has not come out.
    std::optional<Item> take(const waiting& item) { return take(item.node_); }
    /// The same, of any key: to empty the schedule at the end.
    std::optional<Item> take_any();

    /// How many items have not come out.
    std::size_t queued() const noexcept { return turns_.waiting(); }
    std::size_t queued(const Key& key) const;
    /// The costs of those that have come out and not ended.
    std::size_t running() const noexcept { return running_.count(); }
    std::size_t running(const Key& key) const;
    /// How many keys have items queued or running, or are held or overridden.
    std::size_t keys() const noexcept { return table_.size(); }
    /// How many are held, or are remembered as such.
    std::size_t held() const noexcept { return turns_.held(); }
    std::size_t overridden() const noexcept { return turns_.overridden(); }
    /// What keeps items from coming out. Takes time in proportion to the keys that it keeps.
    detail::key_obstacles obstacles(time_point now) const noexcept { return turns_.obstacles(now); }
    weir::limit limit() const noexcept { return weir::limit::of_count(turns_.limit()); }

private:
    struct node final : detail::key_node<entry> {
        node(Item&& i, std::size_t c) : detail::key_node<entry>(c), item(std::move(i)) {}

        Item item;
        std::uint32_t block = 0;
    };

    class with_line;

    std::uint32_t hash_of(const Key& key) const;
    entry* find(const Key& key) const { return table_.find(key, hash_of(key)); }
    node& make_node(Item&& item, std::size_t cost);
    std::optional<Item> take(node* n);
    void let_out(popped& result, node* n, detail::key_place<entry> at) noexcept;
    void end(place& p, detail::key_verdict verdict) noexcept;
    void forget_idle() noexcept;

    [[no_unique_address]] Hash hash_;
    detail::cost_sum running_;
    detail::key_table<entry> table_;
    detail::key_turns<entry> turns_;
    detail::slabs<node> nodes_;
};

/// The entry of a key, and its line, made if need be. What is not used is forgotten again.
template <class Key, class Item, class Hash>
class schedule<Key, Item, Hash>::with_line {
public:
    with_line(schedule& owner, const Key& key) : owner_(owner)
    {
        const std::uint32_t hash = owner.hash_of(key);
        entry* found = owner.table_.find(key, hash);
        const bool is_new = found == nullptr;
        if (is_new)
            found = &owner.table_.insert(key, hash);
        try {
            owner.turns_.attach(*found);
        } catch (...) {
            if (is_new)
                owner.table_.erase(*found);
            throw;
        }
        entry_ = found;
    }
    with_line(const with_line&) = delete;
    with_line& operator=(const with_line&) = delete;
    ~with_line() { owner_.forget_idle(); }

    entry& operator*() const noexcept { return *entry_; }

private:
    schedule& owner_;
    entry* entry_ = nullptr;
};

template <class Key, class Item, class Hash>
schedule<Key, Item, Hash>::~schedule()
{
    while (auto* n = turns_.any()) {
        turns_.erase(*n);
        nodes_.destroy(static_cast<node*>(n));
    }
}

template <class Key, class Item, class Hash>
std::uint32_t schedule<Key, Item, Hash>::hash_of(const Key& key) const
{
    return static_cast<std::uint32_t>(detail::spread(hash_(key)) >> 32);
}

template <class Key, class Item, class Hash>
auto schedule<Key, Item, Hash>::make_node(Item&& item, std::size_t cost) -> node&
{
    if (cost == 0)
        throw std::invalid_argument("weir::schedule: the cost must be at least 1");
    return *nodes_.make(std::move(item), cost);
}

template <class Key, class Item, class Hash>
auto schedule<Key, Item, Hash>::push(const Key& key, Item item, std::size_t cost) -> waiting
{
    const with_line at(*this, key);
    node& n = make_node(std::move(item), cost);
    turns_.push(*at, n);
    return waiting(n);
}

template <class Key, class Item, class Hash>
auto schedule<Key, Item, Hash>::push_front(const Key& key, Item item, std::size_t cost) -> waiting
{
    const with_line at(*this, key);
    node& n = make_node(std::move(item), cost);
    turns_.push_front(*at, n);
    return waiting(n);
}

template <class Key, class Item, class Hash>
auto schedule<Key, Item, Hash>::pop(time_point now) -> popped
{
    popped result;
    auto* const next = static_cast<node*>(turns_.next(now));
    if (next == nullptr) {
        forget_idle();
        result.again = turns_.again();
        return result;
    }
    result.item.emplace(std::move(next->item)); // it may throw
    let_out(result, next, turns_.take(*next));
    return result;
}

template <class Key, class Item, class Hash>
auto schedule<Key, Item, Hash>::pop(const Key& key, time_point now) -> popped
{
    popped result;
    entry* const known = find(key);
    auto* const next = known == nullptr ? nullptr : static_cast<node*>(turns_.next_of(*known, now));
    if (next == nullptr) {
        forget_idle();
        return result;
    }
    result.item.emplace(std::move(next->item)); // it may throw
    let_out(result, next, turns_.take_early(*next));
    return result;
}

template <class Key, class Item, class Hash>
void schedule<Key, Item, Hash>::let_out(popped& result, node* n,
                                        detail::key_place<entry> at) noexcept
{
    result.place = place(at);
    running_.add(at.cost);
    nodes_.destroy(n);
    forget_idle();
}

template <class Key, class Item, class Hash>
bool schedule<Key, Item, Hash>::ready(time_point now) noexcept
{
    const bool any = turns_.next(now) != nullptr;
    forget_idle();
    return any;
}

template <class Key, class Item, class Hash>
void schedule<Key, Item, Hash>::end(place& p, detail::key_verdict verdict) noexcept
{
    if (!p)
        return;
    const auto at = std::exchange(p.at_, {});
    running_.subtract(at.cost);
    turns_.done(at, verdict);
    if (at.entry->line == nullptr && at.entry->running == 0)
        table_.erase(*at.entry);
    forget_idle();
}

template <class Key, class Item, class Hash>
hold_result schedule<Key, Item, Hash>::hold(const Key& key, time_point until, time_point now)
{
    const with_line at(*this, key);
    if (until > now && !turns_.can_hold(*at, now))
        return hold_result::refused;
    turns_.reserve();
    turns_.hold(*at, until, now);
    return turns_.is_too_long(turns_.held_until(*at), now) ? hold_result::too_long
                                                           : hold_result::held;
}

template <class Key, class Item, class Hash>
void schedule<Key, Item, Hash>::resume(const Key& key)
{
    entry* const known = find(key);
    if (known == nullptr || known->line == nullptr)
        return;
    turns_.resume(*known);
    forget_idle();
}

template <class Key, class Item, class Hash>
time_point schedule<Key, Item, Hash>::held_until(const Key& key) const
{
    const entry* const known = find(key);
    return known == nullptr ? time_point::min() : turns_.held_until(*known);
}

template <class Key, class Item, class Hash>
bool schedule<Key, Item, Hash>::override_key(const Key& key, weir::limit limit, std::size_t turns,
                                             time_point until)
{
    if (turns == 0)
        throw std::invalid_argument("weir::schedule: a key has at least one turn");
    const with_line at(*this, key);
    if (!turns_.can_override(*at))
        return false;
    turns_.reserve();
    turns_.override_key(*at, limit, turns, until);
    return true;
}

template <class Key, class Item, class Hash>
void schedule<Key, Item, Hash>::reset_key(const Key& key)
{
    entry* const known = find(key);
    if (known == nullptr || known->line == nullptr)
        return;
    turns_.reset_key(*known);
    forget_idle();
}

template <class Key, class Item, class Hash>
void schedule<Key, Item, Hash>::resize(weir::limit limit) noexcept
{
    turns_.set_limit(limit.count());
    while (turns_.recheck(queued())) {
    }
}

template <class Key, class Item, class Hash>
std::optional<Item> schedule<Key, Item, Hash>::take(node* n)
{
    std::optional<Item> item;
    if (n == nullptr)
        return item;
    item.emplace(std::move(n->item));
    turns_.erase(*n);
    nodes_.destroy(n);
    forget_idle();
    return item;
}

template <class Key, class Item, class Hash>
std::optional<Item> schedule<Key, Item, Hash>::take(const Key& key)
{
    const entry* const known = find(key);
    if (known == nullptr || known->line == nullptr || known->line->waiting.empty())
        return std::nullopt;
    return take(static_cast<node*>(&known->line->waiting.front()));
}

template <class Key, class Item, class Hash>
std::optional<Item> schedule<Key, Item, Hash>::take_any()
{
    return take(static_cast<node*>(turns_.any()));
}

template <class Key, class Item, class Hash>
std::size_t schedule<Key, Item, Hash>::queued(const Key& key) const
{
    const entry* const known = find(key);
    return known == nullptr || known->line == nullptr ? 0 : known->line->waiting.size();
}

template <class Key, class Item, class Hash>
std::size_t schedule<Key, Item, Hash>::running(const Key& key) const
{
    const entry* const known = find(key);
    return known == nullptr ? 0 : known->running;
}

// Lines that are not needed any more, and entries with nothing else.
template <class Key, class Item, class Hash>
void schedule<Key, Item, Hash>::forget_idle() noexcept
{
    while (auto* const l = turns_.idle()) {
        entry& e = *l->entry;
        turns_.detach(*l);
        if (e.running == 0)
            table_.erase(e);
    }
}

} // namespace weir
