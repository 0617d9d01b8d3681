// A loop whose calls have limits for each host, a rate, and retries.
#include <weir/weir.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct page {
    std::string host;
    int attempts = 0;
};

asio::awaitable<void> fetch(page& what)
{
    if (++what.attempts < 2) // each meets a hiccup once
        throw std::runtime_error("connection reset by " + what.host);
    co_return;
}

asio::awaitable<void> fetch_all(asio::io_context& context, std::vector<page> pages, bool& good)
{
    // [loop]
    auto limits = weir::pool_options(8).queue(100);
    limits.per_key(2).rate(weir::rate::per_second(2000), 10);
    limits.retry(weir::retry_policy(3).backoff(weir::backoff(1ms, 10ms)));
    weir::task_pool pool({context.get_executor()}, limits);

    const auto by_host = [](const page& p) { return weir::job_options().key(p.host); };
    auto job = weir::as_jobs(pool, fetch, by_host);
    co_await weir::for_each(pages, pool.places(), job);
    // [/loop]
    const auto l = pool.ledger();
    std::printf("%zu pages, %zu retries\n", l.ok, l.retries);
    good = l.ok == pages.size() && l.retries == l.ok;
}

int main()
{
    std::vector<page> pages;
    for (int i = 0; i < 60; ++i)
        pages.push_back(page{i < 40 ? "big.example" : "small.example"});
    asio::io_context context(1);
    bool good = false;
    asio::co_spawn(context, fetch_all(context, std::move(pages), good), asio::detached);
    context.run();
    return good ? 0 : 1;
}
