#include <weir/http/detail/fetch_schedule.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::http::error_class;
using weir::http::fetcher_options;
using weir::http::detail::fetch_item;
using weir::http::detail::fetch_schedule;
using ending = fetch_schedule::ending;
using item_ptr = fetch_schedule::item_ptr;
using left = fetch_schedule::left;

BOOST_AUTO_TEST_SUITE(http_fetch_schedule)

using texts = std::vector<std::string>;

const weir::time_point start{1h};

// Three jobs, and two of a host.
fetcher_options limits()
{
    fetcher_options options;
    options.jobs(3).client(weir::http::client_options().per_host(2));
    return options;
}

// URLs without a network: `a/1` is of the host `a`.
struct fixture {
    explicit fixture(const fetcher_options& options = limits()) : schedule(options, no_idle) {}

    static bool no_idle(const std::string&) { return false; }

    void add(const std::string& text) { schedule.add(text.substr(0, 1), text, start); }
    void add_all(const texts& all)
    {
        for (const std::string& text : all)
            add(text);
    }
    item_ptr start_next()
    {
        auto item = schedule.start_next(start);
        if (item)
            running.push_back(item);
        return item;
    }
    texts start_all()
    {
        texts all;
        while (auto item = start_next())
            all.push_back(item->result.url);
        return all;
    }

    fetch_schedule schedule;
    std::vector<item_ptr> running;
};

BOOST_AUTO_TEST_CASE(without_a_limit_a_host_takes_every_place_in_the_end)
{
    fetcher_options options;
    options.jobs(3).client(weir::http::client_options().per_host(weir::unlimited));
    fixture all(options);
    all.add_all({"a/1", "a/2", "a/3", "a/4", "a/5", "a/6"});
    std::vector<std::size_t> at_a_time;
    for (int i = 0; i < 3; ++i) {
        all.start_all();
        at_a_time.push_back(all.schedule.counts().running);
        all.schedule.leave(*all.running[static_cast<std::size_t>(i)], left::answered, start);
    }
    BOOST_TEST(at_a_time == (std::vector<std::size_t>{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_host_without_room_lets_the_others_pass, fixture)
{
    add_all({"a/1", "a/2", "b/1", "b/2"});
    BOOST_TEST(start_all() == (texts{"a/1", "b/1"}), boost::test_tools::per_element());
    BOOST_TEST(schedule.counts().running == 2u);
    BOOST_TEST(schedule.counts().queued == 2u);
    schedule.leave(*running[1], left::answered, start);
    schedule.leave(*running[1], left::answered, start); // a second time does nothing
    add("b/3");
    BOOST_TEST(start_all() == (texts{"b/2", "b/3"}), boost::test_tools::per_element());
    BOOST_TEST(schedule.counts().peak == 3u);
}

BOOST_FIXTURE_TEST_CASE(one_that_was_redirected_goes_first, fixture)
{
    add_all({"a/1", "a/2", "a/3"});
    start_all();
    const item_ptr first = running.front();
    schedule.leave(*first, left::answered, start);
    BOOST_TEST(schedule.go_on(first, start));
    BOOST_TEST(schedule.counts().queued == 3u);
    BOOST_TEST(start_all() == (texts{"a/1", "a/2"}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_drain_ends_what_has_not_begun_and_lets_redirects_go_on, fixture)
{
    add_all({"a/1", "a/2", "a/3"});
    start_all();
    const item_ptr first = running.front();
    first->begin(start, nullptr);
    schedule.leave(*first, left::answered, start);
    BOOST_TEST(schedule.go_on(first, start));
    BOOST_TEST(schedule.end(ending::draining, start));
    BOOST_TEST(!schedule.end(ending::draining, start));
    add("b/1");
    BOOST_TEST(schedule.ended() == 3u);
    for (const char* text : {"b/1", "a/2", "a/3"}) {
        item_ptr ended = schedule.take_ended();
        if (!ended)
            ended = schedule.take_dropped();
        BOOST_TEST_REQUIRE(ended != nullptr);
        BOOST_TEST(ended->result.url == text);
        BOOST_TEST((ended->result.status == weir::status::dropped));
        schedule.count(ended->result);
    }
    BOOST_TEST(schedule.ended() == 0u);
    BOOST_TEST(schedule.take_dropped() == nullptr);
    BOOST_TEST(schedule.counts().aborted == 3u);
    BOOST_TEST(start_all() == (texts{"a/1"}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_stop_ends_redirects_too, fixture)
{
    add_all({"a/1", "b/2"});
    start_all();
    for (const item_ptr& item : running) {
        item->begin(start, nullptr);
        schedule.leave(*item, left::answered, start);
    }
    BOOST_TEST(schedule.go_on(running[0], start));
    schedule.end(ending::draining, start);
    BOOST_TEST(schedule.end(ending::stopping, start));
    BOOST_TEST(!schedule.go_on(running[1], start));
    const item_ptr ended = schedule.take_ended();
    BOOST_TEST((ended == running[0]));
    for (const item_ptr& item : running) {
        BOOST_TEST((item->result.status == weir::status::cancelled));
        BOOST_TEST((item->result.answer.error->kind() == error_class::aborted));
    }
}

BOOST_FIXTURE_TEST_CASE(it_is_over_when_intake_has_ended_and_none_is_left, fixture)
{
    add("a/1");
    schedule.intake_ended();
    BOOST_TEST(!schedule.is_over()); // queued
    start_all();
    BOOST_TEST(!schedule.is_over()); // running
    schedule.refuse(running.front(), start);
    BOOST_TEST(schedule.is_over());
    BOOST_TEST((schedule.take_ended() == running.front()));
    BOOST_TEST(schedule.counts().running == 0u);
}

BOOST_AUTO_TEST_CASE(one_that_gives_way_is_queued_again_as_it_was_and_before_the_others)
{
    fixture all;
    auto& schedule = all.schedule;
    auto& running = all.running;
    all.add_all({"a/1", "a/2", "b/1", "c/1", "d/1"});
    all.start_all();
    BOOST_TEST(schedule.give_way(start + 999ms) == nullptr);
    BOOST_TEST((schedule.look_again() == start + 1s));
    schedule.heard(*running[1], 1, start + 500ms); // of b
    // One place of three may stand at silent hosts: the older one of a and c.
    fetch_item* const chosen = schedule.give_way(start + 1s);
    BOOST_TEST_REQUIRE(chosen != nullptr);
    BOOST_TEST(chosen == running[2].get());
    BOOST_TEST(schedule.give_way(start + 1s) == nullptr);
    schedule.leave(*chosen, left::gave_way, start + 1s);
    const auto next = schedule.start_next(start + 1s);
    BOOST_TEST_REQUIRE(next != nullptr);
    BOOST_TEST(next->result.url == "d/1");
    BOOST_TEST(schedule.start_next(start + 1s) == nullptr);
    all.add("c/2");
    // A place is free, but only for hosts that are not suspected: until none of these waits.
    schedule.leave(*running[1], left::answered, start + 1s);
    const auto again = schedule.start_next(start + 1s);
    BOOST_TEST_REQUIRE(again != nullptr);
    BOOST_TEST(again->result.url == "c/1");
    BOOST_TEST(again->result.id == 4u);
    BOOST_TEST((again->taken == start));
    // That one has given way counts no more: all but one do when another host waits.
    all.add("e/1");
    for (const char* text : {"d/1", "c/1"}) {
        const fetch_item* const newest = schedule.give_way(start + 2s);
        BOOST_TEST_REQUIRE(newest != nullptr);
        BOOST_TEST(newest->result.url == text);
    }
    BOOST_TEST(schedule.give_way(start + 2s) == nullptr);
}

BOOST_FIXTURE_TEST_CASE(what_has_sent_something_or_was_redirected_gives_no_way, fixture)
{
    add_all({"a/1", "b/1", "c/1", "d/1"});
    start_all();
    schedule.heard(*running[0], 1, start);
    running[1]->result.redirects = 1;
    schedule.heard(*running[2], 1, start);
    BOOST_TEST(schedule.give_way(start + 5s) == nullptr);
    running[1]->result.redirects = 0;
    BOOST_TEST(schedule.give_way(start + 5s) == running[1].get());
}

BOOST_AUTO_TEST_CASE(text_of_a_host_without_room_goes_to_the_file_and_comes_back)
{
    auto options = limits();
    options.window(fetcher_options::min_window);
    fixture all(options);
    const std::string tail(80, 'x');
    all.add("a/0");
    all.start_all();
    std::string file(std::size_t(1) << 20, '\0');
    const auto move = [&] {
        auto step = all.schedule.next_step();
        if (step.what == weir::http::detail::text_backlog::step::kind::none)
            return false;
        if (step.what == weir::http::detail::text_backlog::step::kind::write)
            file.replace(step.at, step.size, step.bytes);
        else
            step.bytes = file.substr(step.at, step.size);
        all.schedule.moved(std::move(step), false, start);
        return true;
    };
    for (int i = 1; i <= 200; ++i) {
        all.add("a/" + std::to_string(i) + tail);
        while (!all.schedule.has_room())
            BOOST_TEST_REQUIRE(move());
    }
    BOOST_TEST(all.schedule.counts().spilled > 10'000u);
    BOOST_TEST(all.schedule.counts().queued == 200u);
    for (int i = 0; i <= 200; ++i) {
        const auto ended = all.running.at(static_cast<std::size_t>(i));
        BOOST_TEST_REQUIRE(ended->result.id == static_cast<unsigned>(i + 1));
        all.schedule.leave(*ended, left::failed, start);
        while (!all.start_next() && move()) {
        }
    }
    BOOST_TEST(all.schedule.counts().queued == 0u);
    BOOST_TEST(all.schedule.counts().spilled == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_job_that_fails_by_itself_is_an_internal_fault, fixture)
{
    const auto kind_after = [](weir::status how) {
        fetch_item item{weir::http::detail::waiting_url()};
        item.ended_without_value(how, std::make_exception_ptr(std::runtime_error("a fault")));
        return std::string(name(item.result.answer.error->kind()));
    };
    BOOST_TEST(kind_after(weir::status::failed) == "internal");
    BOOST_TEST(kind_after(weir::status::timed_out) == "timeout");
    BOOST_TEST(kind_after(weir::status::cancelled) == "aborted");
}

BOOST_AUTO_TEST_SUITE_END()
