// Sessions that carry four streams each, from a server that refuses streams and says goodbye
// (HTTP/2's REFUSED_STREAM and GOAWAY): the same rule of sessions serves them.
#include <weir/http/detail/session_pool.hpp>

#include "support/simulation.hpp"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

using weir::http::processed;
using weir::http::detail::session_pool;
using weir::sim::schedules;
using weir::test::in_every_order;
using weir::test::simulation;
using after = session_pool::after;
using kind = session_pool::action::kind;
using namespace std::chrono_literals;

namespace {

/// Ten requests, and a client of a few lines around the rule. A step is one thing that happens to
/// one stream or session.
class ten_requests {
public:
    ten_requests(simulation& s, std::size_t sessions) : s_(s), pool_({sessions, 4, 1h})
    {
        for (int i = 0; i < 10; ++i)
            post([this] {
                waiting_.insert(pool_.ask("a", session_pool::repeatable::no, s_.world.now()));
                perform();
            });
    }

    /// At some step the server says goodbye on each session there is: it will not look at what
    /// began after the last that it has answered.
    void say_goodbye()
    {
        s_.world.at_some_step([this] {
            std::vector<std::uint64_t> all;
            for (auto& each : sessions_)
                if (each.second.open)
                    all.push_back(each.first);
            for (const auto which : all) {
                session& one = sessions_.at(which);
                one.last = one.answered;
                pool_.drain(which, s_.world.now());
            }
            perform();
        });
    }

    void finish()
    {
        s_.run();
        BOOST_REQUIRE(answered_.size() == 10U);
        BOOST_REQUIRE(waiting_.empty());
        for (const auto& each : acted_on_)
            BOOST_REQUIRE(each.second == 1);
        pool_.close_idle(s_.world.now());
        perform();
        BOOST_REQUIRE(sessions_.empty());
        BOOST_REQUIRE(pool_.idle() + pool_.in_use() + pool_.waiting() == 0U);
    }

    std::size_t refused = 0;
    std::size_t left_behind = 0; // by a goodbye

private:
    struct session {
        bool open = false;
        std::uint64_t streams = 0; // that have begun
        std::size_t running = 0;
        std::uint64_t answered = 0;        // the last of those
        std::optional<std::uint64_t> last; // that the server looks at
    };

    template <class Step>
    void post(Step step)
    {
        boost::asio::post(s_.a.get_executor(), std::move(step));
    }

    void perform()
    {
        while (const auto what = pool_.next())
            perform(*what);
        std::size_t most = 0;
        for (const auto& each : sessions_)
            most = std::max(most, each.second.running);
        BOOST_REQUIRE(most <= 4U);
    }

    void perform(const session_pool::action& what)
    {
        const std::uint64_t which = what.session;
        switch (what.what) {
        case kind::open:
            sessions_[which];
            post([this, which] {
                if (sessions_.count(which) == 0)
                    return; // another has room for all
                sessions_.at(which).open = true;
                pool_.opened(which, 4, s_.world.now());
                perform();
            });
            break;
        case kind::serve:
            begin(which, what.request);
            break;
        case kind::fail:
            BOOST_REQUIRE(!"a session that opens fails");
            break;
        case kind::close:
            BOOST_REQUIRE(sessions_.at(which).running == 0U);
            sessions_.erase(which);
            break;
        }
    }

    void begin(std::uint64_t which, std::uint64_t request)
    {
        session& by = sessions_.at(which);
        BOOST_REQUIRE(waiting_.erase(request) == 1U);
        BOOST_REQUIRE(!by.last.has_value());
        ++by.running;
        const std::uint64_t stream = ++by.streams;
        post([this, which, request, stream] {
            session& of = sessions_.at(which);
            --of.running;
            end(of, request, stream);
            perform();
        });
    }

    void end(session& of, std::uint64_t request, std::uint64_t stream)
    {
        const bool behind = of.last && stream > *of.last;
        const bool refuses = !behind && request % 3 == 0 && refused_.insert(request).second;
        left_behind += behind ? 1 : 0;
        refused += refuses ? 1 : 0;
        if (!behind && !refuses) {
            ++acted_on_[request];
            of.answered = std::max(of.answered, stream);
        }
        const auto how = behind || refuses ? processed::no : processed::yes;
        const bool again = pool_.ended(request, how, after::keep, 1h, s_.world.now());
        BOOST_REQUIRE(again == (how == processed::no));
        if (again)
            waiting_.insert(request);
        else
            BOOST_REQUIRE(answered_.insert(request).second);
    }

    simulation& s_;
    session_pool pool_;
    std::map<std::uint64_t, session> sessions_;
    std::set<std::uint64_t> waiting_;
    std::set<std::uint64_t> answered_;
    std::set<std::uint64_t> refused_;
    std::map<std::uint64_t, int> acted_on_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_simulated_streams)

BOOST_AUTO_TEST_CASE(none_is_lost_and_none_acted_on_twice)
{
    for (const std::size_t sessions : {1, 2}) {
        std::size_t refused = 0, left_behind = 0;
        const auto all = [&](simulation& s) {
            ten_requests ten(s, sessions);
            ten.say_goodbye();
            ten.finish();
            refused += ten.refused;
            left_behind += ten.left_behind;
        };
        in_every_order(all, schedules::delayed(1));
        in_every_order(all, schedules::random(300));
        BOOST_TEST(refused != 0U);
        BOOST_TEST(left_behind != 0U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
