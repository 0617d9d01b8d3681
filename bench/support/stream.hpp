#pragma once

#include "bench.hpp"

#include <weir/flow/worker_pool.hpp>
#include <weir/run/runner_pool.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// The user's side of a stream of jobs through a worker pool: the submitters and receivers.

namespace bench {

namespace asio = boost::asio;

struct job {
    std::int64_t id;
    std::int64_t value;
};

struct result {
    std::int64_t id;
    std::int64_t value;
};

using pool = weir::worker_pool<job, result>;
using outcome = weir::outcome<result>;

inline result work(job j)
{
    return {j.id, worked(j.value)};
}

inline asio::awaitable<result> work_in_coroutine(job j)
{
    co_return work(j);
}

constexpr std::size_t queue_size = 1024;
constexpr std::size_t batch_size = 64;

inline weir::pool_options options(std::size_t workers)
{
    return weir::pool_options(workers)
        .queue(queue_size)
        .results(queue_size)
        .inline_on_runners(); // handlers that only compute
}

/// One by one: tries first, and waits when there is no room.
inline asio::awaitable<void> submit_all(pool& jobs, std::int64_t count)
{
    for (std::int64_t i = 0; i < count; ++i) {
        const job next{i, i};
        if (jobs.try_submit(next))
            continue;
        const auto submitted = co_await jobs.async_submit(next);
        require(bool(submitted), "a job was not accepted");
    }
}

/// As many as there is room for, up to a batch; waits with one job when there is no room.
inline asio::awaitable<void> submit_in_batches(pool& jobs, std::int64_t count)
{
    std::vector<job> batch;
    batch.reserve(batch_size);
    for (std::int64_t i = 0; i < count;) {
        batch.clear();
        for (; i < count && batch.size() < batch_size; ++i)
            batch.push_back({i, i});
        std::span<job> left(batch);
        while (!(left = left.subspan(jobs.try_submit_n(left))).empty()) {
            const auto submitted = co_await jobs.async_submit(left.front());
            require(bool(submitted), "a job was not accepted");
            left = left.subspan(1);
        }
    }
}

/// One by one: tries first, and waits when the queue is empty.
inline asio::awaitable<std::uint64_t> receive_all(pool& jobs)
{
    std::uint64_t sum = 0;
    for (;;) {
        std::optional<outcome> out = jobs.results().try_receive();
        if (!out)
            out = co_await jobs.results().async_receive();
        if (!out)
            co_return sum;
        sum += static_cast<std::uint64_t>(out->value().value);
    }
}

/// What is there, up to a batch.
inline asio::awaitable<std::uint64_t> receive_in_batches(pool& jobs)
{
    std::uint64_t sum = 0;
    std::vector<outcome> batch;
    batch.reserve(batch_size);
    for (;;) {
        batch.clear();
        if (jobs.results().try_receive_n(batch, batch_size) == 0)
            co_await jobs.results().async_receive_some(batch, batch_size);
        if (batch.empty())
            co_return sum;
        for (outcome& out : batch)
            sum += static_cast<std::uint64_t>(out.value().value);
    }
}

} // namespace bench
