#include <weir/http/detail/session_pool.hpp>

#include <algorithm>
#include <iterator>

namespace weir::http::detail {
namespace {

/// How often a request is made again that the server did not look at. One that refuses so often
/// will go on.
constexpr unsigned most_refusals = 3;

/// What is looked for is nearly always near the end.
void remove(std::vector<session_pool::session_id>& from, session_pool::session_id which)
{
    const auto at = std::find(from.rbegin(), from.rend(), which);
    if (at != from.rend())
        from.erase(std::prev(at.base()));
}

} // namespace

std::optional<session_pool::action> session_pool::next()
{
    if (next_to_do_ == to_do_.size()) {
        to_do_.clear();
        next_to_do_ = 0;
        return std::nullopt;
    }
    return to_do_[next_to_do_++];
}

session_pool::request_id session_pool::ask(const std::string& origin, repeatable again,
                                           time_point now, std::size_t most)
{
    const auto known = origins_.try_emplace(origin, last_line_ + 1);
    const line_id of = known.first->second;
    line& at = lines_[of];
    if (known.second) {
        ++last_line_;
        at.origin = origin;
    }
    at.most = most;
    const request_id which = ++last_request_;
    asked& one = requests_[which];
    one.of = of;
    one.again = again;
    ++waiting_;
    if (at.waiting.empty()) // nearly always: nothing is in line, and nothing has to be
        if (const auto by = find_free(at, one, now)) {
            serve(at, which, *by);
            return which;
        }
    at.waiting.insert(which);
    plan(of, now);
    return which;
}

bool session_pool::has_free(const std::string& origin) const
{
    const auto found = origins_.find(origin);
    return found != origins_.end() && !lines_.at(found->second).free.empty();
}

void session_pool::leave(request_id which, time_point now)
{
    const asked gone = requests_.at(which);
    requests_.erase(which);
    if (gone.served_by != 0) {
        give_back(gone.served_by, now);
        return;
    }
    line& at = lines_.at(gone.of);
    at.waiting.erase(which);
    --waiting_;
    end_openings(at);
    plan(gone.of, now);
}

void session_pool::put_back(request_id which, time_point now)
{
    asked& one = requests_.at(which);
    const session_id by = std::exchange(one.served_by, 0);
    lines_.at(one.of).waiting.insert(which);
    ++waiting_;
    give_back(by, now);
}

bool session_pool::ended(request_id which, processed how, after then, duration idle_for,
                         time_point now)
{
    asked& one = requests_.at(which);
    const session_id by = one.served_by;
    session& carrier = sessions_.at(by);
    const bool died = then == after::close && !carrier.draining;
    const bool again = may_repeat(one, carrier, how, died);
    carrier.used = carrier.used || how == processed::yes;
    carrier.idle_for = idle_for;
    if (then == after::close || limits_.max_idle == 0 || idle_for <= duration::zero())
        drain_one(carrier, by);
    if (again) {
        one.doubted = one.doubted || how == processed::maybe;
        one.refusals += how == processed::no ? 1 : 0;
        one.wants_unused = then == after::close; // one that lives has shown that it is not stale
        put_back(which, now);
    } else {
        requests_.erase(which);
        give_back(by, now);
    }
    return again;
}

bool session_pool::may_repeat(const asked& one, const session& by, processed how, bool died) const
{
    if (how == processed::yes || one.again == repeatable::never || (died && !by.used))
        return false;
    if (how == processed::maybe)
        return one.again == repeatable::yes && !one.doubted;
    return one.refusals < most_refusals;
}

void session_pool::opened(session_id which, std::size_t capacity, time_point now)
{
    session& one = sessions_.at(which);
    one.capacity = capacity;
    one.idle_for = limits_.idle_timeout;
    line& at = lines_.at(one.of);
    remove(at.opening, which);
    at.room_of_one = capacity;
    at.free.push_back(which);
    offer(which, now);
}

void session_pool::failed(session_id which, time_point now)
{
    const line_id of = sessions_.at(which).of;
    line& at = lines_.at(of);
    sessions_.erase(which);
    remove(at.opening, which);
    --at.sessions;
    if (at.opening.size() * at.room_of_one < at.waiting.size()) {
        const request_id first = *at.waiting.begin();
        at.waiting.erase(at.waiting.begin());
        --waiting_;
        requests_.erase(first);
        say(action::kind::fail, which, first);
    }
    plan(of, now);
}

void session_pool::drain(session_id which, time_point now)
{
    session& one = sessions_.at(which);
    const line_id of = one.of;
    drain_one(one, which);
    if (one.serves == 0)
        close(which);
    plan(of, now);
}

void session_pool::drain_one(session& one, session_id which)
{
    one.draining = true;
    wake(one, which);
    remove(lines_.at(one.of).free, which);
}

void session_pool::reap(time_point now)
{
    while (!expiries_.empty() && expiries_.begin()->first <= now) {
        const session_id which = expiries_.begin()->second;
        const line_id of = sessions_.at(which).of;
        close(which);
        plan(of, now);
    }
}

std::optional<time_point> session_pool::next_expiry() const
{
    if (expiries_.empty())
        return std::nullopt;
    return expiries_.begin()->first;
}

std::vector<session_pool::session_id> session_pool::resting() const
{
    std::vector<session_id> all;
    all.reserve(idle_.size());
    for (const auto& each : idle_)
        all.push_back(each.second);
    return all;
}

bool session_pool::close_oldest(time_point now)
{
    if (idle_.empty())
        return false;
    const session_id which = idle_.begin()->second;
    const line_id of = sessions_.at(which).of;
    close(which);
    plan(of, now);
    return true;
}

void session_pool::close_idle(time_point now)
{
    while (close_oldest(now)) {
    }
    std::vector<line_id> all;
    for (auto& each : lines_) {
        end_openings(each.second);
        all.push_back(each.first);
    }
    for (const line_id each : all)
        plan(each, now);
}

/// Serves those that wait, opens sessions for the others, and ends what nothing needs.
void session_pool::plan(line_id which, time_point now)
{
    const auto found = lines_.find(which);
    if (found == lines_.end())
        return;
    line& at = found->second;
    for (auto it = at.waiting.begin(); it != at.waiting.end();) {
        const request_id first = *it;
        const auto by = find_free(at, requests_.at(first), now);
        if (by) {
            it = at.waiting.erase(it);
            serve(at, first, *by);
        } else if (requests_.at(first).wants_unused) {
            ++it; // another may do with what it cannot use
        } else {
            break;
        }
    }
    while (at.sessions < at.most && at.opening.size() * at.room_of_one < at.waiting.size())
        open(which, at);
    // One that carries a single exchange will soon be wanted; of the others one is enough.
    if (at.room_of_one > 1)
        end_openings(at);
    if (at.sessions == 0 && at.waiting.empty()) {
        origins_.erase(at.origin);
        lines_.erase(found);
    }
}

std::optional<session_pool::session_id> session_pool::find_free(line& at, const asked& by,
                                                                time_point now)
{
    for (std::size_t i = at.free.size(); i-- != 0;) {
        const session_id which = at.free[i];
        const session& one = sessions_.at(which);
        if (one.idle_at != 0 && one.expires <= now)
            close(which);
        else if (!by.wants_unused || !one.used)
            return which;
    }
    return std::nullopt;
}

void session_pool::serve(line& at, request_id which, session_id by)
{
    session& one = sessions_.at(by);
    --waiting_;
    requests_.at(which).served_by = by;
    wake(one, by);
    if (one.serves++ == 0)
        ++in_use_;
    if (one.serves == one.capacity)
        remove(at.free, by);
    say(action::kind::serve, by, which);
}

void session_pool::open(line_id which, line& at)
{
    // Those that wait and have no opening of their own yet come in their order. There are few of
    // them, behind many that have one.
    const auto those = at.waiting.size() - at.opening.size() * at.room_of_one;
    const auto first = std::prev(at.waiting.end(), static_cast<std::ptrdiff_t>(those));
    sessions_[++last_session_].of = which;
    at.opening.push_back(last_session_);
    ++at.sessions;
    say(action::kind::open, last_session_, *first);
}

/// Ends those on their way that are more than wait for them.
void session_pool::end_openings(line& at)
{
    while (!at.opening.empty() && (at.opening.size() - 1) * at.room_of_one >= at.waiting.size())
        close(at.opening.back());
}

/// A request uses it no more.
void session_pool::give_back(session_id which, time_point now)
{
    session& one = sessions_.at(which);
    const line_id of = one.of;
    const bool was_full = one.serves == one.capacity;
    if (--one.serves == 0)
        --in_use_;
    if (!one.draining) {
        if (was_full)
            lines_.at(of).free.push_back(which);
        offer(which, now);
        return;
    }
    if (one.serves == 0)
        close(which);
    plan(of, now);
}

/// It has room: for those that wait, else it rests.
void session_pool::offer(session_id which, time_point now)
{
    const line_id of = sessions_.at(which).of;
    plan(of, now);
    if (sessions_.at(which).serves == 0)
        rest(which, now);
}

void session_pool::rest(session_id which, time_point now)
{
    session& one = sessions_.at(which);
    one.idle_at = ++last_idleness_;
    one.expires = saturating_add(now, one.idle_for);
    idle_.emplace(one.idle_at, which);
    expiries_.emplace(one.expires, which);
    while (idle_.size() > limits_.max_idle)
        close_oldest(now);
    reap(now);
}

/// It is not idle any more.
void session_pool::wake(session& one, session_id which)
{
    if (one.idle_at == 0)
        return;
    idle_.erase(std::exchange(one.idle_at, 0));
    expiries_.erase({one.expires, which});
}

void session_pool::close(session_id which)
{
    session& one = sessions_.at(which);
    line& at = lines_.at(one.of);
    wake(one, which);
    remove(at.free, which);
    remove(at.opening, which);
    --at.sessions;
    sessions_.erase(which);
    say(action::kind::close, which, 0);
}

void session_pool::say(action::kind what, session_id of, request_id request)
{
    to_do_.push_back(action{what, of, request});
}

} // namespace weir::http::detail
