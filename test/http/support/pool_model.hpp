#pragma once

#include <weir/http/detail/session_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace weir::http::detail {

/// All that a pool's decisions depend on, in an order of its own, and without its numbers: two
/// pools with the same text decide the same.
struct session_pool_view {
    explicit session_pool_view(const session_pool& seen) : pool(seen) {}

    static void put(std::string& to, std::size_t number) { to += std::to_string(number) + ' '; }
    template <class Numbers>
    void put_ranks(std::string& to, const Numbers& ids) const
    {
        for (const auto id : ids)
            put(to, rank(id));
        to += '|';
    }
    std::size_t rank(session_pool::session_id of) const
    {
        std::size_t before = 0;
        for (const auto& each : pool.sessions_)
            before += each.first < of ? 1 : 0;
        return before;
    }

    std::size_t rank_of_request(session_pool::request_id of) const
    {
        std::size_t before = 0;
        for (const auto& each : pool.requests_)
            before += each.first < of ? 1 : 0;
        return before;
    }

    std::string text(time_point now) const
    {
        std::string to;
        std::map<std::string, session_pool::line_id> origins(pool.origins_.begin(),
                                                             pool.origins_.end());
        for (const auto& origin : origins) {
            const auto& at = pool.lines_.at(origin.second);
            to += origin.first + ' ';
            for (const auto id : at.waiting)
                put(to, rank_of_request(id));
            to += '|';
            put_ranks(to, at.opening);
            put_ranks(to, at.free);
            put(to, at.sessions);
            put(to, at.room_of_one);
        }
        std::map<session_pool::session_id, const session_pool::session*> sessions;
        for (const auto& each : pool.sessions_)
            sessions.emplace(each.first, &each.second);
        for (const auto& each : sessions) {
            const auto& one = *each.second;
            to += pool.lines_.at(one.of).origin + ' ';
            put(to, one.capacity);
            put(to, one.serves);
            put(to, (one.used ? 1U : 0U) + (one.draining ? 2U : 0U));
            put(to, one.idle_at == 0 ? 0U : static_cast<std::size_t>((one.expires - now).count()));
        }
        for (const auto& each : pool.idle_)
            put(to, rank(each.second));
        to += '|';
        for (const auto& each : std::map<session_pool::request_id, session_pool::asked>(
                 pool.requests_.begin(), pool.requests_.end())) {
            const auto& one = each.second;
            put(to, rank_of_request(each.first));
            put(to, one.served_by == 0 ? 0 : 1 + rank(one.served_by));
            put(to, (one.wants_unused ? 1U : 0U) + (one.doubted ? 2U : 0U) + 4U * one.refusals);
        }
        return to;
    }

    bool is_empty() const
    {
        return pool.lines_.empty() && pool.origins_.empty() && pool.sessions_.empty() &&
               pool.requests_.empty() && pool.idle_.empty() && pool.expiries_.empty() &&
               pool.in_use_ == 0 && pool.waiting_ == 0;
    }

    const session_pool& pool;
};

} // namespace weir::http::detail

namespace weir::test {

using http::processed;
using http::detail::session_pool;
using http::detail::session_pool_view;

struct pool_scope {
    std::size_t sessions = 2; // of each origin
    std::size_t max_idle = 2;
    std::size_t capacity = 1;
    unsigned refusals = 1; // of each request; what follows is the pool's own limit
    std::vector<std::string> requests = {"a", "a",
                                         "a"}; // their origins; the last is not repeatable
};

/// A pool and a book of what it said, with every rule that its user relies on. What breaks one
/// throws.
class checked_pool {
public:
    enum class phase { unasked, waits, served, begun, answered };

    struct request {
        phase at = phase::unasked;
        std::uint64_t id = 0;
        std::uint64_t by = 0;
        bool wants_unused = false;
        unsigned doubts = 0;
        unsigned refusals = 0;
    };
    struct session {
        std::string origin;
        bool open = false;
        std::size_t serves = 0;
        bool used = false;
        bool draining = false;
        bool idle = false;
        time_point expires{};
    };

    explicit checked_pool(const pool_scope& what)
        : scope(what), pool({what.sessions, what.max_idle, idle_timeout}),
          requests(what.requests.size())
    {
    }

    // ---- what may happen

    void ask(std::size_t i)
    {
        request& one = requests[i];
        one.at = phase::waits;
        one.id = pool.ask(
            scope.requests[i],
            is_repeatable(i) ? session_pool::repeatable::yes : session_pool::repeatable::no, now);
        settle();
    }
    void leave(std::size_t i)
    {
        request& one = requests[i];
        if (one.at == phase::served)
            --sessions.at(one.by).serves;
        one.at = phase::answered;
        pool.leave(one.id, now);
        settle();
    }
    void begin(std::size_t i) { requests[i].at = phase::begun; }
    void find_closed(std::size_t i)
    {
        request& one = requests[i];
        session& by = sessions.at(one.by);
        one.at = phase::waits;
        --by.serves;
        by.draining = true;
        const auto which = std::exchange(one.by, 0);
        pool.drain(which, now);
        pool.put_back(one.id, now);
        settle();
    }
    void end(std::size_t i, processed how, session_pool::after then)
    {
        request& one = requests[i];
        session& by = sessions.at(one.by);
        const bool closes = then == session_pool::after::close;
        const bool expected = repeats(i, how, closes && !by.draining);
        by.used = by.used || how == processed::yes;
        by.draining = by.draining || closes || scope.max_idle == 0;
        --by.serves;
        one.at = expected ? phase::waits : phase::answered;
        if (expected) {
            one.doubts += how == processed::maybe ? 1 : 0;
            one.refusals += how == processed::no ? 1 : 0;
            one.wants_unused = closes;
        }
        if (pool.ended(one.id, how, then, idle_timeout, now) != expected)
            throw std::logic_error("repeated, or not repeated, against the rule");
        settle();
    }
    void open(std::uint64_t which)
    {
        sessions.at(which).open = true;
        known.insert(sessions.at(which).origin);
        pool.opened(which, scope.capacity, now);
        settle();
    }
    void fail(std::uint64_t which)
    {
        failing = which;
        const std::string origin = sessions.at(which).origin;
        sessions.erase(which);
        const bool others = waiting(origin) <= openings(origin) * room(origin);
        pool.failed(which, now);
        settle();
        if (others != (failing != 0))
            throw std::logic_error("a failed opening has another's victim, or none");
        failing = 0;
    }
    void drain(std::uint64_t which)
    {
        sessions.at(which).draining = true;
        pool.drain(which, now);
        settle();
    }
    void pass_time()
    {
        now += duration(1);
        pool.reap(now);
        settle();
    }
    void close_oldest()
    {
        const bool any = pool.idle() != 0;
        if (pool.close_oldest(now) != any)
            throw std::logic_error("an idle session was not closed");
        settle();
    }
    void close_idle()
    {
        pool.close_idle(now);
        settle();
    }

    // ---- what must hold

    /// All that the future depends on. Requests of the same kind are alike.
    std::string text() const
    {
        const session_pool_view view(pool);
        std::multiset<std::string> each;
        for (std::size_t i = 0; i < requests.size(); ++i) {
            const request& one = requests[i];
            std::string to = scope.requests[i] + (is_repeatable(i) ? 'r' : '-');
            to += std::to_string(static_cast<int>(one.at));
            if (one.at != phase::unasked && one.at != phase::answered)
                to += std::to_string(view.rank_of_request(one.id)) + std::to_string(one.doubts) +
                      std::to_string(one.refusals) + (one.wants_unused ? 'u' : '-');
            each.insert(to);
        }
        std::string all = view.text(now) + '/';
        for (const std::string& one : each)
            all += one + ' ';
        return all;
    }

    void check() const
    {
        for (const auto& origin : {std::string("a"), std::string("b")})
            check_origin(origin);
        std::size_t idle = 0, busy = 0;
        for (const auto& each : sessions) {
            idle += each.second.idle ? 1 : 0;
            busy += each.second.serves != 0 ? 1 : 0;
            if (each.second.serves > scope.capacity)
                throw std::logic_error("a session serves more than it can");
        }
        if (idle != pool.idle() || busy != pool.in_use() || idle > scope.max_idle)
            throw std::logic_error("the pool counts other sessions than there are");
        if (busy == 0 && waiting("a") + waiting("b") == 0)
            check_end();
    }

    bool is_repeatable(std::size_t i) const { return i + 1 != requests.size(); }

    static constexpr duration idle_timeout{2};

    pool_scope scope;
    session_pool pool;
    std::vector<request> requests;
    std::map<std::uint64_t, session> sessions; // that have not ended
    time_point now{};

private:
    bool repeats(std::size_t i, processed how, bool died) const
    {
        const request& one = requests[i];
        if (how == processed::yes || (died && !sessions.at(one.by).used))
            return false;
        return how == processed::no ? one.refusals < 3 : is_repeatable(i) && one.doubts == 0;
    }

    std::size_t waiting(const std::string& origin) const
    {
        std::size_t number = 0;
        for (std::size_t i = 0; i < requests.size(); ++i)
            number += requests[i].at == phase::waits && scope.requests[i] == origin ? 1 : 0;
        return number;
    }
    std::size_t openings(const std::string& origin) const
    {
        std::size_t number = 0;
        for (const auto& each : sessions)
            number += each.second.origin == origin && !each.second.open ? 1 : 0;
        return number;
    }
    std::size_t of(const std::string& origin) const
    {
        std::size_t number = 0;
        for (const auto& each : sessions)
            number += each.second.origin == origin ? 1 : 0;
        return number;
    }
    /// What an opening of the origin counts for.
    std::size_t room(const std::string& origin) const
    {
        return known.count(origin) != 0 ? scope.capacity : 1;
    }
    bool has_room(const session& one) const
    {
        return one.open && !one.draining && one.serves < scope.capacity;
    }

    void check_origin(const std::string& origin) const
    {
        if (of(origin) > scope.sessions)
            throw std::logic_error("more sessions than the limit");
        if (waiting(origin) == 0)
            return;
        bool any_unused = false, any = false, busy = false;
        for (const auto& each : sessions) {
            if (each.second.origin != origin)
                continue;
            busy = busy || each.second.serves != 0 || !each.second.open;
            any = any || has_room(each.second);
            any_unused = any_unused || (has_room(each.second) && !each.second.used);
        }
        for (std::size_t i = 0; i < requests.size(); ++i)
            if (requests[i].at == phase::waits && scope.requests[i] == origin &&
                (requests[i].wants_unused ? any_unused : any))
                throw std::logic_error("a request waits while a session has room for it");
        if (!busy)
            throw std::logic_error("a request waits for nothing");
        if (of(origin) < scope.sessions && openings(origin) * room(origin) < waiting(origin))
            throw std::logic_error("a request waits while another session may be opened");
    }

    /// Nobody wants anything: all can be closed, and then nothing is left.
    void check_end() const
    {
        checked_pool last(*this);
        last.pool.close_idle(now);
        last.settle();
        if (!last.sessions.empty())
            throw std::logic_error("a session is left");
        if (!session_pool_view(last.pool).is_empty())
            throw std::logic_error("the pool is not empty at the end");
    }

    std::size_t index_of(std::uint64_t id) const
    {
        for (std::size_t i = 0; i < requests.size(); ++i)
            if (requests[i].id == id && id != 0)
                return i;
        throw std::logic_error("a request that is not known");
    }

    void settle()
    {
        while (const auto what = pool.next()) {
            using kind = session_pool::action::kind;
            switch (what->what) {
            case kind::open:
                was_opened(*what);
                break;
            case kind::serve:
                was_served(*what);
                break;
            case kind::fail:
                was_failed(*what);
                break;
            case kind::close:
                was_closed(*what);
                break;
            }
        }
        // What has room and serves nothing rests from now on.
        for (auto& each : sessions) {
            session& one = each.second;
            const bool rests = has_room(one) && one.serves == 0;
            if (rests && !one.idle)
                one.expires = now + idle_timeout;
            one.idle = rests;
            if (rests && one.expires <= now)
                throw std::logic_error("a session was not closed in time");
        }
        // An origin without sessions and waiting requests is forgotten.
        for (const auto& origin : {std::string("a"), std::string("b")})
            if (of(origin) == 0 && waiting(origin) == 0)
                known.erase(origin);
    }

    void was_opened(const session_pool::action& what)
    {
        const std::size_t i = index_of(what.request);
        if (requests[i].at != phase::waits)
            throw std::logic_error("opened for a request that does not wait");
        if (!sessions.emplace(what.session, session()).second)
            throw std::logic_error("opened twice");
        sessions.at(what.session).origin = scope.requests[i];
    }
    void was_served(const session_pool::action& what)
    {
        request& one = requests[index_of(what.request)];
        session& by = sessions.at(what.session);
        if (one.at != phase::waits || !has_room(by))
            throw std::logic_error("a session was given twice, or to a request that had gone");
        if (by.idle && by.expires <= now)
            throw std::logic_error("a session was given after its time");
        if (one.wants_unused && by.used)
            throw std::logic_error("made again by a used session");
        if (by.origin != scope.requests[index_of(what.request)])
            throw std::logic_error("a session of another origin");
        for (std::size_t i = 0; i < requests.size(); ++i)
            if (requests[i].at == phase::waits && requests[i].id < one.id &&
                scope.requests[i] == by.origin && !(requests[i].wants_unused && by.used))
                throw std::logic_error("a request was overtaken");
        one.at = phase::served;
        one.by = what.session;
        ++by.serves;
    }
    void was_failed(const session_pool::action& what)
    {
        request& one = requests[index_of(what.request)];
        if (what.session != failing || one.at != phase::waits)
            throw std::logic_error("a request failed with nothing");
        one.at = phase::answered;
        failing = 0;
    }
    void was_closed(const session_pool::action& what)
    {
        const session& one = sessions.at(what.session); // throws when it was closed before
        if (one.serves != 0)
            throw std::logic_error("closed while it serves");
        const std::string origin = one.origin;
        const bool was_open = one.open;
        sessions.erase(what.session);
        if (!was_open && openings(origin) * room(origin) < waiting(origin))
            throw std::logic_error("an opening was ended that a request waits for");
    }

    std::uint64_t failing = 0;
    std::unordered_set<std::string> known; // origins of which a session has been open
};

} // namespace weir::test
