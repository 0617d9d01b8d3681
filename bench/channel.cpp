// Values through a channel, from one coroutine to another.

#include <weir/sync/channel.hpp>

#include "support/bench.hpp"

#include <weir/run/runner_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <optional>

namespace asio = boost::asio;
using bench::report;
using channel = weir::channel<std::int64_t>;

namespace {

asio::awaitable<void> send_all(channel& values, std::int64_t items)
{
    for (std::int64_t i = 0; i < items; ++i)
        if (!values.try_send(i))
            (void)co_await values.async_send(i);
    values.close();
}

asio::awaitable<std::uint64_t> receive_all(channel& values)
{
    std::uint64_t sum = 0;
    for (;;) {
        std::optional<std::int64_t> value = values.try_receive();
        if (!value)
            value = co_await values.async_receive();
        if (!value)
            co_return sum;
        sum += static_cast<std::uint64_t>(*value);
    }
}

template <std::size_t Capacity, std::size_t Threads>
report channel_stream(std::int64_t items)
{
    weir::runner_pool runners(Threads);
    channel values(runners.executor(0), Capacity);
    const bench::stopwatch watch;
    auto sent = asio::co_spawn(runners.executor(0), send_all(values, items), asio::use_future);
    auto received =
        asio::co_spawn(runners.executor(Threads - 1), receive_all(values), asio::use_future);
    const std::uint64_t sum = received.get();
    const report found = bench::ns_each(watch, items, sum);
    sent.get();
    return found;
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"channel_stream_1", channel_stream<1024, 1>},
                        {"channel_stream_2", channel_stream<1024, 2>},
                        {"channel_unbuffered_1", channel_stream<0, 1>}});
}
