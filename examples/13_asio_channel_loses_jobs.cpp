// Counts the jobs that a channel reports as sent although no receiver will ever get them.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <weir/policy/timeout.hpp>
#include <weir/sync/channel.hpp>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using asio::use_awaitable;
using asio_jobs = asio::experimental::channel<void(weir::error_code, int)>;
using weir_jobs = weir::channel<int>;
int sent = 0, received = 0;
asio::awaitable<void> receive(asio_jobs& jobs)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, weir::duration(0));
    auto job = co_await (jobs.async_receive(use_awaitable) || timer.async_wait(use_awaitable));
    received += job.index() == 0;
}
asio::awaitable<void> receive(weir_jobs& jobs)
{
    auto job = co_await weir::with_timeout(weir::duration(0), jobs.async_receive(use_awaitable));
    received += job.has_value();
}
asio::awaitable<void> send_in(int turns, auto& jobs)
{
    while (turns-- > 0) // in one of these turns the timeout expires
        co_await asio::post(use_awaitable);
    if constexpr (requires { jobs.async_send(1); })
        jobs.async_send(1, [](auto result) { sent += bool(result); });
    else
        jobs.async_send({}, 1, [](weir::error_code e) { sent += !e; });
}
template <class Jobs>
int lost(bool at_close)
{
    sent = received = 0;
    for (int turns = 0; turns < 10; ++turns) {
        asio::io_context io;
        auto jobs = std::make_unique<Jobs>(io.get_executor(), 0); // without a buffer
        asio::co_spawn(io, send_in(turns, *jobs), [](std::exception_ptr) {});
        if (!at_close)
            asio::co_spawn(io, receive(*jobs), [](std::exception_ptr) {});
        io.poll();
        if (at_close)
            jobs->close();
        jobs.reset(); // operations that still wait complete now
        io.run();
    }
    return sent - received;
}
int main()
{
    const int by_asio[] = {lost<asio_jobs>(true), lost<asio_jobs>(false)};
    const int by_weir[] = {lost<weir_jobs>(true), lost<weir_jobs>(false)};
    std::printf("Asio lost %d at close, %d at a timeout\n", by_asio[0], by_asio[1]);
    std::printf("weir lost %d at close, %d at a timeout\n", by_weir[0], by_weir[1]);
    return by_asio[0] > 0 && by_asio[1] > 0 && by_weir[0] + by_weir[1] == 0 ? 0 : 1;
}
