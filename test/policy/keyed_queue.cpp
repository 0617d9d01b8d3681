#include <weir/policy/keyed_queue.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using queue = weir::keyed_queue<std::string, int>;

BOOST_AUTO_TEST_SUITE(keyed_queue)

std::vector<int> drain(queue& q)
{
    std::vector<int> order;
    while (auto next = q.pop())
        order.push_back(next->second);
    return order;
}

BOOST_AUTO_TEST_CASE(a_key_at_its_limit_does_not_hold_back_other_keys)
{
    queue q(2);
    for (int i = 0; i < 5; ++i)
        q.push("slow", i);
    q.push("quick", 10);
    BOOST_TEST(drain(q) == (std::vector<int>{0, 10, 1}), boost::test_tools::per_element());
    BOOST_TEST(!q.ready());
    BOOST_TEST(q.queued() == 3U);
    BOOST_TEST(q.running() == 3U);
    q.done("slow");
    BOOST_TEST(drain(q) == (std::vector<int>{2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(keys_take_turns)
{
    queue q(10);
    for (int i = 0; i < 3; ++i) {
        q.push("a", i);
        q.push("b", 10 + i);
    }
    BOOST_TEST(drain(q) == (std::vector<int>{0, 10, 1, 11, 2, 12}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_item_pushed_in_front_goes_first)
{
    queue q(10);
    q.push("a", 1);
    q.push_front("a", 0);
    BOOST_TEST(drain(q) == (std::vector<int>{0, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_held_key_gives_nothing_until_it_is_resumed)
{
    queue q(1);
    q.push("a", 1);
    q.pause("a");
    BOOST_TEST(!q.ready());
    BOOST_TEST(!q.pop().has_value());
    q.resume("a");
    BOOST_TEST(drain(q) == (std::vector<int>{1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_key_is_forgotten_when_nothing_is_left_of_it)
{
    queue q(1);
    q.push("a", 1);
    BOOST_TEST(q.pop().has_value());
    BOOST_TEST(q.keys() == 1U);
    q.done("a");
    BOOST_TEST(q.keys() == 0U);
}

BOOST_AUTO_TEST_CASE(misuse_throws)
{
    BOOST_CHECK_THROW(queue(0), std::invalid_argument);
    BOOST_CHECK_THROW(queue{weir::paused}, std::invalid_argument);
    queue q(1);
    BOOST_CHECK_THROW(q.done("a"), std::logic_error);
    q.push("a", 1);
    BOOST_CHECK_THROW(q.done("a"), std::logic_error);
}

BOOST_AUTO_TEST_CASE(take_any_empties_it_whatever_has_room)
{
    queue q(1);
    q.push("a", 1);
    q.push("a", 2);
    q.push("b", 3);
    q.pause("b");
    BOOST_TEST(q.pop().has_value());
    std::set<int> taken;
    while (auto item = q.take_any())
        taken.insert(item->second);
    BOOST_TEST(taken.size() == 2U);
    BOOST_TEST(q.queued() == 0U);
    BOOST_TEST(q.running() == 1U);
}

// Against the plainest thing that could be right: a deque for each key.
BOOST_AUTO_TEST_CASE(random_steps_agree_with_a_naive_model)
{
    std::mt19937 random(7);
    queue q(3);
    std::map<std::string, std::deque<int>> waiting;
    std::map<std::string, std::size_t> running;
    std::size_t count = 0;
    int next = 0;
    for (int step = 0; step < 200'000; ++step) {
        const std::string key(1, static_cast<char>('a' + random() % 6));
        switch (random() % 3) {
        case 0:
            waiting[key].push_back(next);
            q.push(key, next++);
            ++count;
            break;
        case 1:
            if (const auto item = q.pop()) {
                auto& line = waiting[item->first];
                BOOST_REQUIRE(!line.empty());
                BOOST_REQUIRE_EQUAL(line.front(), item->second);
                BOOST_REQUIRE_LT(running[item->first], 3U);
                line.pop_front();
                ++running[item->first];
                --count;
            } else {
                for (const auto& [k, line] : waiting)
                    BOOST_REQUIRE(line.empty() || running[k] == 3);
            }
            break;
        default:
            if (running[key] > 0) {
                q.done(key);
                --running[key];
            }
        }
        BOOST_REQUIRE_EQUAL(q.queued(), count);
    }
}

BOOST_AUTO_TEST_SUITE_END()
