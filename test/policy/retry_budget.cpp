#include <weir/policy/retry_budget.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(retry_budget)

const weir::time_point start{};

int withdraw_all(weir::retry_budget& budget, weir::time_point now)
{
    int allowed = 0;
    while (allowed < 10'000 && budget.try_withdraw(now))
        ++allowed;
    return allowed;
}

BOOST_AUTO_TEST_CASE(the_floor_is_there_without_any_traffic_and_comes_back_after_a_window)
{
    weir::retry_budget_options options;
    options.floor(3).window(10s);
    weir::sliding_retry_budget budget(options);
    BOOST_TEST(withdraw_all(budget, start) == 3);
    BOOST_TEST(withdraw_all(budget, start + 10s) ==
               0); // a tenth longer, so that no window has more
    BOOST_TEST(withdraw_all(budget, start + 11s) == 3);
    BOOST_TEST(budget.withdrawn() == 6U);
    BOOST_TEST(budget.refused() == 3U);
}

BOOST_AUTO_TEST_CASE(successes_of_first_attempts_pay_for_retries_until_they_are_old)
{
    weir::retry_budget_options options;
    options.floor(0).ratio(0.25).window(10s);
    weir::sliding_retry_budget budget(options);
    BOOST_TEST(withdraw_all(budget, start) == 0);
    for (int n = 0; n < 40; ++n)
        budget.deposit(start);
    BOOST_TEST(withdraw_all(budget, start + 8s) == 10);
    for (int n = 0; n < 40; ++n)
        budget.deposit(start + 20s);
    BOOST_TEST(withdraw_all(budget, start + 31s) == 0);
}

// The point of it: when everything fails, the load is what it was and a fifth, not three times it.
BOOST_AUTO_TEST_CASE(in_an_outage_retries_add_no_more_than_the_ratio_and_the_floor)
{
    weir::sliding_retry_budget budget;
    int retries = 0;
    const auto each_ms = [&](weir::time_point from, int milliseconds, bool up) {
        for (int n = 0; n < milliseconds; ++n) {
            const weir::time_point now = from + n * 1ms;
            if (up)
                budget.deposit(now);
            else
                retries += budget.try_withdraw(now) ? 1 : 0;
        }
    };
    each_ms(start, 10'000, true);
    each_ms(start + 10s, 60'000, false);
    BOOST_TEST(retries >= 10'000 / 10);
    BOOST_TEST(retries <= 10'000 / 5 + 6 * 10);
}

BOOST_AUTO_TEST_CASE(retries_never_exceed_ratio_times_deposits_plus_floor_in_any_window)
{
    std::mt19937_64 random(1);
    int allowed = 0, refused = 0;
    for (int round = 0; round < 300; ++round) {
        const double ratio = std::vector<double>{0, 0.1, 0.2, 0.5, 1, 3}[random() % 6];
        const std::size_t floor = random() % 6;
        const weir::duration window((1 + static_cast<int>(random() % 50)) * 10);
        weir::retry_budget_options options;
        options.ratio(ratio).floor(floor).window(window);
        weir::sliding_retry_budget budget(options);
        std::vector<weir::time_point> deposits, retries;
        weir::time_point now = round % 3 == 0 ? weir::time_point::min()
                                              : start + weir::duration(static_cast<int>(random()));
        const auto mean_step = 1 + static_cast<int>(random() % 30);
        const unsigned share = 1 + static_cast<unsigned>(random() % 9); // of deposits, in tenths
        for (int step = 0; step < 600; ++step) {
            now += weir::duration(static_cast<int>(random() % static_cast<unsigned>(mean_step)));
            if (random() % 100 == 0)
                now += 3 * window;
            if (random() % 10 < share) {
                budget.deposit(now);
                deposits.push_back(now);
                continue;
            }
            const auto in_window = [&](const std::vector<weir::time_point>& times) {
                std::size_t count = 0;
                for (auto it = times.rbegin(); it != times.rend() && now - *it < window; ++it)
                    ++count;
                return static_cast<double>(count);
            };
            const double most = ratio * in_window(deposits) + static_cast<double>(floor);
            if (budget.try_withdraw(now)) {
                ++allowed;
                retries.push_back(now);
                BOOST_REQUIRE(in_window(retries) <= most);
            } else {
                ++refused;
                // It is not too strict either: what a tenth more, or less, would refuse.
                std::size_t near_retries = 0, near_deposits = 0;
                for (const auto at : retries)
                    near_retries += now - at < window + window / 10 ? 1U : 0U;
                for (const auto at : deposits)
                    near_deposits += now - at < window - window / 10 ? 1U : 0U;
                BOOST_REQUIRE(static_cast<double>(near_retries) + 1 >
                              ratio * static_cast<double>(near_deposits) +
                                  static_cast<double>(floor));
            }
        }
    }
    BOOST_TEST(refused > 10'000);
    BOOST_TEST(allowed > 10'000);
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_read_late_by_another_thread_gives_nothing_away)
{
    weir::retry_budget_options options;
    options.floor(2).window(10s);
    weir::sliding_retry_budget budget(options);
    BOOST_TEST(budget.try_withdraw(start + 100s));
    BOOST_TEST(budget.try_withdraw(start));
    BOOST_TEST(!budget.try_withdraw(start + 1s));
    BOOST_TEST(!budget.try_withdraw(start + 110s));
    BOOST_TEST(withdraw_all(budget, weir::time_point::max()) == 2);
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused)
{
    weir::retry_budget_options options;
    BOOST_CHECK_THROW(options.ratio(-0.1), std::invalid_argument);
    BOOST_CHECK_THROW(options.ratio(std::numeric_limits<double>::quiet_NaN()),
                      std::invalid_argument);
    BOOST_CHECK_THROW(options.ratio(std::numeric_limits<double>::infinity()),
                      std::invalid_argument);
    BOOST_CHECK_THROW(options.window(0s), std::invalid_argument);
    options.window(weir::duration::max());
    weir::sliding_retry_budget budget(options);
    BOOST_TEST(withdraw_all(budget, start) == 10);
}

BOOST_AUTO_TEST_SUITE_END()
