// What waits in a fetcher's schedule: for its next attempt, for the end of a pause, for a token.
#include <weir/http/detail/fetch_schedule.hpp>

#include <weir/http/date.hpp>
#include <weir/http/detail/fetch_retry.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/phase.hpp>
#include <weir/http/request.hpp>
#include <weir/http/url.hpp>

#include "support/repeats.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace http = weir::http;
using namespace std::chrono_literals;
using weir::time_point;
using weir::http::error_class;
using weir::http::fetcher_options;
using weir::http::response;
using weir::http::detail::fetch_item;
using weir::http::detail::fetch_schedule;
using ending = fetch_schedule::ending;
using item_ptr = fetch_schedule::item_ptr;
using left = fetch_schedule::left;
using texts = std::vector<std::string>;

namespace {

constexpr time_point start{1h};

weir::retry_policy attempts(std::size_t number)
{
    return weir::retry_policy(number).backoff(weir::backoff(1s, 10s, 1));
}

fetcher_options trying(std::size_t number, std::size_t jobs = 8, std::size_t per_host = 4)
{
    fetcher_options options;
    options.jobs(jobs).client(http::client_options().per_host(per_host));
    return options.retry(attempts(number));
}

response answer(unsigned status, const std::string& retry_after = "")
{
    response r;
    r.status = status;
    r.processed = http::processed::yes;
    if (!retry_after.empty())
        r.fields.append("Retry-After", retry_after);
    return r;
}

response failing(error_class kind, http::processed how = http::processed::no)
{
    response r;
    r.error = http::failure(kind, "a fault");
    r.processed = how;
    return r;
}

// URLs without a network: `a/1` is of the host `a`. Time is what the test says.
struct scene {
    explicit scene(fetcher_options o)
        : options(std::move(o)), schedule(options, [](const std::string&) { return false; })
    {
    }

    void add(const std::string& text) { schedule.add(text.substr(0, 1), text, now); }
    void add(const std::string& host, int count)
    {
        for (int i = 1; i <= count; ++i)
            add(host + "/" + std::to_string(i));
    }

    item_ptr start_next()
    {
        item_ptr item = schedule.start_next(now);
        if (item && item->given_up) {
            schedule.leave(*item, left::cancelled, now);
            results.push_back(item);
        } else if (item) {
            BOOST_TEST(!item->begin(now, nullptr).has_value());
            running.push_back(item);
        }
        return item;
    }
    texts start_all()
    {
        texts all;
        while (item_ptr item = start_next())
            if (!item->given_up)
                all.push_back(item->result.url);
        return all;
    }

    // As the fetcher does. True when it goes on.
    bool end(const item_ptr& item, response with)
    {
        std::erase(running, item);
        fetch_schedule::exchange_end how;
        if (with.status == 429 || with.status == 503)
            how.pause = http::retry_after(with.fields, {});
        http::hop last;
        last.answer = std::move(with);
        how.next = item->record(std::move(last), weir::cancel_reason::none, options);
        how.how = fetch_schedule::left_of(item->result.answer);
        const bool goes_on = schedule.ended(item, how, now);
        if (!goes_on)
            results.push_back(item);
        return goes_on;
    }
    bool end_first(response with) { return end(item_ptr(running.front()), std::move(with)); }

    void take_ended()
    {
        for (;;) {
            item_ptr item = schedule.take_ended();
            if (!item)
                item = schedule.take_dropped();
            if (!item)
                return;
            results.push_back(item);
        }
    }

    // To the next moment at which something may start.
    bool pass()
    {
        const time_point at = schedule.look_again();
        if (at == time_point::max())
            return false;
        BOOST_TEST((at > now));
        now = at;
        return true;
    }

    const fetcher_options options;
    fetch_schedule schedule;
    time_point now = start;
    std::vector<item_ptr> running;
    std::vector<item_ptr> results;
};

std::string class_of(const item_ptr& item)
{
    const auto& error = item->result.answer.error;
    return error ? std::string(name(error->kind())) : std::string();
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_fetch_waits)

BOOST_AUTO_TEST_CASE(a_url_that_failed_waits_in_line_without_a_place_and_goes_first_at_its_time)
{
    scene all(trying(3, 1));
    all.add("a/1");
    all.add("b/1");
    BOOST_TEST(all.start_all() == texts{"a/1"}, boost::test_tools::per_element());
    const item_ptr first = all.running.front();
    BOOST_TEST(all.end(first, failing(error_class::timeout)));
    BOOST_TEST(all.schedule.counts().running == 0U);
    BOOST_TEST(all.schedule.counts().queued == 2U);
    BOOST_TEST(all.start_all() == texts{"b/1"}, boost::test_tools::per_element());
    all.end_first(answer(200));
    all.add("a/2");
    BOOST_TEST(all.start_next() == nullptr);
    BOOST_TEST((all.schedule.look_again() == first->due));
    BOOST_TEST_REQUIRE(all.pass());
    BOOST_TEST((all.now <= start + 1s)); // the bound of the first wait
    BOOST_TEST(all.start_all() == texts{"a/1"}, boost::test_tools::per_element());
    BOOST_TEST(all.schedule.counts().retries == 1U);
    BOOST_TEST(!all.end_first(answer(200)));
    BOOST_TEST(first->result.attempts == 2U);
    BOOST_TEST((first->result.status == weir::status::ok));
    BOOST_TEST(!first->result.answer.error.has_value());
}

BOOST_AUTO_TEST_CASE(a_url_has_as_many_attempts_as_allowed_and_the_class_of_the_last)
{
    scene all(trying(3));
    all.add("a/1");
    for (int n = 1; n <= 3; ++n) {
        BOOST_TEST_REQUIRE(all.start_next() != nullptr);
        BOOST_TEST(all.end_first(n == 3 ? answer(503) : failing(error_class::connect)) == (n < 3));
        BOOST_TEST(all.pass() == (n < 3));
    }
    BOOST_TEST_REQUIRE(all.results.size() == 1U);
    BOOST_TEST(class_of(all.results[0]) == "http");
    BOOST_TEST(all.results[0]->result.attempts == 3U);
    all.schedule.intake_ended();
    BOOST_TEST(all.schedule.is_over());
}

BOOST_AUTO_TEST_CASE(a_url_is_tried_once_where_no_policy_says_more)
{
    scene all{fetcher_options()};
    all.add("a/1");
    all.start_all();
    BOOST_TEST(!all.end_first(answer(503)));
}

BOOST_AUTO_TEST_CASE(no_attempt_begins_after_the_time_for_them)
{
    auto options = trying(100);
    scene all(options.retry_time(5s));
    all.add("a/1");
    do {
        BOOST_TEST_REQUIRE(all.start_next() != nullptr);
        BOOST_TEST((all.now < start + 5s));
        all.now += 10ms;
    } while (all.end_first(answer(500)) && all.pass());
    BOOST_TEST(all.results.size() == 1U);
    BOOST_TEST((all.results[0]->result.attempts < 50U));
}

BOOST_AUTO_TEST_CASE(what_may_pass_is_tried_again_and_only_where_that_does_no_harm)
{
    using http::processed;
    using http::retried;
    using http::detail::is_worth_another;
    const auto status = [](unsigned code, const char* method, retried which) {
        auto r = answer(code);
        r.error = http::failure(error_class::http, "");
        return is_worth_another(r, method, which);
    };
    for (const unsigned code : {408U, 429U, 500U, 502U, 503U, 504U}) {
        BOOST_TEST(status(code, "GET", retried::transient));
        BOOST_TEST(!status(code, "POST", retried::any));
    }
    for (const unsigned code : {400U, 401U, 404U, 410U, 501U, 505U}) {
        BOOST_TEST(!status(code, "GET", retried::transient));
        BOOST_TEST(status(code, "GET", retried::any));
    }
    for (const auto kind : {error_class::connect, error_class::timeout, error_class::incomplete}) {
        BOOST_TEST(is_worth_another(failing(kind), "GET", retried::transient));
        BOOST_TEST(is_worth_another(failing(kind), "POST", retried::transient));
        BOOST_TEST(!is_worth_another(failing(kind, processed::maybe), "POST", retried::any));
        BOOST_TEST(is_worth_another(failing(kind, processed::maybe), "PUT", retried::transient));
    }
    for (const auto kind : {error_class::tls, error_class::protocol, error_class::proxy,
                            error_class::too_large, error_class::redirect}) {
        BOOST_TEST(!is_worth_another(failing(kind), "GET", retried::transient));
        BOOST_TEST(is_worth_another(failing(kind), "GET", retried::any));
    }
    for (const auto kind : {error_class::bad_url, error_class::blocked, error_class::io,
                            error_class::given_up, error_class::aborted, error_class::internal})
        BOOST_TEST(!is_worth_another(failing(kind), "GET", retried::any));
    const auto dns = [](weir::error_code code) {
        response r;
        r.error = http::failure(error_class::dns, "", code);
        return is_worth_another(r, "GET", retried::transient);
    };
    namespace error = boost::asio::error;
    BOOST_TEST(dns(error::host_not_found_try_again));
    BOOST_TEST(dns(error::timed_out));
    BOOST_TEST(!dns(error::host_not_found));
    BOOST_TEST(!dns(error::no_data));
    BOOST_TEST(!is_worth_another(answer(200), "GET", retried::any));
}

// Of four that run, one is refused: the others end, and nothing begins for five seconds. Then one
// goes alone, and each answer doubles that.
BOOST_AUTO_TEST_CASE(retry_after_holds_the_whole_origin_and_one_goes_first_after_it)
{
    scene all(trying(2));
    all.add("a", 30);
    while (all.running.size() < 4) {
        all.start_all();
        if (all.running.size() < 4)
            all.end_first(answer(200));
    }
    const std::size_t before = all.results.size();
    BOOST_TEST(all.end_first(answer(429, "5")));
    BOOST_TEST(all.start_next() == nullptr);
    while (all.running.size() > 1)
        all.end_first(answer(200)); // they began before: they let nothing in, now or later
    BOOST_TEST(all.start_next() == nullptr);
    all.add("b", 3); // the others go on
    BOOST_TEST(all.start_next() != nullptr);
    all.end(item_ptr(all.running.back()), answer(200));
    BOOST_TEST((all.schedule.look_again() == start + 5s));
    all.now = start + 5s - 1ns;
    const auto of_a = [&] {
        std::size_t count = 0;
        for (const std::string& each : all.start_all())
            count += each[0] == 'a' ? 1 : 0;
        for (std::size_t i = 0; i < all.running.size();)
            if (all.running[i]->key == "b")
                all.end(item_ptr(all.running[i]), answer(200));
            else
                ++i;
        return count;
    };
    BOOST_TEST(of_a() == 0U);
    all.now = start + 5s;
    BOOST_TEST(of_a() == 0U);   // one is still under way
    all.end_first(answer(200)); // it began before
    BOOST_TEST(of_a() == 1U);   // the probe
    BOOST_TEST(of_a() == 0U);
    all.end_first(answer(200));
    BOOST_TEST(of_a() == 2U);
    all.end_first(answer(200));
    BOOST_TEST(of_a() == 3U); // four at a time
    BOOST_TEST(all.results.size() > before);
}

BOOST_AUTO_TEST_CASE(a_probe_that_is_refused_holds_the_origin_again)
{
    scene all(trying(5));
    all.add("a", 10);
    for (int n = 0; n < 4; ++n) {
        BOOST_TEST(all.start_all().size() == 1U);
        const time_point at = all.now;
        BOOST_TEST(all.end_first(answer(503, "3")));
        BOOST_TEST(all.start_next() == nullptr);
        all.now = at + 3s - 1ns;
        BOOST_TEST(all.start_next() == nullptr);
        all.now = at + 3s;
    }
}

BOOST_AUTO_TEST_CASE(status_429_alone_holds_the_origin_and_503_alone_only_its_url)
{
    scene all(trying(2));
    all.add("a", 3);
    all.start_all();
    BOOST_TEST(all.end_first(answer(503)));
    BOOST_TEST(all.start_all().size() == 2U); // it answered: two at a time
    BOOST_TEST(all.end_first(answer(429)));
    all.end_first(answer(200));
    BOOST_TEST(all.running.empty());
    all.add("a/4");
    const time_point at = all.schedule.look_again();
    BOOST_TEST((at > all.now && at <= all.now + 1s));
    BOOST_TEST(all.start_next() == nullptr);
}

// Redirects, too, wait for the end of a pause, also while the run is ending.
BOOST_AUTO_TEST_CASE(a_redirect_to_a_held_origin_waits)
{
    scene all(trying(1));
    all.add("a/1");
    all.add("b/1");
    all.start_all();
    const item_ptr redirected = all.running[1];
    BOOST_TEST(!all.end(item_ptr(all.running[0]), answer(429, "2")));
    redirected->key = "a";
    fetch_schedule::exchange_end how;
    how.how = left::answered;
    how.next = fetch_item::then::redirected;
    BOOST_TEST(all.schedule.ended(redirected, how, all.now));
    BOOST_TEST(all.schedule.start_next(all.now) == nullptr);
    all.schedule.end(ending::draining, all.now);
    BOOST_TEST(all.schedule.start_next(start + 2s - 1ns) == nullptr);
    BOOST_TEST(all.schedule.start_next(start + 2s) == redirected);
}

BOOST_AUTO_TEST_CASE(one_that_failed_where_it_was_redirected_takes_a_place_where_it_begins)
{
    scene all(trying(2));
    all.add("a/1");
    const item_ptr item = all.start_next();
    item->ask.emplace(http::url::parse("http://a/1").value());
    http::hop redirect;
    redirect.answer = answer(302);
    redirect.next.emplace(http::url::parse("http://b/1").value());
    fetch_schedule::exchange_end how;
    how.next = item->record(std::move(redirect), weir::cancel_reason::none, all.options);
    how.how = left::answered;
    all.running.clear();
    BOOST_TEST(all.schedule.ended(item, how, all.now));
    BOOST_TEST(all.start_next() == item);
    BOOST_TEST(item->place.key()->origin == "http://b:80");

    BOOST_TEST(all.end(item, failing(error_class::connect)));
    BOOST_TEST_REQUIRE(all.pass());
    BOOST_TEST(all.start_next() == item);
    BOOST_TEST(item->place.key()->origin == "a");
}

BOOST_AUTO_TEST_CASE(an_origin_that_asks_for_a_day_is_given_up_for_a_day)
{
    scene all(trying(3));
    all.add("a", 3);
    all.start_all();
    BOOST_TEST(!all.end_first(answer(429, "86400")));
    BOOST_TEST(all.start_all().empty());
    BOOST_TEST_REQUIRE(all.results.size() == 3U);
    BOOST_TEST(class_of(all.results[0]) == "http");
    BOOST_TEST(all.results[0]->result.answer.error->text().ends_with(
        "; it may be asked again in 86400 s, which is too long to wait"));
    BOOST_TEST(class_of(all.results[1]) == "given_up");
    BOOST_TEST(all.results[1]->result.answer.error->text() ==
               "not asked: a wants to be left alone; it is asked again in 86400 s");
    all.now = start + 24h - 1ns; // it is remembered, though it had nothing to do
    all.add("a/4");
    BOOST_TEST(all.start_all().empty());
    all.now = start + 24h;
    all.add("a/5");
    BOOST_TEST(all.start_all() == texts{"a/5"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_origin_that_never_answers_is_given_up_and_asked_again_later)
{
    auto options = trying(1);
    scene all(options.give_up(weir::breaker_options().window(3).failures(3).open_for(30s)));
    all.add("a", 6);
    for (int n = 0; n < 3; ++n) {
        BOOST_TEST(all.start_all().size() == 1U);
        BOOST_TEST(!all.end_first(failing(error_class::connect)));
    }
    BOOST_TEST(all.start_all().empty()); // the others fail at once
    BOOST_TEST(all.results.size() == 6U);
    BOOST_TEST(class_of(all.results[2]) == "connect");
    for (const std::size_t n : {3U, 4U, 5U}) {
        BOOST_TEST(class_of(all.results[n]) == "given_up");
        BOOST_TEST(all.results[n]->result.attempts == 0U);
    }
    BOOST_TEST(all.results[3]->result.answer.error->text() ==
               "not asked: a has failed to answer too often; it is asked again in 30 s");
    all.now = start + 30s;
    all.add("a", 4);
    BOOST_TEST(all.start_all() == texts{"a/1"}, boost::test_tools::per_element()); // the probe
    all.add("b/1");
    BOOST_TEST(all.start_all() == texts{"b/1"}, boost::test_tools::per_element());
    all.end_first(answer(404));        // an answer all the same
    const texts next = {"a/2", "a/3"}; // they waited for it
    BOOST_TEST(all.start_all() == next, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(any_answer_in_between_keeps_an_origin)
{
    for (const unsigned status : {500U, 429U}) { // a refusal is one, too
        auto options = trying(1);
        scene all(options.give_up(weir::breaker_options().window(3).failures(3)));
        all.add("a", 40);
        for (int n = 0; n < 40; ++n) {
            while (all.running.empty() && all.start_all().empty())
                BOOST_TEST_REQUIRE(all.pass());
            all.end_first(n % 3 == 2 ? answer(status) : failing(error_class::timeout));
        }
        for (const item_ptr& each : all.results)
            BOOST_TEST(class_of(each) != "given_up");
    }
}

BOOST_AUTO_TEST_CASE(what_waited_for_a_place_of_the_client_says_nothing_of_its_origin)
{
    auto options = trying(1);
    scene all(options.give_up(weir::breaker_options().window(2).failures(2)));
    all.add("a", 6);
    for (int n = 0; n < 6; ++n) {
        if (all.running.empty())
            BOOST_TEST_REQUIRE(!all.start_all().empty());
        response late = failing(error_class::timeout);
        late.attempts.emplace_back();
        BOOST_TEST((late.attempts.back().reached == http::phase::queue));
        all.end_first(std::move(late));
    }
    for (const item_ptr& each : all.results)
        BOOST_TEST(class_of(each) == "timeout");
}

BOOST_AUTO_TEST_CASE(one_that_failed_before_its_origin_was_given_up_keeps_its_class)
{
    auto options = trying(4);
    scene all(options.give_up(weir::breaker_options().window(2).failures(2)));
    all.add("a", 2);
    all.start_all();
    BOOST_TEST(all.end_first(failing(error_class::timeout)));
    BOOST_TEST_REQUIRE(all.pass());
    BOOST_TEST(all.start_all() == texts{"a/1"}, boost::test_tools::per_element());
    BOOST_TEST(all.end_first(failing(error_class::connect)));
    BOOST_TEST(all.start_all().empty());
    BOOST_TEST_REQUIRE(all.results.size() == 2U); // and does not wait for an attempt in vain
    BOOST_TEST(class_of(all.results[0]) == "connect");
    BOOST_TEST(all.results[0]->result.attempts == 2U);
    BOOST_TEST(class_of(all.results[1]) == "given_up");
}

BOOST_AUTO_TEST_CASE(one_whose_attempt_is_due_when_its_origin_is_asked_again_waits_for_it)
{
    auto options = trying(4);
    scene all(options.give_up(weir::breaker_options().window(1).failures(1).open_for(5s)));
    all.add("a", 3);
    all.start_all();
    all.end_first(answer(200));
    const texts both = {"a/2", "a/3"};
    BOOST_TEST(all.start_all() == both, boost::test_tools::per_element());
    BOOST_TEST(all.end_first(answer(429, "20")));
    all.end_first(failing(error_class::connect));
    BOOST_TEST(all.start_all().empty());
    BOOST_TEST_REQUIRE(all.results.size() == 2U);
    BOOST_TEST(class_of(all.results[1]) == "connect"); // it would have been tried before that
    BOOST_TEST_REQUIRE(all.pass());
    BOOST_TEST((all.now >= start + 20s));
    BOOST_TEST(all.start_all() == texts{"a/2"}, boost::test_tools::per_element());
}

// A host that is restarted must not cost a whole list.
BOOST_AUTO_TEST_CASE(nothing_else_of_a_host_begins_while_one_waits_that_it_did_not_answer)
{
    scene all(trying(3));
    all.add("a", 50);
    all.start_all();
    BOOST_TEST(all.end_first(failing(error_class::connect)));
    BOOST_TEST(all.start_next() == nullptr);
    std::size_t begun = 1;
    while (all.pass() && all.now < start + 20s) {
        begun += all.start_all().size();
        BOOST_TEST(all.running.size() <= 1U);
        if (!all.running.empty())
            all.end_first(failing(error_class::connect));
    }
    BOOST_TEST(begun <= 24U); // waits up to 1, 2, 4, 8, 10, 10 ... s
    // Once it answers, all is as before.
    BOOST_TEST(all.start_all().size() == 1U);
    all.end_first(answer(200));
    BOOST_TEST(all.start_all().size() == 2U);
}

BOOST_AUTO_TEST_CASE(an_answer_ends_the_doubt_about_a_host)
{
    scene all(trying(3));
    all.add("a", 9);
    all.start_all();
    all.end_first(answer(200));
    BOOST_TEST(all.start_all().size() == 2U);
    BOOST_TEST(all.end_first(failing(error_class::incomplete)));
    BOOST_TEST(all.start_next() == nullptr);
    all.end_first(answer(200));
    BOOST_TEST(all.start_all().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_stop_or_a_drain_ends_what_waits_as_its_last_attempt_ended)
{
    for (const ending how : {ending::draining, ending::stopping}) {
        scene all(trying(3));
        all.add("a", 2);
        all.add("b/1");
        all.start_all();
        BOOST_TEST(all.end_first(answer(503)));
        BOOST_TEST(all.schedule.end(how, all.now));
        BOOST_TEST(!all.end_first(answer(503))); // no further attempt
        all.take_ended();
        BOOST_TEST(all.results.size() == 3U);
        std::map<std::string, std::string> classes;
        for (const item_ptr& each : all.results)
            classes[each->result.url] = class_of(each);
        BOOST_TEST(classes["a/1"] == "http");
        BOOST_TEST(classes["a/2"] == "aborted");
        BOOST_TEST(classes["b/1"] == "http");
        all.schedule.intake_ended();
        BOOST_TEST(all.schedule.is_over());
    }
}

BOOST_AUTO_TEST_CASE(a_host_with_many_that_wait_begins_no_other)
{
    scene all(trying(2, 8, 8));
    all.add("a", 200);
    std::size_t waiting = 0;
    while (!all.start_all().empty())
        while (!all.running.empty())
            waiting += all.end_first(answer(500)) ? 1 : 0;
    BOOST_TEST(waiting >= fetch_schedule::most_again);
    BOOST_TEST(waiting < fetch_schedule::most_again + 8);
    while (all.pass())
        while (!all.start_all().empty())
            while (!all.running.empty())
                all.end_first(answer(500));
    BOOST_TEST(all.results.size() == 200U);
}

BOOST_AUTO_TEST_CASE(one_that_gives_way_at_a_later_attempt_keeps_what_is_known_of_it)
{
    scene all(trying(3, 1, 1));
    all.add("a/1");
    all.start_all();
    BOOST_TEST(all.end_first(answer(500)));
    BOOST_TEST_REQUIRE(all.pass());
    BOOST_TEST(all.start_all().size() == 1U);
    const item_ptr item = all.running.front();
    item->gives_way = true;
    fetch_schedule::exchange_end how;
    how.how = left::gave_way;
    BOOST_TEST(all.schedule.ended(item, how, all.now));
    all.running.clear();
    BOOST_TEST(item->result.attempts == 1U);
    BOOST_TEST(all.start_next() == item);
    BOOST_TEST(item->result.attempts == 2U);
    BOOST_TEST(!item->gives_way);
}

BOOST_AUTO_TEST_CASE(no_more_begin_than_the_rate_of_all_allows)
{
    auto options = trying(1, 50, 50);
    http::host_limits own; // what a host has for itself does not take it out of all
    options.limit_host("b", own.rate(weir::rate::per_second(100), 10).per_host(4));
    scene all(options.rate(weir::rate::per_second(20), 1));
    for (const char* host : {"a", "b", "c"})
        all.add(host, 100);
    std::size_t begun = 0;
    while (all.now < start + 5s) {
        begun += all.start_all().size();
        while (!all.running.empty())
            all.end_first(answer(200));
        BOOST_TEST(begun <= 1 + static_cast<std::size_t>((all.now - start) / 50ms));
        if (!all.pass())
            break;
    }
    BOOST_TEST(begun == 100U);
}

BOOST_AUTO_TEST_CASE(each_host_has_its_rate_and_it_is_remembered_when_it_has_nothing_to_do)
{
    auto options = trying(1, 50, 50);
    scene all(options.host_rate(weir::rate::per_second(1), 2));
    const auto begin = [&](const std::string& text) {
        all.add(text);
        const std::size_t begun = all.start_all().size();
        while (!all.running.empty())
            all.end_first(answer(200));
        return begun;
    };
    BOOST_TEST(begin("a/1") == 1U);
    BOOST_TEST(begin("a/2") == 1U);
    BOOST_TEST(all.schedule.counts().queued == 0U);
    BOOST_TEST(begin("a/3") == 0U);
    BOOST_TEST(begin("b/1") == 1U);
    BOOST_TEST((all.schedule.look_again() == start + 1s));
    all.now = start + 1s;
    BOOST_TEST(begin("a/4") == 1U); // which is a/3
    BOOST_TEST(all.schedule.counts().queued == 1U);
}

BOOST_AUTO_TEST_CASE(a_host_may_have_a_rate_and_a_limit_of_its_own)
{
    auto options = trying(1, 50, 1);
    options.host_rate(weir::rate::per_second(1), 1);
    http::host_limits own;
    options.limit_host("b", own.rate(weir::rate::per_second(100), 3).per_host(4));
    http::host_limits slow;
    options.limit_host("c", slow.rate(weir::rate::per_minute(1)));
    scene all(options);
    const auto begun = [&](const std::string& host) {
        std::size_t count = 0;
        all.add(host, 20);
        for (int n = 0; n < 20; ++n) {
            count += all.start_all().size();
            if (!all.running.empty())
                all.end_first(answer(200));
        }
        return count;
    };
    BOOST_TEST(begun("a") == 1U);
    BOOST_TEST(begun("b") == 3U);
    BOOST_TEST(begun("c") == 1U);
    all.now = start + 1s;
    BOOST_TEST(all.start_all().size() == 4U); // one of a, and three of b at a time
}

BOOST_AUTO_TEST_CASE(what_is_no_url_pays_no_rate)
{
    auto options = trying(1, 50, 50);
    options.host_rate(weir::rate::per_minute(1), 1);
    scene all(options.rate(weir::rate::per_minute(1), 1));
    for (int n = 0; n != 100; ++n)
        all.schedule.add("", "no URL", all.now);
    int ended = 0;
    for (; !all.start_all().empty() || !all.running.empty(); ++ended)
        all.end_first(failing(error_class::bad_url));
    BOOST_TEST(ended == 100);
    all.add("a", 1);
    BOOST_TEST(all.start_all().size() == 1U); // and the rate was not used
    BOOST_TEST((all.now == start));
    while (!all.running.empty())
        all.end_first(answer(200));
    all.take_ended();
}

BOOST_AUTO_TEST_CASE(a_given_up_host_does_not_wait_for_its_rate)
{
    auto options = trying(1);
    options.host_rate(weir::rate::per_minute(1));
    scene all(options.give_up(weir::breaker_options().window(1).failures(1).open_for(30s)));
    all.add("a", 20);
    all.start_all();
    all.end_first(failing(error_class::connect));
    BOOST_TEST(all.start_all().empty());
    BOOST_TEST(all.results.size() == 20U);
}

BOOST_AUTO_TEST_CASE(a_host_that_is_not_given_up_any_more_keeps_to_its_rate)
{
    auto options = trying(1, 1);
    options.host_rate(weir::rate::per_minute(1));
    scene all(options.give_up(weir::breaker_options().window(1).failures(1).open_for(30s)));
    all.add("a/1");
    all.start_all();
    all.end_first(failing(error_class::connect));
    all.add("b/1");
    BOOST_TEST(all.start_all().size() == 1U); // it has the only place
    all.add("a/2");                           // could fail now, if there were one
    all.now = start + 31s;
    all.end_first(answer(200));
    BOOST_TEST(all.start_next() == nullptr);
    BOOST_TEST((all.schedule.look_again() == start + 1min));
}

namespace {

// Whatever happens: each URL has one result, starts keep to both rates, a host has no more places
// than it may, nothing of a held origin begins, and a host in no trouble never waits.
struct random_run {
    explicit random_run(unsigned seed)
        : random(seed), all(options()), last(hosts.size(), time_point::min())
    {
    }

    static fetcher_options options()
    {
        auto o = trying(3, 64, 4);
        o.rate(weir::rate::per_second(500), 3).host_rate(weir::rate::per_second(50), 1);
        http::host_limits faster, narrower;
        o.limit_host("e", faster.rate(weir::rate::per_second(400), 1));
        o.limit_host("f", narrower.per_host(1));
        return o.give_up(weir::breaker_options().window(6).failures(6).open_for(5s));
    }

    unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }
    std::size_t index(const item_ptr& item) const { return hosts.find(item->key[0]); }

    void begin_all()
    {
        while (item_ptr item = all.start_next()) {
            if (item->given_up)
                continue;
            begun.push_back(all.now);
            const std::size_t n = begun.size();
            if (n > 3)
                BOOST_TEST((begun[n - 1] - begun[n - 4] >= 2ms)); // three at once, then 500/s
            const char host = item->key[0];
            time_point& before = last[index(item)];
            if (before != time_point::min())
                BOOST_TEST((all.now - before >= (host == 'e' ? 2500us : 20ms)));
            before = all.now;
            const auto of_host = [&](const item_ptr& each) { return each->key == item->key; };
            const auto places = std::count_if(all.running.begin(), all.running.end(), of_host);
            BOOST_TEST(places <= (host == 'f' ? 1 : 4));
            const auto held = holds.find(item->key);
            if (held != holds.end())
                BOOST_TEST((all.now >= held->second));
        }
    }

    response any_answer(const item_ptr& item)
    {
        if (item->key == "a") // the good one
            return answer(200);
        switch (below(8)) {
        case 0:
            return answer(503);
        case 1:
            return failing(error_class::timeout);
        case 2:
        case 3:
            return failing(error_class::connect);
        case 4: {
            const unsigned seconds = 1 + below(3);
            time_point& until = holds[item->key];
            until = std::max(until, all.now + std::chrono::seconds(seconds));
            return answer(429, std::to_string(seconds));
        }
        case 5:
            return answer(404);
        default:
            return answer(200);
        }
    }

    void go()
    {
        int left_to_add = 400;
        const bool is_stopped = below(3) == 0;
        for (int step = 0; step < 40'000; ++step) {
            if (left_to_add != 0 && below(4) == 0) {
                const std::string host(1, hosts[below(static_cast<unsigned>(hosts.size()))]);
                all.add(host + "/" + std::to_string(left_to_add--));
            }
            if (is_stopped && left_to_add == 100)
                all.schedule.end(below(2) == 0 ? ending::draining : ending::stopping, all.now);
            begin_all();
            if (!all.running.empty() && below(2) == 0) {
                const item_ptr item = all.running[below(static_cast<unsigned>(all.running.size()))];
                response with = any_answer(item);
                all.end(item, std::move(with));
            }
            all.now += std::chrono::microseconds(below(20'000));
            all.take_ended();
            if (left_to_add == 0 && all.running.empty() && all.schedule.counts().queued == 0)
                break;
        }
        all.take_ended();
        BOOST_TEST(all.results.size() == 400U);
        std::map<std::uint64_t, int> ids;
        for (const item_ptr& each : all.results) {
            BOOST_TEST(++ids[each->result.id] == 1);
            BOOST_TEST(each->result.attempts <= 3U);
            if (each->key == "a" && class_of(each) != "aborted")
                BOOST_TEST(class_of(each).empty());
        }
        all.schedule.intake_ended();
        BOOST_TEST(all.schedule.is_over());
    }

    const std::string hosts = "abcdef";
    std::mt19937 random;
    scene all;
    std::vector<time_point> begun;
    std::vector<time_point> last;
    std::map<std::string, time_point> holds;
};

} // namespace

BOOST_AUTO_TEST_CASE(every_url_has_one_result_and_no_limit_is_exceeded_whatever_happens)
{
    for (unsigned seed = 1; seed <= weir::test::repeats(60U); ++seed)
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            random_run(seed).go();
        }
}

BOOST_AUTO_TEST_SUITE_END()
