#pragma once

#include <weir/time/clock.hpp>

#include <cstddef>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::http::detail {

/// Idle connections by origin. The one used last is reused first, because the server is least
/// likely to have closed it. Uses neither Asio nor a clock: the caller passes `now`.
///
/// Memory: at most `max_idle` connections; one more closes the one that has been idle longest.
template <class Connection>
class idle_list {
public:
    explicit idle_list(std::size_t max_idle) : max_idle_(max_idle) {}

    void put(std::string origin, Connection connection, time_point expires);
    /// The newest connection of the origin that has not expired at `now`.
    std::optional<Connection> take(const std::string& origin, time_point now);
    /// Closes the one that has been idle longest; false when there is none.
    bool drop_oldest();
    void drop_expired(time_point now);
    void clear();

    /// When the first one expires.
    std::optional<time_point> next_expiry() const;
    std::size_t size() const noexcept { return all_.size(); }

private:
    struct entry {
        entry(std::string o, Connection c, time_point e)
            : origin(std::move(o)), connection(std::move(c)), expires(e)
        {
        }
        std::string origin;
        Connection connection;
        time_point expires;
    };
    using place = typename std::list<entry>::iterator;

    void remove(place at);

    std::size_t max_idle_;
    std::list<entry> all_; // oldest first
    std::unordered_map<std::string, std::vector<place>> by_origin_;
};

template <class Connection>
void idle_list<Connection>::put(std::string origin, Connection connection, time_point expires)
{
    if (max_idle_ == 0)
        return;
    while (all_.size() >= max_idle_)
        drop_oldest();
    all_.emplace_back(std::move(origin), std::move(connection), expires);
    by_origin_[all_.back().origin].push_back(std::prev(all_.end()));
}

template <class Connection>
std::optional<Connection> idle_list<Connection>::take(const std::string& origin, time_point now)
{
    for (;;) {
        const auto found = by_origin_.find(origin);
        if (found == by_origin_.end())
            return std::nullopt;
        const place newest = found->second.back();
        const bool good = now < newest->expires;
        std::optional<Connection> taken(std::move(newest->connection));
        remove(newest);
        if (good)
            return taken;
    }
}

template <class Connection>
bool idle_list<Connection>::drop_oldest()
{
    if (all_.empty())
        return false;
    remove(all_.begin());
    return true;
}

template <class Connection>
void idle_list<Connection>::drop_expired(time_point now)
{
    for (auto it = all_.begin(); it != all_.end();) {
        const auto next = std::next(it);
        if (it->expires <= now)
            remove(it);
        it = next;
    }
}

template <class Connection>
void idle_list<Connection>::clear()
{
    by_origin_.clear();
    all_.clear();
}

template <class Connection>
std::optional<time_point> idle_list<Connection>::next_expiry() const
{
    std::optional<time_point> first;
    for (const auto& e : all_)
        if (!first || e.expires < *first)
            first = e.expires;
    return first;
}

template <class Connection>
void idle_list<Connection>::remove(place at)
{
    const auto found = by_origin_.find(at->origin);
    auto& places = found->second;
    // Nearly always the last: connections are taken newest first.
    for (auto it = places.rbegin(); it != places.rend(); ++it)
        if (*it == at) {
            places.erase(std::prev(it.base()));
            break;
        }
    if (places.empty())
        by_origin_.erase(found);
    all_.erase(at);
}

} // namespace weir::http::detail
