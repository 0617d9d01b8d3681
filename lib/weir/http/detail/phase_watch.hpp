#pragma once

#include <weir/http/error.hpp>
#include <weir/http/phase.hpp>
#include <weir/http/request_options.hpp>
#include <weir/time/clock.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace weir::http::detail {

/// The time limits of one request: which of them is next, and which has passed. It uses neither a
/// clock nor a timer.
///
/// Shape: tell it each phase with `enter`; look at `next` after that, and call `late` then.
class phase_watch {
public:
    phase_watch(const request_options& limits, time_point start);

    /// Whether there is any limit.
    bool has_time_limits() const noexcept { return has_time_limits_; }

    /// `moved` is how many bytes were sent and received so far on the connection.
    void enter(phase which, time_point now, std::uint64_t moved);
    /// Until `resume` it does not depend on the server how fast it goes.
    void pause() noexcept { ++paused_; }
    void resume(time_point now, std::uint64_t moved);

    /// No limit passes earlier than this, whatever phases come.
    time_point soonest() const;
    /// When to call `late`; `time_point::max()` for never.
    time_point next() const;
    /// The failure when a limit has passed.
    std::optional<failure> late(time_point now, std::uint64_t moved);

private:
    /// When the limit of this phase alone passes.
    time_point end_of_phase() const;
    bool makes_connection() const noexcept;
    bool moves() const noexcept;
    time_point end_of_window() const;

    const request_options limits_;
    const bool has_time_limits_;
    const time_point start_;
    phase phase_ = phase::queue;
    time_point phase_began_;
    time_point connection_began_;
    time_point window_began_;
    std::uint64_t moved_before_ = 0; // the window
    unsigned paused_ = 0;
};

} // namespace weir::http::detail
