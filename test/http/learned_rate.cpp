// A fetcher's schedule against origins that meter their requests, in simulated time.
#include <weir/http/detail/fetch_schedule.hpp>
#include <weir/http/detail/learned_rate.hpp>

#include <weir/http/date.hpp>
#include <weir/http/detail/fetch_retry.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace http = weir::http;
using namespace std::chrono_literals;
using weir::duration;
using weir::time_point;
using weir::http::detail::fetch_schedule;
using weir::http::detail::learned_rate;
using item_ptr = fetch_schedule::item_ptr;

namespace {

constexpr time_point start{1h};

double seconds(duration length)
{
    return std::chrono::duration<double>(length).count();
}

// Whether a server that allows `limit` a second accepts a request.
using meter = std::function<bool(time_point)>;

// Counts from the beginning of each window of its own clock.
meter fixed_window(unsigned limit, duration length = 1s)
{
    return [limit, length, window = std::int64_t(-1), count = 0U](time_point at) mutable {
        const auto is = (at - start + 300ms) / length;
        if (std::exchange(window, is) != is)
            count = 0;
        return count < limit && ++count != 0;
    };
}

// Looks back a second from each request.
meter sliding_window(unsigned limit)
{
    return [limit, accepted = std::deque<time_point>()](time_point at) mutable {
        while (!accepted.empty() && accepted.front() + 1s <= at)
            accepted.pop_front();
        if (accepted.size() == limit)
            return false;
        accepted.push_back(at);
        return true;
    };
}

meter token_bucket(unsigned limit)
{
    return [limit, level = double(limit), last = start](time_point at) mutable {
        level = std::min<double>(limit, level + seconds(at - last) * limit);
        last = at;
        if (level < 1)
            return false;
        level -= 1;
        return true;
    };
}

// As haproxy's http_req_rate: what it refuses counts as well, and a part of the window before.
// Its windows begin `phase` before the first request.
meter weighted_window(unsigned limit, duration phase = duration::zero())
{
    return [limit, begin = start - phase, window = std::int64_t(-1), now = 0U,
            before = 0U](time_point at) mutable {
        const std::int64_t is = (at - begin) / 1s;
        if (is != window) {
            before = is == window + 1 ? now : 0;
            now = 0;
            window = is;
        }
        ++now;
        const double rest = 1 - seconds((at - begin) % 1s);
        return now + static_cast<unsigned>(before * rest) <= limit;
    };
}

http::response answer(unsigned status, const std::string& retry_after = "")
{
    http::response r;
    r.status = status;
    r.processed = http::processed::yes;
    if (!retry_after.empty())
        r.fields.append("Retry-After", retry_after);
    return r;
}

http::fetcher_options adapting(std::size_t places, std::size_t attempts = 3)
{
    http::fetcher_options options;
    options.jobs(places).client(http::client_options().per_host(places));
    options.adapt_rate(http::rate_adaptation::on);
    weir::retry_policy retry(attempts);
    return options.retry(retry.backoff(weir::backoff(1s, 10s, 1)));
}

// One origin, and more URLs of it than can be fetched.
class run {
public:
    run(http::fetcher_options o, meter m, std::string retry_after)
        : options_(std::move(o)), schedule_(options_, [](const std::string&) { return false; }),
          meter_(std::move(m)), retry_after_(std::move(retry_after))
    {
    }

    void last(duration length)
    {
        const time_point end = now_ + length;
        while (now_ < end) {
            while (schedule_.counts().queued < 200 && added_ < urls)
                schedule_.add("a", "a/" + std::to_string(++added_), now_);
            while (item_ptr item = schedule_.start_next(now_))
                begin(item);
            time_point at = schedule_.look_again();
            if (!under_way_.empty())
                at = std::min(at, under_way_.begin()->first);
            if (at == time_point::max() && added_ == urls)
                return; // all have ended
            BOOST_TEST_REQUIRE((at < time_point::max()));
            now_ = std::max(now_, at);
            answer_all();
        }
    }

    std::uint64_t urls = std::uint64_t(-1);
    std::size_t ok = 0;
    std::size_t refused = 0;
    std::size_t failed = 0;

private:
    // A millisecond there, and one back.
    void begin(const item_ptr& item)
    {
        (void)item->begin(now_, nullptr);
        const bool accepts = meter_(now_ + 1ms);
        under_way_.emplace(now_ + 2ms, std::pair(item, accepts));
    }

    void answer_all()
    {
        while (!under_way_.empty() && under_way_.begin()->first <= now_) {
            const auto [item, accepts] = under_way_.begin()->second;
            under_way_.erase(under_way_.begin());
            ++(accepts ? ok : refused);
            end(item, accepts ? answer(200) : answer(429, retry_after_));
        }
    }

    void end(const item_ptr& item, http::response with)
    {
        fetch_schedule::exchange_end how;
        how.pause = with.status == 429 ? http::retry_after(with.fields, {}) : std::nullopt;
        (void)schedule_.answers(*item, with, now_);
        http::hop last;
        last.answer = std::move(with);
        how.next = item->record(std::move(last), weir::cancel_reason::none, options_);
        how.how = fetch_schedule::left_of(item->result.answer);
        if (!schedule_.ended(item, how, now_) && item->result.answer.error)
            ++failed;
    }

    const http::fetcher_options options_;
    fetch_schedule schedule_;
    meter meter_;
    const std::string retry_after_;
    time_point now_ = start;
    std::multimap<time_point, std::pair<item_ptr, bool>> under_way_;
    std::uint64_t added_ = 0;
};

void is_used_well(const std::string& what, unsigned limit, std::size_t places, const meter& m,
                  const std::string& retry_after)
{
    run one(adapting(places), m, retry_after);
    one.last(60s);
    BOOST_TEST_CONTEXT(what << " of " << limit << ", " << places << " places, Retry-After '"
                            << retry_after << "': " << one.ok << " accepted, " << one.refused
                            << " refused, " << one.failed << " failed")
    {
        BOOST_TEST(static_cast<double>(one.ok) >= 0.9 * 60 * limit);
        BOOST_TEST(static_cast<double>(one.refused) <
                   0.05 * static_cast<double>(one.ok + one.refused));
        BOOST_TEST(one.failed == 0U);
    }
}

// Requests, one every `apart`, all accepted.
void accept(learned_rate& rate, int count, duration apart, time_point& now)
{
    for (int i = 0; i < count; ++i) {
        rate.started(now);
        (void)rate.accepted(true, now);
        now += apart;
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_learned_rate)

BOOST_AUTO_TEST_CASE(a_metered_origin_is_used_to_nine_tenths_and_refuses_less_than_one_in_twenty)
{
    for (const unsigned limit : {1U, 5U, 20U, 200U})
        for (const std::size_t places : {1U, 8U, 50U})
            for (const std::string retry_after : {"", "1"}) {
                if (limit == 200 && (places == 8 || !retry_after.empty()))
                    continue; // they take long
                is_used_well("window", limit, places, fixed_window(limit), retry_after);
                is_used_well("sliding window", limit, places, sliding_window(limit), retry_after);
                is_used_well("bucket", limit, places, token_bucket(limit), retry_after);
            }
}

BOOST_AUTO_TEST_CASE(so_is_one_that_counts_as_haproxy_does)
{
    for (const std::size_t places : {1U, 8U, 50U})
        for (const std::string retry_after : {"", "1"})
            for (const duration phase : {0ms, 150ms, 400ms, 700ms, 950ms})
                is_used_well("weighted window, begun " + std::to_string(phase / 1ms) + " ms before",
                             20, places, weighted_window(20, phase), retry_after);
    is_used_well("weighted window", 200, 8, weighted_window(200), "1");
}

BOOST_AUTO_TEST_CASE(without_a_refusal_there_is_no_rate)
{
    learned_rate rate;
    time_point now = start;
    accept(rate, 1000, 1ms, now);
    BOOST_TEST(!rate.per_second().has_value());
    BOOST_TEST((rate.next(now) == now));
    BOOST_TEST((rate.needed_until() == time_point::min()));
}

BOOST_AUTO_TEST_CASE(a_long_pause_lowers_the_rate)
{
    learned_rate rate;
    time_point now = start;
    accept(rate, 100, 10ms, now);
    BOOST_TEST((rate.refused(59s, now) == 59s)); // it counts by the minute
    now += 59s;
    BOOST_TEST(rate.accepted(true, now));
    BOOST_TEST(rate.per_second().value() > 0.97 * 100 / 60);
    BOOST_TEST(rate.per_second().value() < 100.0 / 60);
    BOOST_TEST((rate.needed_until() == now + 60s));
}

BOOST_AUTO_TEST_CASE(a_refusal_right_after_a_pause_takes_little)
{
    learned_rate rate;
    time_point now = start;
    accept(rate, 20, 1ms, now);
    double before = 20;
    const auto refuse = [&] {
        now += rate.refused({}, now);
        BOOST_TEST(rate.accepted(true, now));
        const double is = rate.per_second().value();
        return is / std::exchange(before, is);
    };
    BOOST_TEST(refuse() > 0.97);
    BOOST_TEST(refuse() > 0.9); // the server still counts the burst
    BOOST_TEST(refuse() > 0.9);
    BOOST_TEST(refuse() < 0.6); // it does not
}

BOOST_AUTO_TEST_CASE(a_pause_that_was_too_short_makes_the_next_one_longer)
{
    learned_rate rate;
    rate.started(start);
    BOOST_TEST((rate.refused({}, start) == 1s));
    BOOST_TEST((rate.refused(0s, start) == 1500ms));
    BOOST_TEST((rate.refused(1s, start) == 1500ms));
    for (int i = 0; i < 20; ++i)
        (void)rate.refused({}, start);
    BOOST_TEST((rate.refused({}, start) == 10s));
    BOOST_TEST((rate.refused(20s, start) == 20s));
}

BOOST_AUTO_TEST_CASE(an_answer_to_what_began_before_a_refusal_does_not_end_the_pause)
{
    learned_rate rate;
    time_point now = start;
    accept(rate, 20, 1ms, now);
    (void)rate.refused({}, now);
    BOOST_TEST(!rate.accepted(false, now));
    BOOST_TEST(!rate.per_second().has_value());
    BOOST_TEST(rate.accepted(true, now + 1s));
    BOOST_TEST(rate.per_second().has_value());
}

BOOST_AUTO_TEST_CASE(it_grows_again_where_nothing_is_refused_any_more)
{
    learned_rate rate;
    time_point now = start;
    accept(rate, 20, 1ms, now);
    (void)rate.refused(1s, now);
    now += 1s;
    (void)rate.accepted(true, now);
    const double first = rate.per_second().value();
    const auto ask_until = [&](time_point end) {
        while (now < end) {
            now = rate.next(now);
            accept(rate, 1, 1ms, now);
        }
    };
    const time_point began = now;
    ask_until(began + 19s);
    BOOST_TEST(rate.per_second().value() == first);
    ask_until(began + 60s);
    BOOST_TEST(rate.per_second().value() > 1.5 * first);
    ask_until(began + 300s);
    BOOST_TEST(!rate.per_second().has_value()); // there is no limit any more
}

BOOST_AUTO_TEST_CASE(a_lower_limit_is_found_in_a_few_refusals)
{
    run one(
        adapting(8),
        [m = fixed_window(100), n = fixed_window(5)](time_point at) mutable {
            return at < start + 30s ? m(at) : n(at);
        },
        "1");
    one.last(30s);
    BOOST_TEST(one.ok > 2600U);
    one.ok = one.refused = 0;
    one.last(60s);
    BOOST_TEST(one.ok > 240U);
    BOOST_TEST(one.refused < 15U);
    BOOST_TEST(one.failed == 0U);
}

BOOST_AUTO_TEST_CASE(a_url_that_is_always_refused_fails_after_its_attempts)
{
    run one(
        adapting(2), [](time_point) { return false; }, "");
    one.last(60s);
    BOOST_TEST(one.ok == 0U);
    BOOST_TEST(one.failed > 0U);
    BOOST_TEST(one.refused >= 3 * one.failed); // nothing is accepted: each attempt counts
}

BOOST_AUTO_TEST_CASE(a_refusal_is_no_attempt_where_the_origin_accepted_others_since_the_last_one)
{
    // The second of two is refused twice, and may be tried twice.
    run one(
        adapting(1, 2), [n = 0](time_point) mutable { return ++n != 2 && n != 3; }, "1");
    one.urls = 2;
    one.last(30s);
    BOOST_TEST(one.ok == 2U);
    BOOST_TEST(one.refused == 2U);
    BOOST_TEST(one.failed == 0U);
    run other(
        adapting(1, 2), [n = 0](time_point) mutable { return ++n < 2 || n > 4; }, "1");
    other.urls = 2;
    other.last(30s);
    BOOST_TEST(other.ok == 1U);
    BOOST_TEST(other.refused == 3U);
    BOOST_TEST(other.failed == 1U);
}

BOOST_AUTO_TEST_CASE(a_url_that_may_be_tried_once_is_not_asked_for_again)
{
    run one(adapting(8, 1), fixed_window(20), "1");
    one.last(60s);
    BOOST_TEST(one.failed == one.refused);
    BOOST_TEST(one.failed > 0U);
    BOOST_TEST(one.ok >= 1080U); // the others have the rate all the same
}

BOOST_AUTO_TEST_CASE(no_refused_url_is_asked_for_after_the_time_for_it)
{
    auto options = adapting(50);
    options.retry_time(500ms); // less than any pause
    run one(options, fixed_window(20), "1");
    one.last(60s);
    BOOST_TEST(one.failed == one.refused);
    BOOST_TEST(one.failed > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
