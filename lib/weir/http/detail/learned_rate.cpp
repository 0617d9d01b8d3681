#include <weir/http/detail/learned_rate.hpp>

#include <algorithm>
#include <chrono>

namespace weir::http::detail {
namespace {

using seconds = std::chrono::duration<double>;

constexpr duration second = std::chrono::seconds(1);
constexpr duration looked_back = 10 * second;
constexpr duration shortest_pause = second;
constexpr duration longest_pause = 10 * second;
constexpr duration kept = 60 * second;
/// How late a timer may be without that less is asked for.
constexpr duration late = std::chrono::milliseconds(10);

constexpr double used = 0.98;           // of the ceiling
constexpr double is_same_ceiling = 0.8; // when so much of the rate was accepted, for so long:
constexpr duration shortest_steady = 5 * second;
constexpr double faster_than_allowed = 0.9; // of a rate that was refused earlier
constexpr double refused_early = 0.95;      // of a rate that was refused before it was steady:
constexpr unsigned most_early = 2;          // so often in a row; then it is believed
constexpr double growth = 0.005;
constexpr double fast_growth = 0.05;
constexpr std::uint64_t accepted_before_growth = 50;
constexpr duration time_before_growth = 20 * second;
constexpr unsigned most_patience = 8;
constexpr double slowest = 1.0 / 3600;
constexpr double fastest = 10'000; // there is no rate above it

duration interval_of(double rate)
{
    return std::chrono::duration_cast<duration>(seconds(1 / rate));
}

/// Without an answer to it, each refusal makes the next pause half as long again.
duration own_pause(unsigned refusals)
{
    duration pause = shortest_pause;
    for (unsigned i = 1; i < refusals && pause < longest_pause; ++i)
        pause = pause * 3 / 2;
    return std::min(pause, longest_pause);
}

} // namespace

time_point learned_rate::next(time_point now) const noexcept
{
    return is_learned() ? std::max(now, due_ - late) : now;
}

void learned_rate::started(time_point now) noexcept
{
    used_ = now;
    if (since_ == time_point::min())
        since_ = recent_since_ = now;
    if (refusals_ == 0)
        look_back(now);
    if (is_learned())
        due_ = std::max(due_, now) + interval_of(rate_);
}

/// Forgets what is too long ago.
void learned_rate::look_back(time_point now) noexcept
{
    if (now - recent_since_ < looked_back)
        return;
    since_ = recent_since_;
    count_ = recent_;
    recent_since_ = now;
    recent_ = 0;
}

bool learned_rate::accepted(bool is_new, time_point now) noexcept
{
    ++all_;
    used_ = now;
    if (refusals_ != 0 && is_new) {
        resume(now);
        return true;
    }
    ++count_;
    ++recent_;
    ++since_resumed_;
    if (is_learned() && refusals_ == 0)
        grow(now);
    return false;
}

duration learned_rate::refused(std::optional<duration> pause, time_point now) noexcept
{
    ++refusals_;
    last_refusal_ = now;
    used_ = now;
    if (!pause || *pause <= duration::zero())
        return own_pause(refusals_);
    return refusals_ == 1 ? *pause : std::max(*pause, own_pause(refusals_ - 1));
}

/// The pause was long enough: it tells how many in which time are accepted.
void learned_rate::resume(time_point now) noexcept
{
    // After several refusals the time was over somewhere between the last of them and now; after
    // one, a pause of whole seconds may have been up to a second too long.
    const time_point over = refusals_ == 1 ? now - second : last_refusal_;
    const duration took = std::max({second, over - since_, last_refusal_ - since_});
    const double seen = std::max(1.0, static_cast<double>(count_)) / seconds(took).count();
    const bool is_early = is_learned() && last_refusal_ - since_ < shortest_steady;
    early_ = is_early ? early_ + 1 : 0;
    const bool is_same = is_learned() && !is_early && seen >= is_same_ceiling * rate_;
    patience_ = is_same ? std::min(2 * patience_, most_patience) : 1;
    if (!is_learned())
        ceiling_ = seen;
    else if (is_early && early_ <= most_early)
        ceiling_ = refused_early * rate_; // the little that was seen may be the rest of a window
    else if (is_same)
        ceiling_ = (rate_ + seen) / 2; // it grew past it before that was noticed
    else
        ceiling_ = std::clamp(seen, rate_ / 2, faster_than_allowed * rate_);
    ceiling_ = std::max(ceiling_, slowest);
    rate_ = used * ceiling_;
    due_ = now + interval_of(rate_);
    refusals_ = 0;
    since_ = recent_since_ = resumed_ = now;
    count_ = recent_ = since_resumed_ = 0;
}

void learned_rate::grow(time_point now) noexcept
{
    if (since_resumed_ < patience_ * accepted_before_growth ||
        now - resumed_ < patience_ * time_before_growth)
        return;
    const bool is_outdated = rate_ > (1 + fast_growth) * ceiling_;
    rate_ += is_outdated ? fast_growth : growth * ceiling_ / rate_;
    if (rate_ > fastest)
        rate_ = 0;
}

std::optional<double> learned_rate::per_second() const noexcept
{
    return is_learned() ? std::optional(rate_) : std::nullopt;
}

time_point learned_rate::needed_until() const noexcept
{
    return is_learned() || refusals_ != 0 ? saturating_add(used_, kept) : time_point::min();
}

} // namespace weir::http::detail
