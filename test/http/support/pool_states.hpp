#pragma once

#include "http/support/pool_model.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace weir::test {

/// Something that may happen to a pool.
struct pool_event {
    std::string name;
    std::function<void(checked_pool&)> happens;
};

inline void add_ends(std::vector<pool_event>& all, const checked_pool& now, std::size_t i,
                     const std::string& which)
{
    const auto add = [&](const char* name, processed how, session_pool::after then) {
        all.push_back({name + which, [=](checked_pool& p) { p.end(i, how, then); }});
    };
    add("kept", processed::yes, session_pool::after::keep);
    add("closed", processed::yes, session_pool::after::close);
    add("unanswered", processed::maybe, session_pool::after::close);
    if (now.requests[i].refusals == now.scope.refusals)
        return;
    add("unsent", processed::no, session_pool::after::close);
    add("refused", processed::no, session_pool::after::keep);
}

inline void add_of_request(std::vector<pool_event>& all, const checked_pool& now, std::size_t i)
{
    const std::string which = " r" + std::to_string(i);
    const checked_pool::phase at = now.requests[i].at;
    if (at == checked_pool::phase::unasked)
        all.push_back({"ask" + which, [i](checked_pool& p) { p.ask(i); }});
    if (at == checked_pool::phase::waits || at == checked_pool::phase::served)
        all.push_back({"leave" + which, [i](checked_pool& p) { p.leave(i); }});
    if (at == checked_pool::phase::served) {
        all.push_back({"begin" + which, [i](checked_pool& p) { p.begin(i); }});
        all.push_back({"found closed" + which, [i](checked_pool& p) { p.find_closed(i); }});
    }
    if (at == checked_pool::phase::begun)
        add_ends(all, now, i, which);
}

/// What may happen next.
inline std::vector<pool_event> events_of(const checked_pool& now)
{
    std::vector<pool_event> all;
    for (std::size_t i = 0; i < now.requests.size(); ++i)
        add_of_request(all, now, i);
    for (const auto& each : now.sessions) {
        const std::uint64_t s = each.first;
        const std::string which = " s" + std::to_string(s);
        if (!each.second.open) {
            all.push_back({"open" + which, [s](checked_pool& p) { p.open(s); }});
            all.push_back({"fail" + which, [s](checked_pool& p) { p.fail(s); }});
        } else if (!each.second.draining) {
            all.push_back({"drain" + which, [s](checked_pool& p) { p.drain(s); }});
        }
    }
    if (now.pool.idle() != 0)
        all.push_back({"time passes", [](checked_pool& p) { p.pass_time(); }});
    all.push_back({"close oldest", [](checked_pool& p) { p.close_oldest(); }});
    all.push_back({"close idle", [](checked_pool& p) { p.close_idle(); }});
    return all;
}

/// Goes through all states that can be reached from a new pool.
class all_pool_states {
public:
    explicit all_pool_states(const pool_scope& scope) { visit(checked_pool(scope)); }

    std::size_t states() const { return seen_.size(); }
    std::size_t steps() const { return steps_; }
    const std::string& violation() const { return violation_; }
    const std::set<std::string>& happened() const { return happened_; }

private:
    void visit(const checked_pool& at)
    {
        if (!seen_.insert(at.text()).second)
            return;
        for (const pool_event& each : events_of(at)) {
            path_.push_back(each.name);
            ++steps_;
            checked_pool next(at);
            try {
                each.happens(next);
                next.check();
            } catch (const std::exception& e) {
                violation_ = e.what();
                for (const std::string& step : path_)
                    violation_ += "; " + step;
            }
            happened_.insert(each.name.substr(0, each.name.find(" r")));
            if (violation_.empty())
                visit(next);
            if (!violation_.empty())
                return;
            path_.pop_back();
        }
    }

    std::unordered_set<std::string> seen_;
    std::set<std::string> happened_; // the kinds of events
    std::vector<std::string> path_;
    std::size_t steps_ = 0;
    std::string violation_;
};

/// Looks for a violation in every state of a scope.
inline void expect_no_violation(const std::string& name, const pool_scope& scope, std::size_t least)
{
    const all_pool_states all(scope);
    BOOST_TEST_MESSAGE(name << ": " << all.states() << " states, " << all.steps() << " steps");
    BOOST_TEST(all.violation() == "");
    BOOST_TEST(all.states() >= least);
    for (const char* each : {"ask", "leave", "begin", "found closed", "kept", "closed",
                             "unanswered", "unsent", "refused"})
        BOOST_TEST(all.happened().count(each) == 1U, each);
}

} // namespace weir::test
