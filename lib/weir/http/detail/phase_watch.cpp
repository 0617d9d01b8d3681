#include <weir/http/detail/phase_watch.hpp>

#include <weir/error.hpp>
#include <weir/http/detail/duration_text.hpp>

#include <algorithm>
#include <chrono>

namespace weir::http::detail {
namespace {

time_point after(time_point from, const std::optional<duration>& length)
{
    return length ? saturating_add(from, *length) : time_point::max();
}

failure passed(const std::string& what, const char* limit, duration length)
{
    return failure(error_class::timeout,
                   what + ": " + limit + " of " + text_of(length) + " has passed",
                   make_error_code(errc::timed_out));
}

bool is_set(const std::optional<duration>& limit)
{
    return limit && *limit != duration::max();
}

} // namespace

phase_watch::phase_watch(const request_options& limits, time_point start)
    : limits_(limits),
      has_time_limits_(is_set(limits.name_timeout()) || is_set(limits.connect_timeout()) ||
                       is_set(limits.tls_timeout()) || is_set(limits.first_byte_timeout()) ||
                       is_set(limits.total_timeout()) || limits.least_speed().value_or(0) != 0),
      start_(start), phase_began_(start), connection_began_(start), window_began_(start)
{
}

void phase_watch::enter(phase which, time_point now, std::uint64_t moved)
{
    if (which == phase::name || which == phase::queue)
        connection_began_ = now;
    if (which == phase::send || !moves()) {
        window_began_ = now;
        moved_before_ = moved;
    }
    phase_ = which;
    phase_began_ = now;
}

void phase_watch::resume(time_point now, std::uint64_t moved)
{
    if (--paused_ != 0)
        return;
    if (phase_ == phase::response)
        phase_began_ = now; // what has arrived was not read meanwhile
    window_began_ = now;
    moved_before_ = moved;
}

bool phase_watch::makes_connection() const noexcept
{
    return phase_ == phase::name || phase_ == phase::connect || phase_ == phase::tls;
}

bool phase_watch::moves() const noexcept
{
    return phase_ == phase::send || phase_ == phase::body;
}

time_point phase_watch::end_of_phase() const
{
    switch (phase_) {
    case phase::name:
        return after(phase_began_, limits_.name_timeout());
    case phase::tls:
        return after(phase_began_, limits_.tls_timeout());
    case phase::response:
        return paused_ != 0 ? time_point::max() : after(phase_began_, limits_.first_byte_timeout());
    default:
        return time_point::max();
    }
}

time_point phase_watch::end_of_window() const
{
    if (!moves() || paused_ != 0 || limits_.least_speed().value_or(0) == 0)
        return time_point::max();
    return saturating_add(window_began_, limits_.least_speed_over());
}

time_point phase_watch::soonest() const
{
    time_point first = time_point::max();
    for (const auto* limit :
         {&limits_.name_timeout(), &limits_.connect_timeout(), &limits_.tls_timeout(),
          &limits_.first_byte_timeout(), &limits_.total_timeout()})
        first = std::min(first, after(start_, *limit));
    if (limits_.least_speed().value_or(0) != 0)
        first = std::min(first, saturating_add(start_, limits_.least_speed_over()));
    return first;
}

time_point phase_watch::next() const
{
    time_point first = std::min(after(start_, limits_.total_timeout()), end_of_phase());
    if (makes_connection())
        first = std::min(first, after(connection_began_, limits_.connect_timeout()));
    return std::min(first, end_of_window());
}

std::optional<failure> phase_watch::late(time_point now, std::uint64_t moved)
{
    const std::string during = "timed out in phase " + std::string(name(phase_));
    if (after(start_, limits_.total_timeout()) <= now)
        return passed(during, "total_timeout", *limits_.total_timeout());
    if (makes_connection() && after(connection_began_, limits_.connect_timeout()) <= now)
        return passed(during, "connect_timeout", *limits_.connect_timeout());
    if (end_of_phase() <= now) {
        if (phase_ == phase::name)
            return passed(during, "name_timeout", *limits_.name_timeout());
        if (phase_ == phase::tls)
            return passed(during, "tls_timeout", *limits_.tls_timeout());
        return passed(during, "first_byte_timeout", *limits_.first_byte_timeout());
    }
    if (end_of_window() <= now) {
        const double length = std::chrono::duration<double>(now - window_began_).count();
        const auto bytes = moved - moved_before_;
        if (static_cast<double>(bytes) < static_cast<double>(*limits_.least_speed()) * length)
            return failure(error_class::timeout,
                           during + ": " + std::to_string(bytes) + " bytes in " +
                               text_of(now - window_began_) + ", least_speed is " +
                               std::to_string(*limits_.least_speed()) + " a second",
                           make_error_code(errc::timed_out));
        window_began_ = now;
        moved_before_ = moved;
    }
    return std::nullopt;
}

} // namespace weir::http::detail
