#pragma once

#include <weir/detail/list.hpp>
#include <weir/policy/schedule.hpp>
#include <weir/sync/limit.hpp>
#include <weir/time/clock.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace weir::http::detail {

/// Decides which host may start its next fetch, so that none stops the others.
///
/// Shape: a host that has something to start is `ready` once for each start. `next` picks one and
///        gives it a place, until `done`.
///        A host begins with one place. Each answer doubles that up to 8, and from there on each
///        adds 8, up to the host's limit, so that one answer never lets more than nine begin; a
///        failure takes it back to one. A good answer counts when its head comes: `answers`.
///        A host that has places and says nothing for a second is silent. At most a quarter of the
///        places stand at silent hosts while others wait: of what stands there beyond that,
///        `is_crowded` says that it should give way, the newest first. A host that was silent is
///        suspected of it until it is heard, and starts within that quarter or when no other waits.
///        A host is proven when it has been heard, until it is suspected. While half of the places
///        stand at hosts that are not, proven ones that have something to start go first: what
///        many silent hosts cost the others is known before they are.
/// Fairness: hosts take turns (`schedule`), and so do proven ones among themselves. One with an
///           idle connection goes before its turn, that heard last first, then those that come
///           back: at most `most_early` starts in a row.
/// Threads: one at a time. It uses no executor, and is given the time.
class host_turns {
    struct ticket {};

public:
    class host;
    using place = schedule<host*, ticket>::place;
    /// Whether there is an idle connection to this origin.
    using has_idle = std::function<bool(const std::string& origin)>;
    enum class ended {
        answered,
        counted, ///< the same, and its head has opened places: see `answers`
        failed,
        unknown
    };

    static constexpr std::size_t most_early = 24;
    /// Up to so many places are doubled; from there on an answer adds as many.
    static constexpr std::size_t most_doubled = 8;
    static constexpr duration silence = std::chrono::seconds(1);

    /// What is known of a host. Forgotten when it has nothing to do.
    class host : public weir::detail::list_node<> {
    public:
        explicit host(std::string key)
            : origin(std::move(key)), warm_(*this), proven_(*this), suspect_(*this)
        {
        }
        host(const host&) = delete;
        host& operator=(const host&) = delete;

        std::size_t running() const noexcept { return running_; }
        std::size_t allowed() const noexcept { return allowed_; }
        /// Its own limit, in place of that of each host.
        void limit_to(limit most) noexcept { own_limit_ = most; }

        const std::string origin;

    private:
        friend class host_turns;

        struct link : weir::detail::list_node<> {
            explicit link(host& h) noexcept : of(h) {}
            host& of;
            bool is_in = false;
        };

        std::size_t running_ = 0;
        std::size_t allowed_ = 1;
        std::optional<limit> own_limit_;
        time_point heard_; // or since when it has places
        bool is_ready_ = false;
        bool is_silent_ = false;
        bool is_suspect_ = false;
        bool is_proven_ = false;
        link warm_;
        link proven_;
        link suspect_;
    };

    struct picked {
        host* of = nullptr;
        host_turns::place place;

        explicit operator bool() const noexcept { return of != nullptr; }
    };

    /// Without a limit of a host, it is that of all.
    host_turns(limit jobs, limit per_host, has_idle idle);

    void ready(host& h, time_point now);
    /// It has nothing to start any more.
    void withdraw(host& h);
    /// Nothing: no place is free, or no host may start.
    picked next(time_point now);
    /// A sign of life.
    void heard(host& h, time_point now);
    /// An answer begins well: the host gets more places, if it may have more; true then. To be
    /// called once for each place.
    bool answers(host& h, time_point now);
    void done(place& p, ended how, time_point now);
    /// Precondition: it is not ready, and has no place.
    void forget(host& h);

    /// Whether one that stands at a silent host should give way to one that waits.
    bool is_crowded(time_point now);
    /// The silent host that was heard last; null when there is none.
    host* newest_silent() const noexcept { return silent_.empty() ? nullptr : &silent_.back(); }
    host* next_older(const host& h) const noexcept { return silent_.before(h); }
    /// A place of this host gives way: it will be `done`, and then `gave_way`.
    void gives_way(host& h, time_point now);
    void gave_way() noexcept { --leaving_; }
    /// When `is_crowded` may change although nothing is called; `time_point::max()`: never.
    time_point look_again() const noexcept;

    /// Whether this host starts nothing before something of it has ended, or is suspected.
    bool is_blocked(const host& h) const noexcept
    {
        return h.running_ >= h.allowed_ || h.is_suspect_;
    }
    std::size_t running() const noexcept { return running_; }
    std::size_t silent_places() const noexcept { return silent_places_; }

private:
    using turns = schedule<host*, ticket>;
    using link = host::link;

    picked start(turns::popped next, time_point now);
    picked next_warm(time_point now);
    picked next_proven(time_point now);
    picked next_suspect(time_point now);
    void look(time_point now);
    void suspect(host& h, time_point now);
    void clear(host& h);
    void prove(host& h, bool is_proven);
    void line_up(host& h);
    void allow(host& h, std::size_t places);
    std::size_t most_of(const host& h) const noexcept;
    static void take_out(weir::detail::list<link>& from, link& l) noexcept;

    const std::size_t jobs_;
    const std::size_t per_host_;
    const std::size_t silent_share_;
    const std::size_t unproven_share_;
    has_idle idle_;
    turns turns_;
    std::size_t running_ = 0;
    std::size_t silent_places_ = 0;
    std::size_t unproven_places_ = 0;  // at hosts that are not proven
    std::size_t leaving_ = 0;          // of those: they give way
    std::size_t early_ = 0;            // starts since the last turn
    weir::detail::list<host> talking_; // with places, that heard longest ago first
    weir::detail::list<host> silent_;  // with places, in the order in which they became it
    weir::detail::list<link> warm_;    // that heard last first, behind them those that come back
    weir::detail::list<link> proven_;  // ready
    weir::detail::list<link> suspects_;
};

} // namespace weir::http::detail
