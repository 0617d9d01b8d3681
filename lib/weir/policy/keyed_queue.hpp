#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace weir {

/// Items that wait for a place of their own key: at most so many of one key are out at a time, and
/// the keys take turns. What keeps a key that is slow, or held back, from taking the places of the
/// others: an item comes out only when its key has room, so it never waits in a wider limit (narrow
/// before wide).
///
/// Shape: `push` what there is to do, `pop` the next one that may start, `done` with its key when
///        it ended.
/// Units: `limit`, items of one key out at a time, from 1.
/// Fairness: first in, first out within a key; round robin between the keys that have room.
/// Threads: none of its own; a pure rule, used from one executor.
/// Memory: a key costs memory only while it has an item here, one out, or is held.
template <class Key, class Item, class Hash = std::hash<Key>>
class keyed_queue {
public:
    /// Throws `std::invalid_argument` for a limit of zero.
    explicit keyed_queue(std::size_t limit) : limit_(limit)
    {
        if (limit == 0)
            throw std::invalid_argument("weir::keyed_queue: the limit must be at least 1");
    }
    keyed_queue(const keyed_queue&) = delete;
    keyed_queue& operator=(const keyed_queue&) = delete;

    void push(const Key& key, Item item) { insert(key, std::move(item), false); }
    /// Ahead of its key's other items: for one that had its turn already and must go on.
    void push_front(const Key& key, Item item) { insert(key, std::move(item), true); }

    /// The next item whose key has room; it counts as out until `done`. Empty when there is none.
    std::optional<std::pair<Key, Item>> pop()
    {
        if (ready_.empty())
            return std::nullopt;
        known& k = *ready_.front();
        leave_ready(k.second);
        std::pair<Key, Item> next(k.first, std::move(k.second.items.front()));
        k.second.items.pop_front();
        ++k.second.out;
        --queued_;
        ++out_;
        settle(k); // to the back of the line, if it has more
        return next;
    }

    /// One that was out has ended. Precondition: it came from `pop` and was not given back yet;
    /// throws `std::logic_error` otherwise.
    void done(const Key& key)
    {
        const auto it = keys_.find(key);
        if (it == keys_.end() || it->second.out == 0)
            throw std::logic_error("weir::keyed_queue::done: no item of this key is out");
        --it->second.out;
        --out_;
        settle(*it);
    }

    /// Nothing of this key comes out until `resume`; what is out stays out.
    void hold(const Key& key)
    {
        known& k = *keys_.try_emplace(key).first;
        k.second.held = true;
        settle(k);
    }
    void resume(const Key& key)
    {
        const auto it = keys_.find(key);
        if (it == keys_.end())
            return;
        it->second.held = false;
        settle(*it);
    }

    /// Takes out an item, whether or not its key has room, and without counting it: for ending
    /// early.
    std::optional<std::pair<Key, Item>> take_any()
    {
        for (known& k : keys_) {
            if (k.second.items.empty())
                continue;
            std::pair<Key, Item> item(k.first, std::move(k.second.items.front()));
            k.second.items.pop_front();
            --queued_;
            settle(k);
            return item;
        }
        return std::nullopt;
    }

    /// Whether `pop` has something to give.
    bool ready() const noexcept { return !ready_.empty(); }
    std::size_t queued() const noexcept { return queued_; }
    std::size_t out() const noexcept { return out_; }
    std::size_t out(const Key& key) const
    {
        const auto it = keys_.find(key);
        return it == keys_.end() ? 0 : it->second.out;
    }
    std::size_t keys_known() const noexcept { return keys_.size(); }
    std::size_t limit() const noexcept { return limit_; }

private:
    struct entry;
    using known = std::pair<const Key, entry>;
    using line = std::list<known*>;

    struct entry {
        std::deque<Item> items;
        std::size_t out = 0;
        bool held = false;
        bool in_line = false;
        typename line::iterator place;
    };

    using keys = std::unordered_map<Key, entry, Hash>;

    void insert(const Key& key, Item&& item, bool ahead)
    {
        known& k = *keys_.try_emplace(key).first;
        if (ahead)
            k.second.items.push_front(std::move(item));
        else
            k.second.items.push_back(std::move(item));
        ++queued_;
        settle(k);
    }

    // Puts a key where it belongs after any change: in the line, out of it, or forgotten.
    void settle(known& k)
    {
        entry& e = k.second;
        const bool may_go = !e.items.empty() && e.out < limit_ && !e.held;
        if (may_go && !e.in_line) {
            e.place = ready_.insert(ready_.end(), &k);
            e.in_line = true;
        } else if (!may_go) {
            leave_ready(e);
        }
        if (e.items.empty() && e.out == 0 && !e.held)
            keys_.erase(keys_.find(k.first));
    }

    void leave_ready(entry& e)
    {
        if (e.in_line)
            ready_.erase(e.place);
        e.in_line = false;
    }

    std::size_t limit_;
    std::size_t queued_ = 0;
    std::size_t out_ = 0;
    keys keys_;
    line ready_;
};

} // namespace weir
