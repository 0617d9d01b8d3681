#include <weir/http/detail/fetch_schedule.hpp>

#include <boost/test/unit_test.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using weir::http::error_class;
using weir::http::detail::fetch_item;
using weir::http::detail::fetch_schedule;
using ending = fetch_schedule::ending;
using item_ptr = fetch_schedule::item_ptr;

BOOST_AUTO_TEST_SUITE(http_fetch_schedule)

// Items without a network: their keys are their hosts.
struct fixture {
    item_ptr make(const std::string& text)
    {
        auto item = std::make_shared<fetch_item>(schedule.next_id(), text, weir::permit());
        item->read_url(weir::http::fetcher_options());
        return item;
    }
    void add(const std::string& text) { schedule.add(make(text)); }

    std::vector<std::string> start_all()
    {
        std::vector<std::string> texts;
        while (auto item = schedule.start_next()) {
            texts.push_back(item->result.url);
            running.push_back(item);
        }
        return texts;
    }

    fetch_schedule schedule{3, 2};
    std::vector<item_ptr> running;
};

using texts = std::vector<std::string>;

BOOST_AUTO_TEST_CASE(without_a_limit_a_host_takes_every_place)
{
    fetch_schedule schedule(3, weir::unlimited);
    for (const char* text : {"http://a/1", "http://a/2", "http://a/3", "http://a/4"}) {
        auto item = std::make_shared<fetch_item>(schedule.next_id(), text, weir::permit());
        item->read_url({});
        schedule.add(std::move(item));
    }
    std::vector<item_ptr> running;
    while (auto item = schedule.start_next())
        running.push_back(std::move(item));
    BOOST_TEST(running.size() == 3u);
    BOOST_TEST(schedule.counts().queued == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_host_without_room_lets_the_others_pass, fixture)
{
    for (const char* text : {"http://a/1", "http://a/2", "http://a/3", "http://b/1", "http://b/2"})
        add(text);
    BOOST_TEST(start_all() == (texts{"http://a/1", "http://b/1", "http://a/2"}),
               boost::test_tools::per_element());
    BOOST_TEST(schedule.counts().running == 3u);
    BOOST_TEST(schedule.counts().queued == 2u);
    schedule.leave(*running[1]);
    schedule.leave(*running[1]); // a second time does nothing
    BOOST_TEST(start_all() == (texts{"http://b/2"}), boost::test_tools::per_element());
    BOOST_TEST(schedule.counts().peak == 3u);
}

BOOST_FIXTURE_TEST_CASE(one_that_was_redirected_goes_first, fixture)
{
    for (const char* text : {"http://a/1", "http://a/2", "http://a/3", "http://a/4"})
        add(text);
    start_all();
    const item_ptr first = running.front();
    schedule.leave(*first);
    BOOST_TEST(schedule.go_on(first));
    BOOST_TEST(start_all() == (texts{"http://a/1"}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_drain_ends_what_has_not_begun_and_lets_redirects_go_on, fixture)
{
    for (const char* text : {"http://a/1", "http://a/2", "http://a/3"})
        add(text);
    start_all();
    const item_ptr first = running.front();
    first->begin(weir::time_point(), nullptr);
    schedule.leave(*first);
    BOOST_TEST(schedule.go_on(first));
    BOOST_TEST(schedule.end(ending::draining));
    BOOST_TEST(!schedule.end(ending::draining));
    add("http://b/1");
    BOOST_TEST(schedule.ended() == 2u);
    for (const char* text : {"http://a/3", "http://b/1"}) {
        const item_ptr ended = schedule.take_ended();
        BOOST_TEST_REQUIRE(ended != nullptr);
        BOOST_TEST(ended->result.url == text);
        BOOST_TEST((ended->result.status == weir::status::dropped));
        schedule.count(ended->result);
    }
    BOOST_TEST(schedule.take_ended() == nullptr);
    BOOST_TEST(schedule.counts().aborted == 2u);
    BOOST_TEST(start_all() == (texts{"http://a/1"}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_stop_ends_redirects_too, fixture)
{
    for (const char* text : {"http://a/1", "http://a/2"})
        add(text);
    start_all();
    for (const item_ptr& item : running) {
        item->begin(weir::time_point(), nullptr);
        schedule.leave(*item);
    }
    BOOST_TEST(schedule.go_on(running[0]));
    schedule.end(ending::draining);
    BOOST_TEST(schedule.end(ending::stopping));
    BOOST_TEST(!schedule.go_on(running[1]));
    const item_ptr ended = schedule.take_ended();
    BOOST_TEST((ended == running[0]));
    for (const item_ptr& item : running) {
        BOOST_TEST((item->result.status == weir::status::cancelled));
        BOOST_TEST((item->result.answer.error->kind() == error_class::aborted));
    }
}

BOOST_FIXTURE_TEST_CASE(it_is_over_when_intake_has_ended_and_none_is_left, fixture)
{
    add("http://a/1");
    schedule.intake_ended();
    BOOST_TEST(!schedule.is_over()); // queued
    start_all();
    BOOST_TEST(!schedule.is_over()); // running
    schedule.refuse(running.front());
    BOOST_TEST(schedule.is_over());
    BOOST_TEST((schedule.take_ended() == running.front()));
    BOOST_TEST(schedule.counts().running == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_job_that_fails_by_itself_is_an_internal_fault, fixture)
{
    const auto kind_after = [this](weir::status how) {
        const auto item = make("http://a/");
        item->ended_without_value(how, std::make_exception_ptr(std::runtime_error("a fault")));
        return std::string(name(item->result.answer.error->kind()));
    };
    BOOST_TEST(kind_after(weir::status::failed) == "internal");
    BOOST_TEST(kind_after(weir::status::timed_out) == "timeout");
    BOOST_TEST(kind_after(weir::status::cancelled) == "aborted");
}

BOOST_AUTO_TEST_SUITE_END()
