#pragma once

#include <weir/detail/instant_heap.hpp>
#include <weir/detail/list.hpp>
#include <weir/duration.hpp>
#include <weir/policy/detail/slabs.hpp>
#include <weir/policy/key_options.hpp>
#include <weir/sync/limit.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace weir::detail {

template <class Entry>
class key_turns;

/// A sum of costs that does not wrap around, so that it is empty only when nothing is in it.
class cost_sum {
    __extension__ using wide = unsigned __int128;

public:
    void add(std::size_t cost) noexcept { sum_ += cost; }
    void subtract(std::size_t cost) noexcept { sum_ -= cost; }
    void add(const cost_sum& other) noexcept { sum_ += other.sum_; }

    bool empty() const noexcept { return sum_ == 0; }
    /// At most the largest number.
    std::size_t count() const noexcept
    {
        constexpr wide most = std::numeric_limits<std::size_t>::max();
        return static_cast<std::size_t>(std::min(sum_, most));
    }

private:
    wide sum_ = 0;
};

/// Base of what waits for its key.
template <class Entry>
struct key_node : list_node<> {
    explicit key_node(std::size_t c) : cost(c) {}

    const std::size_t cost;
    Entry* entry = nullptr; // while it waits
};

/// What is known of a key beyond what it has running: what waits, and what is special about it.
template <class Entry>
class key_line : public list_node<>, public instant_heap_node {
public:
    explicit key_line(Entry& e) noexcept : entry(&e) {}

    std::uint32_t block = 0; // of the slabs
    Entry* const entry;
    list<key_node<Entry>> waiting;

private:
    friend class key_turns<Entry>;

    // The list that it is in.
    enum class place : unsigned char { none, ring, blocked, quiet, idle };
    enum class state : unsigned char { open, held, probing };

    std::size_t deficit = 0;
    std::size_t own_limit = 0; // while `overridden`, and so is:
    std::size_t turns = 1;
    time_point override_end = time_point::max();
    time_point hold_end;
    std::uint64_t probe = 0; // the one under way
    place where = place::none;
    state now = state::open;
    bool in_turn = false; // has its quantum of this turn
    bool overridden = false;
};

/// A key that has something running or a line.
template <class Key>
struct key_entry {
    explicit key_entry(const Key& k) : key(k) {}

    const Key key;
    std::size_t running = 0; // the sum of costs
    key_line<key_entry>* line = nullptr;
    std::uint32_t hash = 0;
    std::uint32_t block = 0;
};

/// What becomes of a waiting node that costs more than the limit of its key when an override ends.
enum class key_above_limit {
    goes_alone, ///< while nothing else of its key runs
    ends,       ///< the owner takes it by `next_too_large`
};

/// How many keys cannot go on, by what keeps them.
struct key_obstacles {
    std::size_t held = 0; // until an instant that is yet to come
    std::size_t full = 0; // by what they have running: something waits for it
};

/// How what ran has ended, as far as its key's others are concerned.
enum class key_verdict { succeeded, unknown };

/// What was let out, for `done`.
template <class Entry>
struct key_place {
    Entry* entry = nullptr;
    std::size_t cost = 0;
    std::uint64_t probe = 0; // 0: it is none
};

/// The rule of keys that take turns. It decides which waiting node goes next, and keeps the lines;
/// its owner keeps the entries, and makes and ends the nodes.
///
/// An entry has a line while something waits, or while it is held, probing or overridden. Entries
/// without a line are none of this class's business: their owner lets them in by `fits` alone. So
/// most operations never come here.
///
/// Each key that could go on stands in the ring. Others that have something waiting are `blocked`,
/// and come back when what they miss arrives; a time is one of the things to miss. A line that must
/// be kept although nothing waits is `quiet`; one that need not is `idle`, and the owner takes it
/// by `idle` and `detach` before its call ends.
///
/// Threads: one at a time.
/// Source: deficit round robin (Shreedhar and Varghese, Efficient Fair Queueing Using Deficit Round
///         Robin, 1996). We depart in the quantum: it is the least power of two that no waiting
///         cost exceeds, so that each visit of a key lets something out, whatever the costs.
template <class Entry>
class key_turns {
public:
    using line = key_line<Entry>;
    using node = key_node<Entry>;
    using key_place = detail::key_place<Entry>;

    explicit key_turns(const key_options& options,
                       key_above_limit above = key_above_limit::goes_alone) noexcept
        : limit_(options.limit().count()), max_hold_(options.max_hold()),
          max_held_(options.max_held()), max_overridden_(options.max_overridden()), above_(above)
    {
    }
    key_turns(const key_turns&) = delete;
    key_turns& operator=(const key_turns&) = delete;
    ~key_turns()
    {
        for (auto* all : {&ring_, &blocked_, &quiet_, &idle_})
            while (!all->empty())
                lines_.destroy(&all->pop_front());
    }

    /// Whether an entry without a line lets this much in.
    static bool fits(const Entry& e, std::size_t cost, std::size_t limit) noexcept
    {
        // One that costs more than the limit goes alone, rather than never.
        return e.running == 0 ? limit != 0 : e.running < limit && cost <= limit - e.running;
    }
    std::size_t limit() const noexcept { return limit_; }
    std::size_t limit_of(const Entry& e) const noexcept
    {
        return e.line != nullptr && e.line->overridden ? e.line->own_limit : limit_;
    }
    duration max_hold() const noexcept { return max_hold_; }

    /// Gives the entry a line. Until it is used the line is idle.
    line& attach(Entry& e)
    {
        if (e.line != nullptr)
            return *e.line;
        line* const made = lines_.make(e);
        e.line = made;
        move(*made, place::idle);
        return *made;
    }

    /// A line that is not needed any more; null when there is none. The owner calls `detach`, or
    /// uses the line again.
    line* idle() noexcept { return idle_.empty() ? nullptr : &idle_.front(); }
    void detach(line& l) noexcept
    {
        idle_.erase(l);
        l.entry->line = nullptr;
        lines_.destroy(&l);
    }

    /// Precondition: the entry has a line.
    void push(Entry& e, node& n) noexcept
    {
        n.entry = &e;
        e.line->waiting.push_back(n);
        pushed(e, n);
    }
    void push_front(Entry& e, node& n) noexcept
    {
        n.entry = &e;
        e.line->waiting.push_front(n);
        pushed(e, n);
    }

    /// Takes out a node that waits. It does not count as running.
    void erase(node& n) noexcept
    {
        line& l = *n.entry->line;
        dequeue(l, n);
        settle(l);
    }

    /// The node that goes next, if its owner has room for it. It stays in line until `take`. It
    /// stays the next, too, until something else is called, so that none overtakes it.
    node* next(time_point now) noexcept
    {
        do {
            expire(now);
            while (!ring_.empty()) {
                line& l = ring_.front();
                if (node* const found = turn_of(l, now))
                    return found;
            }
        } while (is_due(wakes_, now));
        return nullptr;
    }

    /// Lets `next` out.
    key_place take(node& n) noexcept
    {
        line& l = *n.entry->line;
        dequeue(l, n);
        l.deficit -= n.cost;
        return let_out(*l.entry, n.cost);
    }

    /// The first node of this key if it may go, turn or not. It goes by `take_early`.
    node* next_of(Entry& e, time_point now) noexcept
    {
        expire(now);
        if (e.line == nullptr)
            return nullptr;
        pass(*e.line, now);
        return !e.line->waiting.empty() && may_go(*e.line) ? &e.line->waiting.front() : nullptr;
    }
    key_place take_early(node& n) noexcept
    {
        line& l = *n.entry->line;
        dequeue(l, n);
        return let_out(*l.entry, n.cost);
    }

    /// Whether a newcomer may go at once: nothing of its key waits, there is room, and it is not
    /// held. For an entry with a line.
    bool may_enter(const Entry& e, std::size_t cost, time_point now) noexcept
    {
        expire(now);
        pass(*e.line, now);
        return e.line->waiting.empty() && is_open(*e.line) && fits(e, cost, limit_of(e));
    }
    key_place enter(Entry& e, std::size_t cost) noexcept { return let_out(e, cost); }

    /// What has this place has succeeded, and goes on. It is no probe any more.
    void succeeded(key_place& p) noexcept
    {
        line* const l = p.entry->line;
        if (l != nullptr && p.probe != 0 && l->probe == p.probe) {
            open(*l);
            settle(*l);
        }
        p.probe = 0;
    }

    void done(const key_place& p, key_verdict verdict) noexcept
    {
        Entry& e = *p.entry;
        e.running -= p.cost;
        if (e.line == nullptr)
            return;
        line& l = *e.line;
        if (p.probe != 0 && l.probe == p.probe) {
            l.probe = 0;
            if (verdict == key_verdict::succeeded)
                open(l);
        }
        settle(l);
    }

    /// To be called before `hold` and `override_key`, which allocate nothing.
    void reserve()
    {
        wakes_.reserve(held_ + overridden_ + 1);
        forgets_.reserve(held_ + overridden_ + 1);
    }

    /// Whether it is held, or was and goes one by one still.
    bool is_held(const Entry& e) const noexcept
    {
        return e.line != nullptr && e.line->now != state::open;
    }
    /// Whether there may be one more that is held, unless this one is already. Those that have come
    /// to the time when they are forgotten do not count.
    bool can_hold(const Entry& e, time_point now) noexcept
    {
        while (held_ >= max_held_ && !is_held(e))
            if (!expire(now))
                return held_ < max_held_;
        return true;
    }
    bool is_too_long(time_point until, time_point now) const noexcept
    {
        return until > saturating_add(now, max_hold_);
    }
    /// Precondition: the entry has a line, and `can_hold`.
    void hold(Entry& e, time_point until, time_point now) noexcept
    {
        line& l = *e.line;
        expire(now);
        pass(l, now);
        if (until > now && (l.now != state::held || until > l.hold_end)) {
            if (l.now == state::open)
                ++held_;
            l.now = state::held;
            l.hold_end = until;
            l.probe = 0; // what is under way says nothing about what comes after
        }
        settle(l);
    }
    void resume(Entry& e) noexcept
    {
        open(*e.line);
        settle(*e.line);
    }
    /// `time_point::min()` when it is not held.
    time_point held_until(const Entry& e) const noexcept
    {
        return e.line != nullptr && e.line->now == state::held ? e.line->hold_end
                                                               : time_point::min();
    }

    bool is_overridden(const Entry& e) const noexcept
    {
        return e.line != nullptr && e.line->overridden;
    }
    bool can_override(const Entry& e) const noexcept
    {
        return overridden_ < max_overridden_ || is_overridden(e);
    }
    /// Precondition: the entry has a line, and `can_override`.
    void override_key(Entry& e, weir::limit limit, std::size_t turns, time_point until) noexcept
    {
        line& l = *e.line;
        if (!std::exchange(l.overridden, true))
            ++overridden_;
        l.own_limit = limit.count();
        l.turns = turns;
        l.override_end = until;
        settle(l);
    }
    void reset_key(Entry& e) noexcept
    {
        end_override(*e.line);
        settle(*e.line);
    }

    /// A new limit of each key. Then `recheck` is to be called until it returns false.
    void set_limit(std::size_t limit) noexcept
    {
        limit_ = limit;
        unchecked_ = blocked_.size();
    }
    /// Looks again at some of the lines that were blocked. Those that become blocked meanwhile have
    /// seen the new limit, and go to the end.
    bool recheck(std::size_t most_lines) noexcept
    {
        for (; most_lines != 0 && unchecked_ != 0 && !blocked_.empty();
             --most_lines, --unchecked_) {
            line& l = blocked_.pop_front();
            blocked_.push_back(l);
            settle(l);
        }
        if (blocked_.empty())
            unchecked_ = 0;
        return unchecked_ != 0;
    }

    /// Looks at what has come to its time, some of it at a time. True: at any of it; there may be
    /// more. `next` does so itself.
    bool expire(time_point now) noexcept
    {
        if (!is_due(wakes_, now) && !is_due(forgets_, now))
            return false;
        for (std::size_t i = 0; i < batch && is_due(wakes_, now); ++i)
            pass(wakes_.first(), now);
        for (std::size_t i = 0; i < batch && is_due(forgets_, now); ++i)
            pass(forgets_.first(), now);
        return true;
    }

    /// The same, and whatever of this entry has come to its time. For an entry with a line.
    void expire(Entry& e, time_point now) noexcept
    {
        expire(now);
        pass(*e.line, now);
    }

    /// One that an override let wait, and that costs more than the limit now that it has ended: it
    /// is not in line any more. Null: there is none. The owner takes all before its call ends.
    node* next_too_large() noexcept
    {
        return too_large_.empty() ? nullptr : &too_large_.pop_front();
    }

    /// When `next` may have another answer although nothing was called; `time_point::max()` when
    /// never.
    time_point again() const noexcept { return wakes_.first_at(); }

    /// For each entry that something waits for. `what(entry)` may erase its nodes.
    template <class Do>
    void for_each_waiting(Do what) noexcept
    {
        for (const auto* all : {&ring_, &blocked_})
            all->for_each([&](line& l) { what(*l.entry); });
    }
    /// No waiting node costs more than this.
    std::size_t most_expensive() const noexcept
    {
        if (of_class_[last_class] != 0)
            return most;
        return waiting_ == 0 ? 0 : quantum();
    }

    /// A node that waits, whichever; null when none does.
    node* any() const noexcept
    {
        if (!ring_.empty())
            return &ring_.front().waiting.front();
        return blocked_.empty() ? nullptr : &blocked_.front().waiting.front();
    }

    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t held() const noexcept { return held_; }
    std::size_t overridden() const noexcept { return overridden_; }

    /// Looks at every line that stands still.
    key_obstacles obstacles(time_point now) const noexcept
    {
        key_obstacles found;
        for (const auto* all : {&blocked_, &quiet_})
            all->for_each([&](const line& l) {
                if (l.now == state::held && l.hold_end > now)
                    ++found.held;
                else if (all == &blocked_ && l.now != state::held)
                    ++found.full;
            });
        return found;
    }

private:
    using place = typename line::place;
    using state = typename line::state;
    using lines = list<line>;

    static constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t batch = 64; // that come to their time in one step

    static std::size_t sum(std::size_t a, std::size_t b) noexcept
    {
        return a > most - b ? most : a + b;
    }
    static std::size_t product(std::size_t a, std::size_t b) noexcept
    {
        return a > most / b ? most : a * b;
    }

    static constexpr unsigned last_class = 63;

    // Costs are counted by the power of two that they do not exceed; those above the largest one
    // take two turns.
    static unsigned class_of(std::size_t cost) noexcept
    {
        return std::min(static_cast<unsigned>(std::bit_width(cost - 1)), last_class);
    }
    std::size_t quantum() const noexcept
    {
        return std::size_t{1} << (std::bit_width(classes_) - 1);
    }

    static bool is_due(const instant_heap<line>& heap, time_point now) noexcept
    {
        return !heap.empty() && heap.first_at() <= now;
    }

    static bool is_open(const line& l) noexcept
    {
        return l.now == state::open || (l.now == state::probing && l.probe == 0);
    }
    bool may_go(const line& l) const noexcept
    {
        return is_open(l) && fits(*l.entry, l.waiting.front().cost, limit_of(*l.entry));
    }

    // What the first line of the ring lets out. Null: it has left the front of the ring.
    node* turn_of(line& l, time_point now) noexcept
    {
        if (l.override_end <= now) { // `expire` has not come to it yet
            pass(l, now);
            return nullptr;
        }
        node& n = l.waiting.front();
        if (!may_go(l)) { // the limit was lowered
            settle(l);
            return nullptr;
        }
        if (!l.in_turn) {
            l.in_turn = true;
            l.deficit = sum(l.deficit, product(quantum(), l.turns));
        }
        if (l.deficit >= n.cost)
            return &n;
        l.in_turn = false;
        ring_.erase(l);
        ring_.push_back(l);
        return nullptr;
    }

    void pushed(Entry& e, const node& n) noexcept
    {
        ++waiting_;
        const unsigned c = class_of(n.cost);
        ++of_class_[c];
        classes_ |= std::uint64_t{1} << c;
        settle(*e.line);
    }

    void dequeue(line& l, node& n) noexcept
    {
        l.waiting.erase(n);
        n.entry = nullptr;
        --waiting_;
        const unsigned c = class_of(n.cost);
        if (--of_class_[c] == 0)
            classes_ &= ~(std::uint64_t{1} << c);
    }

    key_place let_out(Entry& e, std::size_t cost) noexcept
    {
        e.running += cost;
        line& l = *e.line;
        if (l.now == state::probing)
            l.probe = ++probes_;
        const std::uint64_t probe = l.probe; // 0 unless it is this one
        settle(l);
        return {&e, cost, probe};
    }

    void open(line& l) noexcept
    {
        if (l.now != state::open)
            --held_;
        l.now = state::open;
        l.probe = 0;
    }

    void end_override(line& l) noexcept
    {
        if (std::exchange(l.overridden, false))
            --overridden_;
        l.turns = 1;
        l.override_end = time_point::max();
    }

    // It walks along all of this line, but hardly ever: only when something may cost too much.
    void end_too_large(line& l) noexcept
    {
        if (above_ == key_above_limit::goes_alone || limit_ == 0 || most_expensive() <= limit_)
            return;
        l.waiting.for_each([&](node& n) {
            if (n.cost <= limit_)
                return;
            dequeue(l, n);
            too_large_.push_back(n);
        });
    }

    // What has come to its end by now. A key that was held and that nothing has asked for since is
    // forgotten later: those that were refused often come back at the end of the hold, all at once.
    void pass(line& l, time_point now) noexcept
    {
        if (l.override_end <= now) {
            end_override(l);
            end_too_large(l);
        }
        if (l.now == state::held && l.hold_end <= now)
            l.now = state::probing;
        if (forget_at(l) <= now)
            open(l);
        settle(l);
    }

    time_point forget_at(const line& l) const noexcept
    {
        return l.now == state::probing && l.probe == 0 && l.waiting.empty()
                   ? saturating_add(l.hold_end, max_hold_)
                   : time_point::max();
    }

    // Puts a line where it belongs after a change.
    void settle(line& l) noexcept
    {
        const bool special = l.now != state::open || l.overridden;
        if (l.waiting.empty())
            move(l, special ? place::quiet : place::idle);
        else
            move(l, may_go(l) ? place::ring : place::blocked);
        if (special || l.is_in_heap())
            set_time(l);
    }

    void move(line& l, place to) noexcept
    {
        if (l.where == to)
            return;
        if (l.where != place::none)
            list_of(l.where).erase(l);
        l.where = to;
        list_of(to).push_back(l);
        l.deficit = 0;
        l.in_turn = false;
    }

    lines& list_of(place p) noexcept
    {
        switch (p) {
        case place::ring:
            return ring_;
        case place::blocked:
            return blocked_;
        case place::quiet:
            return quiet_;
        default:
            return idle_;
        }
    }

    void set_time(line& l) noexcept
    {
        const time_point hold_end = l.now == state::held ? l.hold_end : forget_at(l);
        const time_point at = std::min(hold_end, l.override_end);
        auto& to = l.waiting.empty() ? forgets_ : wakes_;
        auto& other = l.waiting.empty() ? wakes_ : forgets_;
        if (other.holds(l))
            other.remove(l);
        if (at != time_point::max())
            to.put(l, at);
        else if (to.holds(l))
            to.remove(l);
        if (held_ + overridden_ == 0) {
            wakes_.shrink(batch);
            forgets_.shrink(batch);
        }
    }

    std::size_t limit_;
    const duration max_hold_;
    const std::size_t max_held_;
    const std::size_t max_overridden_;
    const key_above_limit above_;
    std::size_t waiting_ = 0;
    std::size_t held_ = 0; // those that are probing, too
    std::size_t overridden_ = 0;
    std::size_t unchecked_ = 0; // how many of the first blocked lines have not seen the new limit
    std::uint64_t probes_ = 0;
    std::uint64_t classes_ = 0; // a bit for each that is not 0 of:
    std::array<std::uint32_t, 64> of_class_{};
    lines ring_, blocked_, quiet_, idle_;
    list<node> too_large_;
    instant_heap<line> wakes_;   // those that something waits for
    instant_heap<line> forgets_; // those that nothing waits for
    slabs<line> lines_;
};

} // namespace weir::detail
