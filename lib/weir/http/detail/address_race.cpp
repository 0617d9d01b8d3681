#include <weir/http/detail/address_race.hpp>

#include <algorithm>
#include <cassert>

namespace weir::http::detail {
namespace {

address_family other(address_family one)
{
    return one == address_family::v4 ? address_family::v6 : address_family::v4;
}

} // namespace

address_race::address_race(duration attempt_delay, address_family first)
    : attempt_delay_(attempt_delay), first_(first), turn_(first)
{
}

void address_race::answered(address_family which, const addresses& found, time_point now)
{
    side& told = of(which);
    told.waiting.insert(told.waiting.end(), found.begin(), found.end());
    told.answered = true;
    if (begun_)
        return; // the delay between attempts stands
    if (is_answered() || (which == first_ && !found.empty()))
        next_ = std::min(next_, now);
    else if (!found.empty())
        next_ = std::min(next_, saturating_add(now, resolution_delay));
}

void address_race::failed(time_point now)
{
    assert(running_ != 0 && "no attempt runs");
    --running_;
    next_ = std::min(next_, now);
}

std::optional<boost::asio::ip::address> address_race::start(time_point now)
{
    if (!is_waiting() || now < next_)
        return std::nullopt;
    if (of(turn_).waiting.empty())
        turn_ = other(turn_);
    auto& line = of(turn_).waiting;
    const auto chosen = line.front();
    line.pop_front();
    turn_ = other(turn_);
    begun_ = true;
    running_ = std::min(running_ + 1, max_running);
    next_ = saturating_add(now, attempt_delay_);
    return chosen;
}

time_point address_race::next() const
{
    return is_waiting() ? next_ : time_point::max();
}

bool address_race::lost() const
{
    return is_answered() && !is_waiting() && running_ == 0;
}

bool address_race::is_waiting() const noexcept
{
    return !sides_[0].waiting.empty() || !sides_[1].waiting.empty();
}

} // namespace weir::http::detail
