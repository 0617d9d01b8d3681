#include "stress/matrix/subject.hpp"

#include <weir/flow/as_jobs.hpp>
#include <weir/flow/asio_queue.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/run/blocking_lane.hpp>

#include <boost/asio/experimental/concurrent_channel.hpp>

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace weir::test;
using asio::any_io_executor;

namespace {

int twice(int n)
{
    return 2 * n;
}

struct submit : subject_of<submit> {
    explicit submit(any_io_executor own)
        : pool({std::move(own)}, weir::pool_options(weir::paused).queue(1).discard_results(), twice)
    {
        (void)pool.try_submit(0);
    }

    template <class Handler>
    void begin(Handler handler)
    {
        pool.async_submit(1, std::move(handler));
    }
    void finish() override { pool.resize(weir::limit(1)); }

    weir::worker_pool<int, int> pool;
};

// Waits for its key's share, and then for a place.
struct submit_limited : subject_of<submit_limited> {
    explicit submit_limited(any_io_executor own)
        : pool({std::move(own)}, limited().discard_results(), twice)
    {
        (void)pool.try_submit(0, of_key);
    }

    static weir::pool_options limited()
    {
        return weir::pool_options(weir::paused).queue(1).per_key(1).key_share(0.5);
    }

    template <class Handler>
    void begin(Handler handler)
    {
        pool.async_submit(1, of_key, std::move(handler));
    }
    void finish() override { pool.resize(weir::limit(1)); }

    const weir::job_options of_key = weir::job_options().key("a");
    weir::worker_pool<int, int> pool;
};

struct run_limited : subject_of<run_limited> {
    explicit run_limited(any_io_executor own)
        : pool({std::move(own)}, submit_limited::limited().retry(weir::retry_policy(2)))
    {
    }

    template <class Handler>
    void begin(Handler handler)
    {
        pool.async_run([] { return 1; }, of_key, std::move(handler));
    }
    void finish() override { pool.resize(weir::limit(1)); }

    const weir::job_options of_key = weir::job_options().key("a");
    weir::task_pool pool;
};

// What a call of `as_jobs` waits for: the end of its job, even of a job that is cancelled.
struct run_to_the_end : subject_of<run_to_the_end> {
    explicit run_to_the_end(any_io_executor own)
        : pool({std::move(own)}, submit_limited::limited().retry(weir::retry_policy(2)))
    {
    }

    template <class Handler>
    void begin(Handler handler)
    {
        weir::detail::task_intake(pool).run_to_the_end([] { return 1; }, of_key,
                                                       std::move(handler));
    }
    void finish() override { pool.resize(weir::limit(1)); }

    const weir::job_options of_key = weir::job_options().key("a");
    weir::task_pool pool;
};

struct results : subject_of<results> {
    explicit results(any_io_executor own)
        : pool({std::move(own)}, weir::pool_options(weir::limit(1)), twice)
    {
    }

    template <class Handler>
    void begin(Handler handler)
    {
        pool.results().async_receive(std::move(handler));
    }
    void finish() override
    {
        for (int i = 0; i < 3; ++i)
            (void)pool.try_submit(i);
    }

    weir::worker_pool<int, int> pool;
};

struct submit_task : subject_of<submit_task> {
    explicit submit_task(any_io_executor own)
        : pool({std::move(own)}, weir::pool_options(weir::paused).queue(0))
    {
    }

    template <class Handler>
    void begin(Handler handler)
    {
        pool.async_submit([] { return 1; }, std::move(handler));
    }
    void finish() override { pool.resize(weir::limit(1)); }

    weir::task_pool pool;
};

struct run_task : subject_of<run_task> {
    explicit run_task(any_io_executor own)
        : pool({std::move(own)}, weir::pool_options(weir::paused))
    {
    }

    template <class Handler>
    void begin(Handler handler)
    {
        pool.async_run([] { return 1; }, std::move(handler));
    }
    void finish() override { pool.resize(weir::limit(1)); }

    weir::task_pool pool;
};

struct outcome_of_task : subject_of<outcome_of_task> {
    explicit outcome_of_task(any_io_executor own)
        : pool({std::move(own)}, weir::pool_options(weir::paused))
    {
        for (auto& each : tasks)
            each = pool.try_submit([] { return 1; });
    }

    template <class Handler>
    void begin(Handler handler)
    {
        tasks[next++].async_outcome(std::move(handler));
    }
    void finish() override { pool.resize(weir::limit(1)); }

    weir::task_pool pool;
    std::array<weir::task<int>, 3> tasks;
    std::size_t next = 0;
};

struct run_on_lane : subject_of<run_on_lane> {
    explicit run_on_lane(any_io_executor own) : lane(std::move(own), weir::limit(1)) {}

    template <class Handler>
    void begin(Handler handler)
    {
        lane.async_run([] { return 1; }, std::move(handler));
    }

    weir::blocking_lane lane;
};

struct close_lane : subject_of<close_lane> {
    explicit close_lane(any_io_executor own) : lane(std::move(own), weir::limit(1)) {}

    template <class Handler>
    void begin(Handler handler)
    {
        lane.async_close(std::move(handler));
    }

    weir::blocking_lane lane;
};

using asio_channel = asio::experimental::concurrent_channel<void(weir::error_code, int)>;

struct send_to_asio : subject_of<send_to_asio> {
    explicit send_to_asio(any_io_executor own) : queue(std::move(own), 0) {}

    template <class Handler>
    void begin(Handler handler)
    {
        queue.async_send(1, std::move(handler));
    }
    void finish() override { queue.close(); }

    weir::asio_queue<asio_channel> queue;
};

struct receive_from_asio : subject_of<receive_from_asio> {
    explicit receive_from_asio(any_io_executor own) : queue(std::move(own), 1) {}

    template <class Handler>
    void begin(Handler handler)
    {
        queue.async_receive(std::move(handler));
    }
    void finish() override
    {
        (void)queue.try_send(1);
        queue.close();
    }

    weir::asio_queue<asio_channel> queue;
};

const add_row<submit> r1("worker_pool, async_submit");
const add_row<submit_limited> r10("worker_pool with limits, async_submit");
const add_row<run_limited> r11("task_pool with limits, async_run");
const add_row<run_to_the_end> r12("as_jobs, a call");
const add_row<results> r2("worker_pool, results");
const add_row<submit_task> r3("task_pool, async_submit");
const add_row<run_task> r4("task_pool, async_run");
const add_row<outcome_of_task> r5("task, async_outcome");
const add_row<run_on_lane> r6("blocking_lane, async_run");
const add_row<close_lane> r7("blocking_lane, async_close");
const add_row<send_to_asio> r8("asio_queue, async_send");
const add_row<receive_from_asio> r9("asio_queue, async_receive");

} // namespace
