#pragma once

#include <weir/sync/limit.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace weir {

/// Keeps a slow key from taking the places of the others: of each key only `limit` items run at a
/// time, and the keys take turns. An item comes out only when its key has room, so it never takes
/// up a wider limit while it waits for a narrow one.
///
/// Shape: `push` an item, `pop` the next one that may start, and call `done` with its key when it
///        has ended.
/// Units: `limit` of the items of one key that run at a time, from 1 or `unlimited`.
/// Threads: none of its own; a pure rule, used from one executor.
/// Fairness: first in, first out within a key; round robin between the keys that have room.
/// Memory: a key costs memory only while it has an item queued or running, or is paused.
template <class Key, class Item, class Hash = std::hash<Key>>
class keyed_queue {
public:
    /// Throws `std::invalid_argument` for `paused`: nothing would ever come out.
    explicit keyed_queue(weir::limit limit) : limit_(limit)
    {
        if (limit.is_paused())
            throw std::invalid_argument("weir::keyed_queue: the limit must be at least 1");
    }
    keyed_queue(const keyed_queue&) = delete;
    keyed_queue& operator=(const keyed_queue&) = delete;

    /// Puts an item behind its key's other items.
    void push(const Key& key, Item item) { insert(key, std::move(item), false); }
    /// Puts an item before its key's other items: for one that has run already and must go on.
    void push_front(const Key& key, Item item) { insert(key, std::move(item), true); }

    /// The next item whose key has room; it counts as running until `done`. Empty when there is
    /// none.
    std::optional<std::pair<Key, Item>> pop()
    {
        if (ready_.empty())
            return std::nullopt;
        known& k = *ready_.front();
        std::pair<Key, Item> next(k.first, std::move(k.second.items.front())); // it may throw
        leave_ready(k.second);
        k.second.items.pop_front();
        ++k.second.running;
        --queued_;
        ++running_;
        settle(k); // to the back of the line, if it has more
        return next;
    }

    /// Says that an item of this key has ended. Throws `std::logic_error` when none was running.
    void done(const Key& key)
    {
        const auto it = keys_.find(key);
        if (it == keys_.end() || it->second.running == 0)
            throw std::logic_error("weir::keyed_queue::done: no item of this key is running");
        --it->second.running;
        --running_;
        settle(*it);
    }

    /// Lets no item of this key out until `resume`. What is running goes on.
    void pause(const Key& key)
    {
        known& k = known_key(key);
        k.second.paused = true;
        settle(k);
    }
    /// Ends a `pause`; nothing happens when there was none.
    void resume(const Key& key)
    {
        const auto it = keys_.find(key);
        if (it == keys_.end())
            return;
        it->second.paused = false;
        settle(*it);
    }

    /// Takes out an item, whether or not its key has room, and without counting it as running: to
    /// empty the queue at the end.
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

    /// Whether `pop` would return an item.
    bool ready() const noexcept { return !ready_.empty(); }
    /// How many items have not come out.
    std::size_t queued() const noexcept { return queued_; }
    /// How many have come out and not ended.
    std::size_t running() const noexcept { return running_; }
    /// How many of one key have come out and not ended.
    std::size_t running(const Key& key) const
    {
        const auto it = keys_.find(key);
        return it == keys_.end() ? 0 : it->second.running;
    }
    /// How many keys have items queued or running, or are paused.
    std::size_t keys() const noexcept { return keys_.size(); }
    weir::limit limit() const noexcept { return limit_; }

private:
    struct entry;
    using known = std::pair<const Key, entry>;
    using line = std::list<known*>;

    struct entry {
        std::deque<Item> items;
        std::size_t running = 0;
        bool paused = false;
        bool in_line = false;
        line place; // its place, while it is not in the line: standing in line allocates nothing
        typename line::iterator at;
    };

    void insert(const Key& key, Item&& item, bool ahead)
    {
        known& k = known_key(key);
        try {
            if (ahead)
                k.second.items.push_front(std::move(item));
            else
                k.second.items.push_back(std::move(item));
        } catch (...) {
            settle(k);
            throw;
        }
        ++queued_;
        settle(k);
    }

    known& known_key(const Key& key)
    {
        const auto [it, is_new] = keys_.try_emplace(key);
        try {
            if (is_new)
                it->second.at = it->second.place.insert(it->second.place.end(), &*it);
        } catch (...) {
            keys_.erase(it);
            throw;
        }
        return *it;
    }

    // Puts a key where it belongs after a change: into the line, out of it, or out of the queue.
    void settle(known& k)
    {
        entry& e = k.second;
        const bool may_go = !e.items.empty() && e.running < limit_.count() && !e.paused;
        if (may_go && !e.in_line) {
            ready_.splice(ready_.end(), e.place);
            e.in_line = true;
        } else if (!may_go) {
            leave_ready(e);
        }
        if (e.items.empty() && e.running == 0 && !e.paused)
            keys_.erase(keys_.find(k.first));
    }

    void leave_ready(entry& e)
    {
        if (e.in_line)
            e.place.splice(e.place.end(), ready_, e.at);
        e.in_line = false;
    }

    weir::limit limit_;
    std::size_t queued_ = 0;
    std::size_t running_ = 0;
    std::unordered_map<Key, entry, Hash> keys_;
    line ready_;
};

} // namespace weir
