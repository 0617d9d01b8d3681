#pragma once

#include <weir/flow/job_context.hpp>
#include <weir/flow/job_options.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace weir::test {

inline job_options of(const char* key)
{
    return job_options().key(key);
}

// What ran, when and with how many others of its key.
struct observer {
    explicit observer(simulation& world) : s(world) {}

    boost::asio::awaitable<int> operator()(int n, job_context& context)
    {
        const std::string key(context.key());
        starts.push_back(s.world.now());
        order.push_back(n);
        most = std::max(most, ++running);
        most_of[key] = std::max(most_of[key], ++running_of[key]);
        const auto executor = co_await boost::asio::this_coro::executor;
        co_await async_sleep_for(executor, length);
        --running;
        --running_of[key];
        co_return 2 * n;
    }

    auto handler()
    {
        return [this](int n, job_context& context) { return (*this)(n, context); };
    }

    simulation& s;
    duration length = std::chrono::seconds(1);
    std::vector<time_point> starts;
    std::vector<int> order;
    std::map<std::string, int> running_of;
    std::map<std::string, int> most_of;
    int running = 0;
    int most = 0;
};

inline boost::asio::awaitable<void> feed_key(int_pool& jobs, int from, int to, const char* key)
{
    for (int i = from; i < to; ++i) {
        const auto options = of(key);
        const auto result = co_await jobs.async_submit(i, options);
        BOOST_TEST(bool(result));
    }
}

inline boost::asio::awaitable<void> drain(int_pool& jobs)
{
    const auto report = co_await jobs.drain(std::chrono::hours(1));
    BOOST_TEST(report.clean());
}

} // namespace weir::test
