#pragma once

#include <weir/duration.hpp>
#include <weir/http/name_source.hpp>

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

namespace weir::http::detail {

/// Decides which address of a host is tried when. No I/O, and no clock of its own.
///
/// Shape: tell it what happens, then call `start` until it has nothing to start, and again at
///        `next`. The first family's addresses are tried as soon as they are known, those of the
///        other after `resolution_delay`, or once the first family has none. From then on
///        the families take turns, an attempt each `attempt_delay`, or as soon as one fails.
/// Memory: at most `max_running` attempts. The next one takes the place of the oldest, which has
///         had `max_running` delays by then.
/// Source: RFC 8305 (Happy Eyeballs Version 2), sections 3 to 5. The bound is ours.
class address_race {
public:
    static constexpr duration resolution_delay = std::chrono::milliseconds(50);
    static constexpr std::size_t max_running = 8;

    explicit address_race(duration attempt_delay, address_family first = address_family::v6);

    /// The look-up of this family has ended, with no addresses if it failed.
    void answered(address_family which, const addresses& found, time_point now);
    /// A running attempt has failed.
    void failed(time_point now);

    /// The address to try now, if there is one.
    std::optional<boost::asio::ip::address> start(time_point now);
    /// When to call `start` again; `time_point::max()` is not before something happens.
    time_point next() const;

    /// How many attempts run. More were started and have not failed: give up the oldest of them.
    std::size_t running() const noexcept { return running_; }
    /// Whether nothing can come of it any more.
    bool lost() const;

private:
    struct side {
        std::deque<boost::asio::ip::address> waiting;
        bool answered = false;
    };

    side& of(address_family which) noexcept { return sides_[which == address_family::v6 ? 1 : 0]; }
    bool is_answered() const noexcept { return sides_[0].answered && sides_[1].answered; }
    bool is_waiting() const noexcept;

    const duration attempt_delay_;
    const address_family first_;
    address_family turn_;
    side sides_[2];
    bool begun_ = false;
    std::size_t running_ = 0;
    time_point next_ = time_point::max();
};

} // namespace weir::http::detail
