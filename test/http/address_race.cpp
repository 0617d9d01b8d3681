#include <weir/http/detail/address_race.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using boost::asio::ip::address;
using boost::asio::ip::make_address;
using weir::duration;
using weir::time_point;
using weir::http::address_family;
using weir::http::addresses;
using weir::http::detail::address_race;

namespace {

constexpr auto delay = 250ms;
const time_point t0{};

addresses four(int n)
{
    addresses result;
    for (int i = 1; i <= n; ++i)
        result.push_back(make_address("192.0.2." + std::to_string(i)));
    return result;
}

addresses six(int n)
{
    addresses result;
    for (int i = 1; i <= n; ++i)
        result.push_back(make_address("2001:db8::" + std::to_string(i)));
    return result;
}

std::string started(address_race& race, time_point now)
{
    const auto where = race.start(now);
    return where ? where->to_string() : "";
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_address_race)

BOOST_AUTO_TEST_CASE(ipv6_is_tried_as_soon_as_it_is_known)
{
    address_race race(delay);
    BOOST_TEST((race.next() == time_point::max()));
    race.answered(address_family::v6, six(1), t0);
    BOOST_TEST((race.next() == t0));
    BOOST_TEST(started(race, t0) == "2001:db8::1");
    BOOST_TEST(started(race, t0) == "");
}

BOOST_AUTO_TEST_CASE(ipv4_waits_fifty_milliseconds_for_ipv6)
{
    address_race race(delay);
    race.answered(address_family::v4, four(1), t0);
    BOOST_TEST((race.next() == t0 + 50ms));
    BOOST_TEST(started(race, t0 + 49ms) == "");
    BOOST_TEST(started(race, t0 + 50ms) == "192.0.2.1");
    BOOST_TEST((race.next() == time_point::max()));
    // IPv6 is late: the delay between attempts stands.
    race.answered(address_family::v6, six(1), t0 + 60ms);
    BOOST_TEST(started(race, t0 + 299ms) == "");
    BOOST_TEST(started(race, t0 + 300ms) == "2001:db8::1");
}

BOOST_AUTO_TEST_CASE(ipv6_within_the_fifty_milliseconds_goes_first)
{
    address_race race(delay);
    race.answered(address_family::v4, four(1), t0);
    race.answered(address_family::v6, six(1), t0 + 20ms);
    BOOST_TEST(started(race, t0 + 20ms) == "2001:db8::1");
    BOOST_TEST((race.next() == t0 + 20ms + delay));
    BOOST_TEST(started(race, t0 + 20ms + delay) == "192.0.2.1");
}

BOOST_AUTO_TEST_CASE(ipv4_does_not_wait_for_what_has_failed)
{
    address_race after(delay);
    after.answered(address_family::v4, four(1), t0);
    after.answered(address_family::v6, {}, t0 + 10ms);
    BOOST_TEST(started(after, t0 + 10ms) == "192.0.2.1");
    address_race before(delay);
    before.answered(address_family::v6, {}, t0);
    BOOST_TEST((before.next() == time_point::max()));
    before.answered(address_family::v4, four(1), t0 + 10ms);
    BOOST_TEST(started(before, t0 + 10ms) == "192.0.2.1");
}

BOOST_AUTO_TEST_CASE(families_take_turns_and_the_longer_one_ends_alone)
{
    address_race race(delay);
    race.answered(address_family::v6, six(3), t0);
    race.answered(address_family::v4, four(2), t0);
    std::vector<std::string> order;
    for (time_point now = t0; race.next() != time_point::max(); now = race.next())
        order.push_back(started(race, now));
    const std::vector<std::string> expected = {"2001:db8::1", "192.0.2.1", "2001:db8::2",
                                               "192.0.2.2", "2001:db8::3"};
    BOOST_TEST(order == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_preferred_family_needs_not_wait_and_the_other_does)
{
    address_race race(delay, address_family::v4);
    race.answered(address_family::v4, four(1), t0);
    BOOST_TEST(started(race, t0) == "192.0.2.1");
    address_race late(delay, address_family::v4);
    late.answered(address_family::v6, six(1), t0);
    BOOST_TEST((late.next() == t0 + 50ms));
}

BOOST_AUTO_TEST_CASE(a_failed_attempt_starts_the_next_at_once)
{
    address_race race(delay);
    race.answered(address_family::v6, six(1), t0);
    race.answered(address_family::v4, four(1), t0);
    BOOST_TEST(started(race, t0) == "2001:db8::1");
    race.failed(t0 + 1ms);
    BOOST_TEST((race.next() == t0 + 1ms));
    BOOST_TEST(started(race, t0 + 1ms) == "192.0.2.1");
    BOOST_TEST(!race.lost());
    race.failed(t0 + 2ms);
    BOOST_TEST(race.lost());
}

BOOST_AUTO_TEST_CASE(what_was_lost_but_for_a_late_answer_goes_on_with_it_at_once)
{
    address_race race(delay);
    race.answered(address_family::v4, four(1), t0);
    BOOST_TEST(started(race, t0 + 50ms) == "192.0.2.1");
    race.failed(t0 + 51ms);
    BOOST_TEST(!race.lost());
    race.answered(address_family::v6, six(1), t0 + 55ms);
    BOOST_TEST(started(race, t0 + 55ms) == "2001:db8::1");
}

BOOST_AUTO_TEST_CASE(the_oldest_of_too_many_attempts_gives_its_place_up)
{
    address_race race(delay);
    race.answered(address_family::v6, {}, t0);
    race.answered(address_family::v4, four(12), t0);
    time_point now = t0;
    for (std::size_t n = 1; n <= 12; ++n, now += delay) {
        BOOST_TEST(started(race, now) != "");
        BOOST_TEST(race.running() == std::min(n, address_race::max_running));
    }
    for (std::size_t n = 0; n < address_race::max_running; ++n) {
        BOOST_TEST(!race.lost());
        race.failed(now);
    }
    BOOST_TEST(race.lost());
}

BOOST_AUTO_TEST_CASE(an_endless_delay_waits_for_the_failure)
{
    address_race race(duration::max());
    race.answered(address_family::v6, {}, t0);
    race.answered(address_family::v4, four(2), t0 + 1h);
    BOOST_TEST(started(race, t0 + 1h) == "192.0.2.1");
    BOOST_TEST((race.next() == time_point::max()));
    race.failed(t0 + 2h);
    BOOST_TEST(started(race, t0 + 2h) == "192.0.2.2");
}

// Answers and failures at random moments, in every order of both families.
struct generated {
    explicit generated(unsigned seed) : random(seed)
    {
        const auto some = [this](int n) { return std::uniform_int_distribution(0, n)(random); };
        found[0] = four(some(5));
        found[1] = six(some(5));
        for (auto& each : at)
            each = t0 + some(400) * 1ms;
    }

    // Runs to the end: the next moment at which anything happens, then what is due.
    void run()
    {
        for (int steps = 0; !race.lost(); ++steps) {
            BOOST_REQUIRE(steps < 1000);
            time_point next = race.next();
            for (const int f : {0, 1})
                if (!told[f])
                    next = std::min(next, at[f]);
            for (const auto& [end, which] : ends)
                next = std::min(next, end);
            BOOST_REQUIRE((next != time_point::max()));
            now = std::max(now, next);
            happen();
            while (const auto where = race.start(now))
                began(*where);
        }
    }

    void happen()
    {
        for (const int f : {0, 1})
            if (!told[f] && at[f] <= now) {
                told[f] = true;
                race.answered(f == 1 ? address_family::v6 : address_family::v4, found[f], now);
            }
        while (!ends.empty() && ends.begin()->first <= now) {
            ends.erase(ends.begin());
            race.failed(now);
            last_failure = now;
        }
    }

    void began(const address& where)
    {
        const int f = where.is_v6() ? 1 : 0;
        BOOST_TEST(told[f]);
        BOOST_TEST((tried.empty() || now >= last_start + delay || last_failure >= last_start));
        if (tried.empty() && f == 0 && !(told[1] && found[1].empty())) {
            BOOST_TEST(!told[1]); // IPv6 that is known would have gone first
            BOOST_TEST((now >= at[0] + 50ms));
        }
        if (tried.empty())
            BOOST_TEST((now <= std::max(t0, f == 1 ? at[1] : std::max(at[0] + 50ms, at[0]))));
        last_start = now;
        tried.push_back(where);
        const int length = std::uniform_int_distribution(0, 900)(random);
        if (ends.size() == address_race::max_running)
            ends.erase(std::min_element(ends.begin(), ends.end()));
        ends.emplace(now + length * 1ms, where);
        BOOST_TEST(ends.size() == race.running());
    }

    std::mt19937 random;
    address_race race{delay};
    addresses found[2];
    time_point at[2];
    bool told[2] = {};
    std::multimap<time_point, address> ends;
    addresses tried;
    time_point now = t0;
    time_point last_start = t0;
    time_point last_failure = time_point::min();
};

BOOST_AUTO_TEST_CASE(in_any_order_of_events_each_address_is_tried_once_and_none_too_early)
{
    for (unsigned seed = 1; seed <= 2000; ++seed)
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            generated g(seed);
            g.run();
            for (const int f : {0, 1}) { // each once, in the order of its family
                addresses of_family;
                for (const address& each : g.tried)
                    if (each.is_v6() == (f == 1))
                        of_family.push_back(each);
                BOOST_TEST((of_family == g.found[f]));
            }
            BOOST_TEST(g.race.running() == 0U);
        }
}

BOOST_AUTO_TEST_SUITE_END()
