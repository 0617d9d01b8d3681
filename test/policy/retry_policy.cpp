#include <weir/policy/retry_policy.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>

namespace asio = boost::asio;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(retry_policy)

const weir::time_point start{};
const weir::error_code refused = asio::error::connection_refused;

template <class Error>
std::exception_ptr thrown(Error error)
{
    return std::make_exception_ptr(std::move(error));
}

/// One that counts, and refuses after `left` retries.
struct counting_budget : weir::retry_budget {
    void deposit(weir::time_point) noexcept override { ++deposits; }
    bool try_withdraw(weir::time_point) noexcept override { return ++asked <= left; }

    int deposits = 0;
    int asked = 0;
    int left = 1'000;
};

BOOST_AUTO_TEST_CASE(a_failure_is_retried_until_the_attempts_are_used_up)
{
    const weir::retry_policy policy(3);
    BOOST_TEST(policy.next(1, refused, start).has_value());
    BOOST_TEST(policy.next(2, refused, start).has_value());
    BOOST_TEST(!policy.next(3, refused, start).has_value());
    BOOST_TEST((policy.decide(3, refused, start).stop == weir::retry_stop::exhausted));
    BOOST_TEST((policy.decide(1, refused, start).stop == weir::retry_stop::none));
    BOOST_TEST(!weir::retry_policy(1).next(1, refused, start).has_value());
    BOOST_CHECK_THROW(weir::retry_policy(0), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(by_default_every_error_is_transient_but_those_that_are_final)
{
    for (const auto code : {asio::error::connection_refused, asio::error::connection_reset,
                            asio::error::timed_out, asio::error::host_unreachable})
        BOOST_TEST(weir::is_transient(weir::error_code(code)));
    BOOST_TEST(weir::is_transient(weir::error_code(asio::error::eof)));
    BOOST_TEST(weir::is_transient(weir::error_code(weir::errc::full)));
    BOOST_TEST(weir::is_transient(weir::error_code(weir::errc::failed)));
    BOOST_TEST(!weir::is_transient(weir::error_code()));
    BOOST_TEST(!weir::is_transient(weir::error_code(asio::error::operation_aborted)));
    for (const auto code : {weir::errc::closed, weir::errc::timed_out, weir::errc::too_large,
                            weir::errc::no_capacity, weir::errc::taken, weir::errc::breaker_open,
                            weir::errc::not_in_time, weir::errc::held_too_long}) {
        BOOST_TEST(!weir::is_transient(weir::error_code(code)));
        BOOST_TEST(!weir::is_transient(thrown(weir::system_error(code))));
    }
    BOOST_TEST(weir::is_transient(thrown(weir::system_error(refused))));
    BOOST_TEST(weir::is_transient(
        thrown(std::system_error(std::make_error_code(std::errc::connection_reset)))));
    BOOST_TEST(!weir::is_transient(
        thrown(std::system_error(std::make_error_code(std::errc::operation_canceled)))));
    BOOST_TEST(weir::is_transient(thrown(std::runtime_error("no"))));
    BOOST_TEST(weir::is_transient(thrown(1)));
    BOOST_TEST(!weir::is_transient(thrown(std::invalid_argument("a mistake"))));
    BOOST_TEST(!weir::is_transient(thrown(std::bad_alloc())));
    BOOST_TEST(!weir::is_transient(std::exception_ptr()));
}

BOOST_AUTO_TEST_CASE(what_is_permanent_is_not_retried)
{
    const auto policy = weir::retry_policy(3);
    const auto closed = policy.decide(1, weir::errc::closed, start);
    BOOST_TEST(!closed.at.has_value());
    BOOST_TEST((closed.stop == weir::retry_stop::permanent));
    const auto mistake = policy.decide(1, thrown(std::logic_error("a mistake")), start);
    BOOST_TEST((mistake.stop == weir::retry_stop::permanent));
    BOOST_TEST(!policy.next(1, std::exception_ptr(), start).has_value());
    BOOST_TEST(policy.next(1, thrown(std::runtime_error("no")), start).has_value());
}

BOOST_AUTO_TEST_CASE(what_timed_out_is_retried_on_request_only)
{
    weir::retry_policy policy;
    const weir::error_code late = weir::errc::timed_out;
    BOOST_TEST(!policy.retries(late));
    BOOST_TEST(!policy.retries(thrown(weir::system_error(late))));
    policy.retry_timed_out();
    BOOST_TEST(policy.retries_timed_out());
    BOOST_TEST(policy.retries(late));
    BOOST_TEST(policy.retries(thrown(weir::system_error(late))));
    BOOST_TEST(!policy.retries(weir::error_code(weir::errc::closed)));
}

BOOST_AUTO_TEST_CASE(rules_of_the_user_replace_the_default)
{
    weir::retry_policy policy;
    policy.retry_if([](const weir::error_code& error) { return error == weir::errc::closed; });
    BOOST_TEST(bool(policy.retry_if()));
    BOOST_TEST(policy.retries(weir::error_code(weir::errc::closed)));
    BOOST_TEST(!policy.retries(refused));
    // The rule for codes decides on exceptions that have one, until there is another rule.
    BOOST_TEST(policy.retries(thrown(weir::system_error(weir::errc::closed))));
    BOOST_TEST(!policy.retries(thrown(weir::system_error(refused))));
    BOOST_TEST(policy.retries(thrown(std::runtime_error("no"))));
    policy.retry_if_thrown([](const std::exception_ptr&) { return false; });
    BOOST_TEST(!policy.retries(thrown(std::runtime_error("no"))));
    BOOST_TEST(!policy.retries(thrown(weir::system_error(weir::errc::closed))));
}

BOOST_AUTO_TEST_CASE(the_next_attempt_begins_within_the_bound_of_the_backoff)
{
    weir::retry_policy policy(50);
    policy.backoff(weir::backoff(100ms, 1s, 1));
    for (std::size_t attempts = 1; attempts < 50; ++attempts) {
        const auto at = policy.next(attempts, refused, start);
        BOOST_REQUIRE(at.has_value());
        BOOST_TEST((*at >= start));
        BOOST_TEST((*at <= start + policy.backoff().bound(attempts)));
    }
}

BOOST_AUTO_TEST_CASE(no_attempt_begins_at_the_deadline_or_later_nor_before_it_may)
{
    std::mt19937_64 random(1);
    int given = 0, stopped = 0;
    for (int round = 0; round < 20'000; ++round) {
        const auto small = [&](int most) {
            return weir::duration(static_cast<int>(random() % most));
        };
        weir::retry_policy policy(10);
        const weir::duration base = 1ns + small(500);
        policy.backoff(weir::backoff(base, base + small(5'000), random()));
        policy.longest_wait(small(4'000));
        const weir::time_point now = start - 1us + small(2'000);
        const weir::time_point deadline =
            random() % 4 == 0 ? weir::time_point::max() : now - 500ns + small(4'000);
        const weir::time_point not_before =
            random() % 2 == 0 ? weir::time_point::min() : now - 500ns + small(4'000);
        const std::size_t attempts = 1 + random() % 9;
        const auto decided = policy.decide(attempts, refused, now, deadline, not_before);
        if (decided.at) {
            ++given;
            const weir::time_point earliest = std::max(now, not_before);
            BOOST_REQUIRE(*decided.at >= earliest);
            BOOST_REQUIRE(*decided.at <= earliest + policy.backoff().bound(attempts));
            BOOST_REQUIRE(*decided.at < deadline);
            BOOST_REQUIRE(not_before <= now + policy.longest_wait());
            BOOST_REQUIRE((decided.stop == weir::retry_stop::none));
        } else if (decided.stop == weir::retry_stop::deadline) {
            ++stopped;
            BOOST_REQUIRE(deadline <= std::max(now, not_before) + policy.backoff().bound(attempts));
        } else {
            BOOST_REQUIRE((decided.stop == weir::retry_stop::wait_too_long));
            BOOST_REQUIRE(not_before > now + policy.longest_wait());
        }
    }
    BOOST_TEST(given > 5'000);
    BOOST_TEST(stopped > 1'000);
}

BOOST_AUTO_TEST_CASE(a_wait_that_the_far_side_asks_for_is_kept_and_spread)
{
    weir::retry_policy policy;
    policy.backoff(weir::backoff(100ms, 1s, 1));
    std::set<weir::time_point> times;
    for (int n = 0; n < 100; ++n) {
        const auto at = policy.next(1, refused, start, weir::time_point::max(), start + 30s);
        BOOST_REQUIRE(at.has_value());
        BOOST_TEST((*at >= start + 30s));
        BOOST_TEST((*at <= start + 30s + 100ms));
        times.insert(*at);
    }
    BOOST_TEST(times.size() > 90U);
}

// A Retry-After of a day is no reason to hang for a day.
BOOST_AUTO_TEST_CASE(a_wait_longer_than_the_longest_is_not_waited_for)
{
    weir::retry_policy policy;
    const auto day = policy.decide(1, refused, start, weir::time_point::max(), start + 24h);
    BOOST_TEST(!day.at.has_value());
    BOOST_TEST((day.stop == weir::retry_stop::wait_too_long));
    policy.longest_wait(48h);
    BOOST_TEST(policy.next(1, refused, start, weir::time_point::max(), start + 24h).has_value());
    BOOST_CHECK_THROW(policy.longest_wait(-1s), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_retry_withdraws_and_only_the_success_of_a_first_attempt_deposits)
{
    const auto budget = std::make_shared<counting_budget>();
    weir::retry_policy policy(3);
    policy.budget(budget).backoff(weir::backoff(1s, 1s, 1));
    policy.succeeded(1, start);
    policy.succeeded(2, start);
    BOOST_TEST(budget->deposits == 1);
    BOOST_TEST(policy.next(1, refused, start).has_value());
    BOOST_TEST(budget->asked == 1);
    // What is not made is not paid for.
    BOOST_TEST(!policy.next(3, refused, start).has_value());
    BOOST_TEST(!policy.next(1, weir::errc::closed, start).has_value());
    BOOST_TEST(!policy.next(1, refused, start, start).has_value());
    BOOST_TEST(budget->asked == 1);
    budget->left = 0;
    const auto decided = policy.decide(1, refused, start);
    BOOST_TEST(!decided.at.has_value());
    BOOST_TEST((decided.stop == weir::retry_stop::budget));
    const auto plain = weir::retry_policy();
    plain.succeeded(1, start); // without a budget there is nothing to do
    BOOST_TEST(!plain.budget());
}

BOOST_AUTO_TEST_CASE(every_reason_to_stop_has_a_name_of_its_own)
{
    std::set<std::string> names;
    for (const auto reason :
         {weir::retry_stop::none, weir::retry_stop::succeeded, weir::retry_stop::permanent,
          weir::retry_stop::exhausted, weir::retry_stop::deadline, weir::retry_stop::wait_too_long,
          weir::retry_stop::budget, weir::retry_stop::cancelled})
        names.insert(weir::to_string(reason));
    BOOST_TEST(names.size() == 8U);
    BOOST_TEST(names.count("unknown") == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
