#include <weir/http/detail/host_turns.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::http::detail::host_turns;
using ended = host_turns::ended;

namespace {

// Hosts that always have something to start, and what runs of them.
struct world {
    world(std::size_t jobs, std::size_t hosts, weir::limit per_host = 8)
        : turns(jobs, per_host, [this](const std::string& o) { return idle.count(o) != 0; })
    {
        for (std::size_t i = 0; i < hosts; ++i) {
            all.push_back(std::make_unique<host_turns::host>(std::to_string(i)));
            turns.ready(*all.back(), now);
        }
    }

    // The number of the host that starts; -1 when none does.
    int start()
    {
        auto next = turns.next(now);
        if (!next)
            return -1;
        running.push_back(std::move(next.place));
        turns.ready(*next.of, now);
        return std::stoi(next.of->origin);
    }
    std::vector<int> start_all()
    {
        std::vector<int> order;
        for (int host = start(); host >= 0; host = start())
            order.push_back(host);
        return order;
    }
    // Ends the oldest of what runs of this host.
    void end(int host, ended how = ended::answered)
    {
        for (auto each = running.begin(); each != running.end(); ++each)
            if (each->key()->origin == std::to_string(host)) {
                turns.done(*each, how, now);
                running.erase(each);
                return;
            }
        BOOST_FAIL("nothing runs of " << host);
    }
    host_turns::host& host(int number) { return *all.at(static_cast<std::size_t>(number)); }

    std::set<std::string> idle;
    std::vector<std::unique_ptr<host_turns::host>> all;
    host_turns turns;
    std::vector<host_turns::place> running;
    weir::time_point now{1h};
};

using order = std::vector<int>;

} // namespace

BOOST_AUTO_TEST_SUITE(http_host_turns)

BOOST_AUTO_TEST_CASE(a_host_begins_with_one_place_and_each_answer_doubles_that_up_to_the_limit)
{
    world w(50, 1, 6);
    for (const std::size_t places : {1U, 2U, 4U, 6U, 6U}) {
        w.start_all();
        BOOST_TEST(w.turns.running() == places);
        w.end(0);
    }
    w.end(0, ended::unknown); // cancelled, say: it says nothing of the host
    BOOST_TEST(w.host(0).allowed() == 6U);
    w.end(0, ended::failed);
    BOOST_TEST(w.host(0).allowed() == 1U);
    BOOST_TEST(w.start() == -1); // others still run
    while (w.turns.running() != 0)
        w.end(0, ended::failed);
    BOOST_TEST(w.start_all().size() == 1U);
}

BOOST_AUTO_TEST_CASE(proven_hosts_go_first_while_half_of_the_places_stand_at_others)
{
    world w(8, 40);
    BOOST_TEST((w.start_all() == order{0, 1, 2, 3, 4, 5, 6, 7}));
    w.end(0);
    BOOST_TEST((w.start_all() == order{0}));
    w.end(1);
    BOOST_TEST((w.start_all() == order{0}));
    w.end(2);
    BOOST_TEST((w.start_all() == order{1})); // 0 has its two
    w.end(3);
    BOOST_TEST((w.start_all() == order{2}));
    w.end(4); // three are not heard yet
    BOOST_TEST((w.start_all() == order{8}));
    w.end(0, ended::failed); // which says nothing about the next one
    BOOST_TEST((w.start_all() == order{1}));
    w.turns.gives_way(w.host(0), w.now); // it is not proven any more
    w.end(5);
    BOOST_TEST((w.start_all() == order{3}));
}

BOOST_AUTO_TEST_CASE(places_that_others_have_left_do_not_count)
{
    world w(8, 40);
    w.start_all();
    w.end(0);
    BOOST_TEST((w.start_all() == order{0}));
    for (const int host : {1, 2, 3, 4})
        w.end(host, ended::unknown);
    BOOST_TEST((w.start_all() == order{8, 0, 9, 10}));
}

BOOST_AUTO_TEST_CASE(what_is_proven_is_forgotten_with_its_host)
{
    world w(4, 10);
    w.start_all();
    w.end(0);
    BOOST_TEST((w.start_all() == order{0}));
    w.end(0, ended::unknown);
    w.turns.withdraw(w.host(0));
    w.turns.forget(w.host(0));
    w.turns.ready(w.host(0), w.now);
    BOOST_TEST((w.start_all() == order{4}));
}

BOOST_AUTO_TEST_CASE(from_eight_places_on_each_answer_adds_eight)
{
    world w(50, 1, 50);
    for (const std::size_t places : {1U, 2U, 4U, 8U, 16U, 24U}) {
        w.start_all();
        BOOST_TEST(w.host(0).allowed() == places);
        w.end(0);
    }
}

BOOST_AUTO_TEST_CASE(a_host_may_have_a_limit_of_its_own)
{
    world w(10, 3, 2);
    w.host(0).limit_to(4);
    w.host(1).limit_to(1);
    w.host(2).limit_to(weir::unlimited);
    for (int answers = 0; answers < 6; ++answers)
        for (int host = 0; host < 3; ++host)
            w.turns.answers(w.host(host), w.now);
    w.start_all();
    for (int answers = 0; answers < 6; ++answers)
        for (int host = 0; host < 3; ++host) {
            w.end(host);
            w.start_all();
        }
    BOOST_TEST(w.host(0).allowed() == 4U);
    BOOST_TEST(w.host(1).allowed() == 1U);
    BOOST_TEST(w.host(2).allowed() == 10U); // all jobs
}

BOOST_AUTO_TEST_CASE(the_head_of_an_answer_opens_places_once)
{
    world w(50, 1, 8);
    w.start_all();
    BOOST_TEST(w.turns.answers(w.host(0), w.now));
    BOOST_TEST(w.start_all().size() == 1U); // though the first body never ends
    w.end(0, ended::counted);
    BOOST_TEST(w.host(0).allowed() == 2U);
    w.end(0, ended::failed);
    BOOST_TEST(w.host(0).allowed() == 1U);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(w.turns.answers(w.host(0), w.now));
    BOOST_TEST(!w.turns.answers(w.host(0), w.now)); // it has all
}

BOOST_AUTO_TEST_CASE(hosts_take_turns_up_to_the_limit_of_all)
{
    world w(3, 5, 1);
    BOOST_TEST(w.start_all() == (order{0, 1, 2}), boost::test_tools::per_element());
    w.end(1, ended::unknown);
    BOOST_TEST(w.start_all() == (order{3}), boost::test_tools::per_element());
    w.end(0, ended::unknown);
    w.end(3, ended::unknown);
    BOOST_TEST(w.start_all() == (order{4, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_host_with_an_idle_connection_goes_before_its_turn_a_limited_number_of_times)
{
    world w(1, 4);
    BOOST_TEST(w.start() == 0);
    w.idle = {"0"};
    w.end(0);
    for (const int turn : {1, 2, 3}) { // the oldest turn each time
        for (std::size_t i = 0; i < host_turns::most_early; ++i) {
            BOOST_TEST_REQUIRE(w.start() == 0);
            w.end(0);
        }
        BOOST_TEST(w.start() == turn);
        w.end(turn, ended::failed); // without a connection left
    }
}

// It was forgotten, or had nothing to start for a while.
BOOST_AUTO_TEST_CASE(a_host_that_comes_back_to_an_idle_connection_goes_before_its_turn)
{
    world w(1, 4);
    host_turns::host late("late"), later("later");
    w.idle = {"late", "later"};
    w.turns.ready(late, w.now);
    w.turns.ready(later, w.now);
    auto first = w.turns.next(w.now);
    BOOST_TEST((first.of == &late));
    w.idle = {}; // what the other one had is closed
    w.turns.done(first.place, ended::answered, w.now);
    BOOST_TEST(w.start() == 0);
    w.end(0);
    w.turns.withdraw(later);
    w.turns.forget(late);
    w.turns.forget(later);
}

BOOST_AUTO_TEST_CASE(without_an_idle_connection_no_host_goes_before_its_turn)
{
    world w(1, 3);
    BOOST_TEST(w.start() == 0);
    w.end(0);
    BOOST_TEST(w.start() == 1);
    w.idle = {"0"}; // it was closed, and another one is there: nobody knows that
    w.end(1);
    BOOST_TEST(w.start() == 2);
}

BOOST_AUTO_TEST_CASE(a_quarter_of_the_places_stands_at_silent_hosts_while_others_wait)
{
    world w(8, 20);
    w.start_all();
    BOOST_TEST((w.turns.look_again() == w.now + 1s));
    w.now += 999ms;
    BOOST_TEST(!w.turns.is_crowded(w.now));
    w.turns.heard(w.host(3), w.now);
    w.now += 1ms;
    order gone;
    while (w.turns.is_crowded(w.now)) {
        auto* next = w.turns.newest_silent();
        for (std::size_t i = 0; i < gone.size(); ++i)
            next = w.turns.next_older(*next);
        gone.push_back(std::stoi(next->origin));
        w.turns.gives_way(*next, w.now);
    }
    BOOST_TEST(gone == (order{7, 6, 5, 4, 2}), boost::test_tools::per_element());
    for (const int host : gone) {
        w.end(host, ended::unknown);
        w.turns.gave_way();
    }
    BOOST_TEST(w.turns.silent_places() == 2U);
    BOOST_TEST(w.start_all() == (order{8, 9, 10, 11, 12}), boost::test_tools::per_element());
    // One of the two is heard: the first of those that gave way has its place, and keeps it.
    w.turns.heard(w.host(0), w.now);
    w.end(0);
    BOOST_TEST(w.start() == 7);
    BOOST_TEST(w.turns.silent_places() == 2U);
    BOOST_TEST(!w.turns.is_crowded(w.now));
}

BOOST_AUTO_TEST_CASE(when_no_other_waits_suspected_hosts_have_every_place)
{
    world w(4, 5);
    w.start_all();
    w.now += 1s;
    BOOST_TEST(w.turns.is_crowded(w.now));
    w.turns.gives_way(w.host(3), w.now);
    w.end(3, ended::unknown);
    w.turns.gave_way();
    BOOST_TEST(w.start() == 4);
    w.now += 1s;
    BOOST_TEST(!w.turns.is_crowded(w.now)); // only suspected ones wait
    w.end(4, ended::failed);
    w.turns.withdraw(w.host(4));
    BOOST_TEST(w.start() == 3);
    BOOST_TEST(w.turns.silent_places() == 4U);
    w.end(3); // it is heard after all
    BOOST_TEST(w.host(3).allowed() == 2U);
    BOOST_TEST(w.start() == 3);
    BOOST_TEST(w.turns.silent_places() == 3U);
}

BOOST_AUTO_TEST_CASE(a_host_that_fails_at_once_is_not_suspected)
{
    world w(4, 2);
    BOOST_TEST(w.start_all() == (order{0, 1}), boost::test_tools::per_element());
    w.end(0, ended::failed);
    BOOST_TEST(!w.turns.is_blocked(w.host(0)));
    w.now += 2s;
    w.end(1, ended::failed);
    BOOST_TEST(w.turns.is_blocked(w.host(1)));
}

BOOST_AUTO_TEST_CASE(random_work_loses_and_invents_no_place)
{
    for (unsigned seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            std::mt19937 random(seed);
            world w(10, 40, 4);
            std::size_t leaving = 0;
            for (int i = 0; i < 5'000; ++i) {
                w.now += std::chrono::milliseconds(random() % 60);
                w.start_all();
                BOOST_TEST_REQUIRE(w.turns.running() == w.running.size());
                BOOST_TEST_REQUIRE(w.running.size() == 10U);
                BOOST_TEST_REQUIRE(w.turns.silent_places() <= 10U);
                for (const auto& host : w.all)
                    BOOST_TEST_REQUIRE(host->running() <= 4U);
                auto& place = w.running[random() % w.running.size()];
                host_turns::host& host = *place.key();
                const bool mute = std::stoi(host.origin) % 2 != 0;
                if (mute && w.turns.is_crowded(w.now)) {
                    auto& newest = *w.turns.newest_silent();
                    w.turns.gives_way(newest, w.now);
                    w.end(std::stoi(newest.origin), ended::unknown);
                    w.turns.gave_way();
                    ++leaving;
                } else if (!mute && random() % 2 == 0) {
                    w.turns.heard(host, w.now);
                } else if (!mute || random() % 50 == 0) {
                    w.end(std::stoi(host.origin), mute ? ended::failed : ended::answered);
                }
            }
            BOOST_TEST(leaving > 0U);
            while (!w.running.empty())
                w.end(std::stoi(w.running.front().key()->origin), ended::failed);
            BOOST_TEST(w.turns.running() == 0U);
            BOOST_TEST(w.turns.silent_places() == 0U);
            for (const auto& host : w.all) {
                w.turns.withdraw(*host);
                w.turns.forget(*host);
            }
            BOOST_TEST(w.start() == -1);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
