#include <weir/sim/explore.hpp>

#include <weir/sim/context.hpp>
#include <weir/sync/channel.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::sim::context;
using weir::sim::explore;
using weir::sim::report;
using weir::sim::schedules;
using weir::sim::world;

namespace {

void post_each(context& c, const std::string& names, std::string& order)
{
    for (const char name : names)
        asio::post(c.get_executor(), [&order, name] { order += name; });
}

std::set<std::string> orders_of(const std::string& names, const schedules& which,
                                std::uint64_t expected)
{
    std::set<std::string> orders;
    const report found = explore(which, [&](world& w) {
        std::string order;
        context c(w);
        post_each(c, names, order);
        w.run_to_end();
        orders.insert(order);
    });
    BOOST_TEST(found.complete);
    BOOST_TEST(found.schedules == expected);
    BOOST_TEST(found.steps == expected * names.size());
    return orders;
}

} // namespace

BOOST_AUTO_TEST_SUITE(explore_schedules)

BOOST_AUTO_TEST_CASE(all_schedules_are_every_order_once)
{
    BOOST_TEST(orders_of("a", schedules::all(), 1).size() == 1U);
    BOOST_TEST(orders_of("abcd", schedules::all(), 24).size() == 24U);
    BOOST_TEST(orders_of("abcdef", schedules::all(), 720).size() == 720U);
}

BOOST_AUTO_TEST_CASE(a_delay_puts_one_step_behind_the_others)
{
    BOOST_TEST(orders_of("abc", schedules::delayed(0), 1) == std::set<std::string>{"abc"},
               boost::test_tools::per_element());
    // One delay: before a, or before b; before c alone it changes nothing.
    const std::set<std::string> one = {"abc", "acb", "bca"};
    BOOST_TEST(orders_of("abc", schedules::delayed(1), 3) == one, boost::test_tools::per_element());
    BOOST_TEST(orders_of("abc", schedules::delayed(3), 6).size() == 6U);
}

BOOST_AUTO_TEST_CASE(steps_of_several_contexts_are_mixed)
{
    std::set<std::string> orders;
    const report found = explore(schedules::all(), [&](world& w) {
        std::string order;
        context a(w);
        context b(w);
        for (context* c : {&a, &b})
            asio::post(c->get_executor(), [&order, c, name = c == &a ? 'a' : 'b'] {
                order += name;
                post_each(*c, std::string(1, name), order);
            });
        w.run_to_end();
        orders.insert(order);
    });
    BOOST_TEST(bool(found));
    BOOST_TEST(orders.size() == 6U); // aabb abab abba baab baba bbaa
}

BOOST_AUTO_TEST_CASE(a_choice_of_the_scenario_takes_every_value)
{
    std::map<std::pair<std::size_t, std::size_t>, int> seen;
    const report found = explore(schedules::delayed(0), [&](world& w) {
        BOOST_TEST(w.choose(1) == 0U);
        const std::size_t first = w.choose(3);
        ++seen[{first, first == 2 ? w.choose(2) : 0}];
    });
    BOOST_TEST(bool(found));
    BOOST_TEST(found.schedules == 4U);
    BOOST_TEST(seen.size() == 4U);
}

BOOST_AUTO_TEST_CASE(a_fault_strikes_before_every_step_and_after_the_last)
{
    std::set<std::string> orders;
    const report found = explore(schedules::delayed(0), [&](world& w) {
        std::string order;
        context c(w);
        post_each(c, "abc", order);
        w.at_some_step([&order] { order += '!'; });
        w.run_to_end();
        orders.insert(order);
    });
    BOOST_TEST(found.schedules == 4U);
    const std::set<std::string> all = {"!abc", "a!bc", "ab!c", "abc!"};
    BOOST_TEST(orders == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(two_faults_strike_in_every_order)
{
    std::set<std::string> orders;
    const report found = explore(schedules::delayed(0), [&](world& w) {
        std::string order;
        context c(w);
        post_each(c, "a", order);
        w.at_some_step([&order] { order += '1'; });
        w.at_some_step([&order] { order += '2'; });
        w.run_to_end();
        orders.insert(order);
    });
    BOOST_TEST(bool(found));
    BOOST_TEST(orders.size() == 6U);
}

BOOST_AUTO_TEST_CASE(a_fault_strikes_between_timers_too)
{
    std::set<std::string> orders;
    const report found = explore(schedules::all(), [&](world& w) {
        std::string order;
        context c(w);
        c.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 2; ++i) {
                co_await weir::async_sleep_for(c.get_executor(), 1s);
                order += 's';
            }
        });
        w.at_some_step([&order, &w] {
            BOOST_TEST(w.running() == nullptr);
            order += '!';
        });
        w.run_to_end();
        orders.insert(order);
    });
    BOOST_TEST(bool(found));
    const std::set<std::string> all = {"!ss", "s!s", "ss!"};
    BOOST_TEST(orders == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_fault_of_a_context_runs_there_and_goes_with_it)
{
    const report found = explore(schedules::all(), [&](world& w) {
        bool struck = false;
        context a(w);
        auto b = std::make_unique<context>(w);
        a.at_some_step([&] { BOOST_TEST(w.running() == &a); });
        b->at_some_step([&] { struck = true; });
        b.reset();
        w.run_to_end();
        BOOST_TEST(!struck);
    });
    BOOST_TEST(bool(found));
}

BOOST_AUTO_TEST_CASE(random_faults_strike_early_and_late)
{
    std::set<std::size_t> when;
    const report found = explore(schedules::random(2000), [&](world& w) {
        context c(w);
        w.at_some_step([&] { when.insert(w.steps()); });
        for (int i = 0; i < 200; ++i)
            asio::post(c.get_executor(), [] {});
        w.run_to_end();
    });
    BOOST_TEST(bool(found));
    BOOST_TEST(when.count(0) == 1U);
    BOOST_TEST(when.size() > 100U);
    BOOST_TEST(*when.rbegin() == 200U);
}

// Fails in one order only.
void fails_when_c_is_first_and_b_last(world& w)
{
    std::string order;
    context c(w);
    post_each(c, "abc", order);
    w.run_to_end();
    if (order == "cab")
        throw std::runtime_error("c first, b last");
}

BOOST_AUTO_TEST_CASE(a_failure_is_reported_with_choices_that_replay_it)
{
    for (const schedules& which :
         {schedules::all(), schedules::delayed(2), schedules::random(1000)}) {
        const report found = explore(which, fails_when_c_is_first_and_b_last);
        BOOST_TEST(!found);
        BOOST_TEST(found.failures == 1U);
        BOOST_REQUIRE(found.first.has_value());
        BOOST_TEST(found.first->message == "c first, b last");
        BOOST_CHECK_THROW(std::rethrow_exception(found.first->error), std::runtime_error);
        BOOST_TEST(found.text().find("choices " + found.first->choices) != std::string::npos);

        const report again =
            explore(schedules::replay(found.first->choices), fails_when_c_is_first_and_b_last);
        BOOST_TEST(again.schedules == 1U);
        BOOST_TEST(again.failures == 1U);
        BOOST_TEST(again.first->choices == found.first->choices);
        if (found.first->seed)
            BOOST_TEST(
                explore(schedules::random(1, *found.first->seed), fails_when_c_is_first_and_b_last)
                    .failures == 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_fault_and_a_choice_are_replayed_too)
{
    const auto scenario = [](world& w) {
        std::string order;
        context c(w);
        const bool late = w.choose(2) == 1;
        post_each(c, "abc", order);
        w.at_some_step([&order] { order += '!'; });
        w.run_to_end();
        if (late && order == "cb!a")
            throw std::runtime_error("there it is");
    };
    for (const schedules& which : {schedules::all(), schedules::random(5000)}) {
        const report found = explore(which, scenario);
        BOOST_REQUIRE(found.failures == 1U);
        const report again = explore(schedules::replay(found.first->choices), scenario);
        BOOST_TEST(again.failures == 1U);
        BOOST_TEST(again.first->message == "there it is");
    }
}

BOOST_AUTO_TEST_CASE(failures_may_be_counted)
{
    const report found = explore(schedules::all().count_failures(), [](world& w) {
        std::string order;
        context c(w);
        post_each(c, "abcd", order);
        w.run_to_end();
        if (order[0] == 'd')
            throw std::runtime_error("d first");
    });
    BOOST_TEST(found.complete);
    BOOST_TEST(!found);
    BOOST_TEST(found.schedules == 24U);
    BOOST_TEST(found.failures == 6U);
}

BOOST_AUTO_TEST_CASE(an_exploration_that_is_cut_short_is_not_complete)
{
    const auto scenario = [](world& w) {
        std::string order;
        context c(w);
        post_each(c, "abcd", order);
        w.run_to_end();
    };
    const report cut = explore(schedules::all().at_most(23), scenario);
    BOOST_TEST(!cut.complete);
    BOOST_TEST(cut.schedules == 23U);
    BOOST_TEST(!cut);
    BOOST_TEST(explore(schedules::all().at_most(24), scenario).complete);
}

BOOST_AUTO_TEST_CASE(a_scenario_that_is_not_the_same_a_second_time_is_refused)
{
    std::size_t runs = 0;
    const report found = explore(schedules::all(), [&](world& w) {
        std::string order;
        context c(w);
        post_each(c, ++runs % 2 == 0 ? "abc" : "ab", order);
        w.run_to_end();
    });
    BOOST_TEST(found.failures == 1U);
    BOOST_CHECK_THROW(std::rethrow_exception(found.first->error), std::logic_error);
}

BOOST_AUTO_TEST_CASE(choices_that_cannot_be_read_or_do_not_fit_are_refused)
{
    for (const char* text : {"", "x", "1.", ".1", "1,2", "1.x", "-1", "99999999999"})
        BOOST_CHECK_THROW(schedules::replay(text), std::invalid_argument);
    const report found = explore(schedules::replay("7"), fails_when_c_is_first_and_b_last);
    BOOST_TEST(found.failures == 1U);
    BOOST_CHECK_THROW(std::rethrow_exception(found.first->error), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_deadlock_is_reported_by_name)
{
    // Two channels without room, and two coroutines that each send first.
    const report found = explore(schedules::all(), [](world& w) {
        context a(w);
        context b(w);
        weir::channel<int> there(a.get_executor(), 0);
        weir::channel<int> back(b.get_executor(), 0);
        a.spawn(
            [&]() -> asio::awaitable<void> {
                (void)co_await there.async_send(1);
                co_await back.async_receive();
            },
            "left");
        b.spawn(
            [&]() -> asio::awaitable<void> {
                (void)co_await back.async_send(1);
                co_await there.async_receive();
            },
            "right");
        w.run_to_end();
    });
    BOOST_TEST(found.failures == 1U);
    BOOST_CHECK_THROW(std::rethrow_exception(found.first->error), weir::sim::deadlock);
    BOOST_TEST(found.first->message.find("left, right") != std::string::npos);
    BOOST_TEST(found.first->message.find("choices 0") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_livelock_says_which_schedule)
{
    const report found = explore(schedules::random(1, 42).limit_steps(1000), [](world& w) {
        context c(w);
        c.spawn([]() -> asio::awaitable<void> {
            for (;;)
                co_await asio::post(asio::deferred);
        });
        w.run_to_end();
    });
    BOOST_TEST(found.steps == 1001U);
    BOOST_CHECK_THROW(std::rethrow_exception(found.first->error), weir::sim::livelock);
    BOOST_TEST(found.first->message.find("seed 42") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
