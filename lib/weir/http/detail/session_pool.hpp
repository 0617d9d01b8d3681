#pragma once

#include <weir/http/detail/recycled.hpp>
#include <weir/http/processed.hpp>
#include <weir/time/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::http::detail {

/// Which session serves which request. A session is a connection that carries exchanges: one at a
/// time over HTTP/1.1, several over a protocol that has streams. Uses neither Asio nor a clock: its
/// caller reports what happened, and does what `next` says.
///
/// Shape: a request asks, waits in the line of its origin, is served by a session, and ends. A
///        session is opened for those that wait, becomes ready or fails, serves, and is closed; of
///        each origin there are at most `per_origin`, whatever they do. While the protocol of an
///        origin is unknown a session counts as room for one request; when one turns out to have
///        more, those that are still being opened and that nothing needs are ended.
/// Fairness: first come, first served within an origin, whatever session becomes free. A request
///           that is made again keeps its place in line.
/// Memory: at most `max_idle` idle sessions, for all origins together; one more closes the one that
///         has been idle longest. An origin without sessions and requests is forgotten.
class session_pool {
public:
    using request_id = std::uint64_t; // in the order in which they asked
    using session_id = std::uint64_t; // in the order in which they were opened

    /// What the caller has to do.
    struct action {
        enum class kind {
            open,  ///< begin to open the session; `request` is one of those that wait for it
            serve, ///< the request may use the session
            fail,  ///< the request ends with the error of the session, which could not be opened
            close  ///< close the session, or end its opening; nothing uses it
        };
        kind what;
        session_id session;
        request_id request; // 0 for `close`
    };

    enum class repeatable {
        never,
        no, ///< only when the server did not act on it
        yes
    };

    /// What has become of a session with the end of an exchange.
    enum class after { keep, close };

    struct limits {
        std::size_t per_origin;
        std::size_t max_idle;
        duration idle_timeout; // of a session that has not carried an exchange
    };

    explicit session_pool(limits most) : limits_(most) {}

    /// What to do next; nothing when all is done. To be asked after each of the calls below.
    std::optional<action> next();

    // ---- requests

    request_id ask(const std::string& origin, repeatable again, time_point now)
    {
        return ask(origin, again, now, limits_.per_origin);
    }
    /// The same where `most` sessions are allowed in place of `per_origin`.
    request_id ask(const std::string& origin, repeatable again, time_point now, std::size_t most);
    /// A request goes without having begun: it was cancelled, or its time was over. A session that
    /// was being opened goes to the next in line. When there is none it is ended: often its server
    /// is silent, and nothing waits for that any more.
    void leave(request_id which, time_point now);
    /// It cannot be made again, whatever becomes of its exchange: its body is gone.
    void spend(request_id which) { requests_.at(which).again = repeatable::never; }
    /// The session that was to serve it cannot, as was found before anything was sent.
    void put_back(request_id which, time_point now);
    /// An exchange has ended. `idle_for` is how long the session may be idle now. True: it is made
    /// again; the request waits at its old place in line.
    ///
    /// That is so when the server did not act on it, or may not have and the method is idempotent.
    /// But the first exchange of a session that then died counts as an attempt, which only its user
    /// may repeat. After `maybe` it is made again once, by a session that has carried none.
    ///
    /// Source: RFC 9110 section 9.2.2, RFC 9112 section 9.3.1.
    bool ended(request_id which, processed how, after then, duration idle_for, time_point now);

    // ---- sessions

    /// It is open, and can carry `capacity` exchanges at a time.
    void opened(session_id which, std::size_t capacity, time_point now);
    /// It could not be opened. The first in line fails with it, unless enough others are on their
    /// way.
    void failed(session_id which, time_point now);
    /// It takes no more requests; those that it serves go on. It is closed after the last.
    void drain(session_id which, time_point now);

    /// Closes the idle sessions whose time is over.
    void reap(time_point now);
    /// When that is for the first of them.
    std::optional<time_point> next_expiry() const;
    /// Closes the session that has been idle longest; false when there is none.
    bool close_oldest(time_point now);
    /// Closes the idle sessions, and those on their way that nothing waits for.
    void close_idle(time_point now);

    /// The requests that wait in the line of this session, in their order.
    const std::set<request_id>& waiting_for(session_id which) const
    {
        return lines_.at(sessions_.at(which).of).waiting;
    }
    /// The sessions that are being opened for the line of this request.
    const std::vector<session_id>& opening_for(request_id which) const
    {
        return lines_.at(requests_.at(which).of).opening;
    }

    /// Whether it has carried an exchange.
    bool is_used(session_id which) const { return sessions_.at(which).used; }
    std::size_t idle() const noexcept { return idle_.size(); }
    /// The idle sessions, the oldest first.
    std::vector<session_id> resting() const;
    /// Whether the origin has a session with room.
    bool has_free(const std::string& origin) const;
    /// How many sessions serve a request.
    std::size_t in_use() const noexcept { return in_use_; }
    /// How many there are, with those that are being opened.
    std::size_t size() const noexcept { return sessions_.size(); }
    std::size_t waiting() const noexcept { return waiting_; }

private:
    friend struct session_pool_view; // for tests

    using line_id = std::uint64_t;

    struct session {
        line_id of = 0;
        std::size_t capacity = 0; // 0: it is being opened
        std::size_t serves = 0;
        bool used = false;
        bool draining = false;
        duration idle_for{};
        time_point expires{};      // while it is idle
        std::uint64_t idle_at = 0; // the number of this idleness, 0 for none
    };
    struct asked {
        line_id of = 0;
        repeatable again = repeatable::no;
        session_id served_by = 0; // 0: it waits
        bool wants_unused = false;
        bool doubted = false; // made again after `maybe`
        unsigned refusals = 0;
    };
    struct line {
        std::string origin;
        std::set<request_id> waiting;
        std::vector<session_id> opening; // the newest last
        std::vector<session_id> free;    // with room; what was used last is last
        std::size_t most = 0;
        std::size_t sessions = 0;
        std::size_t room_of_one = 1; // what its last session had
    };

    void plan(line_id which, time_point now);
    std::optional<session_id> find_free(line& at, const asked& by, time_point now);
    void serve(line& at, request_id which, session_id by);
    void open(line_id which, line& at);
    void end_openings(line& at);
    void give_back(session_id which, time_point now);
    void offer(session_id which, time_point now);
    void rest(session_id which, time_point now);
    void wake(session& one, session_id which);
    void drain_one(session& one, session_id which);
    void close(session_id which);
    bool may_repeat(const asked& one, const session& by, processed how, bool died) const;
    void say(action::kind what, session_id of, request_id request);

    limits limits_;
    std::unordered_map<std::string, line_id> origins_;
    std::unordered_map<line_id, line> lines_;
    std::unordered_map<session_id, session> sessions_;
    template <class Key, class Value>
    using node = recycled<std::pair<const Key, Value>>;
    using expiry = std::pair<time_point, session_id>;

    // Each request changes these three.
    std::unordered_map<request_id, asked, std::hash<request_id>, std::equal_to<>,
                       node<request_id, asked>>
        requests_;
    std::map<std::uint64_t, session_id, std::less<>, node<std::uint64_t, session_id>>
        idle_; // the oldest first
    std::set<expiry, std::less<>, recycled<expiry>> expiries_;
    std::vector<action> to_do_;
    std::size_t next_to_do_ = 0;
    std::size_t in_use_ = 0;
    std::size_t waiting_ = 0;
    request_id last_request_ = 0;
    session_id last_session_ = 0;
    std::uint64_t last_idleness_ = 0;
    line_id last_line_ = 0;
};

} // namespace weir::http::detail
