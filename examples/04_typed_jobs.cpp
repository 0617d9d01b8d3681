// Jobs of one type in, results of another out. A job that throws stops nothing else.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <cstdio>
#include <stdexcept>

namespace asio = boost::asio;

struct job {
    int id;
    int value;
};

struct result {
    int job_id;
    int output;
};

using pool = weir::worker_pool<job, result>;

result twice(job j)
{
    if (j.id == 7)
        throw std::runtime_error("job seven fails");
    return {j.id, j.value * 2};
}

asio::awaitable<void> feed(pool& jobs)
{
    for (int i = 0; i < 10; ++i) {
        const job next = {i, i * 100};
        if (!co_await jobs.async_submit(next))
            break;
    }
    jobs.close();
}

asio::awaitable<int> collect(pool& jobs)
{
    int failed = 0;
    while (auto out = co_await jobs.results().async_receive()) // ends after the last job
        if (*out)
            std::printf("job %d: %d\n", out->value().job_id, out->value().output);
        else
            ++failed; // out->error() is the exception, out->status() how the job ended
    co_return failed;
}

int main()
{
    weir::runner_pool runners;
    pool jobs(runners, weir::pool_options(3).inline_on_runners(), twice); // it only computes
    auto fed = asio::co_spawn(runners.get_executor(), feed(jobs), asio::use_future);
    auto failed = asio::co_spawn(runners.get_executor(), collect(jobs), asio::use_future);
    fed.get();
    return failed.get() == 1 ? 0 : 1;
}
