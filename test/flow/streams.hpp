#pragma once

// Numbers that go through `map` or a `pipeline`.

#include <weir/time/sleep.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <numeric>
#include <vector>

namespace weir::test {

inline std::vector<int> one_to(int n)
{
    std::vector<int> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 1);
    return all;
}

inline boost::asio::awaitable<void> sleep_for(weir::duration length)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await weir::async_sleep_for(executor, length, boost::asio::use_awaitable);
}

/// Takes everything there is.
template <class Stream>
boost::asio::awaitable<std::vector<int>> all_of(Stream& results)
{
    std::vector<int> got;
    while (auto result = co_await results.next())
        got.push_back(*result);
    co_return got;
}

} // namespace weir::test
