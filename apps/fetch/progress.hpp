#pragma once

#include "extent.hpp"
#include "slow_hosts.hpp"

#include <weir/http/fetch_counts.hpp>
#include <weir/time/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir_fetch {

/// How a run stands at one moment.
struct standing {
    weir::http::fetch_counts counts;
    std::optional<extent> total;           // of URLs, if it is known
    std::vector<slow_hosts::host> slowest; // those to be named, the slowest first
};

/// How fast something was lately.
class recent_rates {
public:
    explicit recent_rates(weir::duration looked_back) : looked_back_(looked_back) {}

    /// To be called now and then.
    void look(std::uint64_t bytes, std::uint64_t done, weir::time_point now);

    double bytes_per_second() const;
    double done_per_second() const;
    /// How long that was.
    weir::duration length() const;

private:
    struct sample {
        weir::time_point at;
        std::uint64_t bytes;
        std::uint64_t done;
    };

    weir::duration looked_back_;
    std::deque<sample> samples_; // of that time, and one from before it
};

/// How far a run is, how fast it was lately, and how long it will take.
///
/// Threads: one at a time. It reads no clock.
class headway {
public:
    headway();

    /// To be called now and then.
    void look(standing now_is, weir::time_point now);
    /// A line that has at most so many characters: with a narrow terminal, less is in it.
    ///
    /// Shape: `12 done, 1 failed, 3 running, 40 queued, 1.2 MB, 3.4 MB/s, 9/s`, or, once it is
    ///        known how many there are, `12 of 56 done, 1 failed, 3 running, 1.2 MB, 3.4 MB/s, 9/s,
    ///        about 5 s left`, and behind that the slowest hosts. The rates are those of the last
    ///        three seconds, the time that is left is by that of the last thirty, and the bytes are
    ///        those that came, also of bodies that are not complete.
    std::string text(std::size_t columns) const;

private:
    struct part;

    std::vector<part> parts(bool is_narrow) const;
    std::optional<weir::duration> left() const;
    std::uint64_t ended() const noexcept;

    standing last_;
    recent_rates lately_;
    recent_rates before_; // for what is to come
};

/// A progress line that is redrawn in place on a terminal; it is not shown anywhere else.
class progress {
public:
    progress(int descriptor, bool wanted);

    bool is_shown() const noexcept { return shown_; }
    bool is_drawn() const noexcept { return drawn_; }
    void look(standing now_is, weir::time_point now) { headway_.look(std::move(now_is), now); }
    /// Draws the line, in the width that the terminal has now. One that has not changed is not
    /// written again, and no row is ever empty in between.
    void show();
    /// Removes the line, before other text goes to the same terminal.
    void clear();

private:
    std::size_t columns() const;
    std::string erasure(std::size_t width) const;
    void put(const std::string& text) const;

    int descriptor_;
    bool shown_;
    bool drawn_ = false;
    std::string line_; // that is drawn
    std::size_t width_ = 0;
    headway headway_;
};

} // namespace weir_fetch
