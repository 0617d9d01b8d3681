// Submits callables of any kind to a pool, two at a time, and awaits their outcomes.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;

asio::awaitable<std::string> fetch(int page)
{
    const auto executor = co_await asio::this_coro::executor;
    co_await weir::async_sleep_for(executor, std::chrono::milliseconds(page));
    if (page == 3)
        throw std::runtime_error("there is no page 3");
    co_return "page " + std::to_string(page);
}

asio::awaitable<int> fetch_five(weir::task_pool& pool)
{
    std::vector<weir::task<std::string>> tasks;
    for (int page = 1; page <= 5; ++page) {
        const auto job = [page] { return fetch(page); };  // or a plain callable
        tasks.push_back(co_await pool.async_submit(job)); // waits only while the queue is full
    }
    int failed = 0;
    for (auto& task : tasks) {
        auto out = co_await task.async_outcome();
        if (!out)
            ++failed; // out.error() is the exception, out.status() how the job ended
        else
            std::printf("%s\n", out.value().c_str());
    }
    const auto add = [] { return 1 + 1; };
    auto sum = co_await pool.async_run(add); // submits, and awaits the outcome
    std::printf("%d\n", sum.value());
    co_return failed;
}

int main()
{
    weir::runner_pool runners;
    weir::task_pool pool(runners, weir::pool_options(2).queue(8));
    auto failed = asio::co_spawn(runners.get_executor(), fetch_five(pool), asio::use_future);
    return failed.get() == 1 ? 0 : 1;
}
