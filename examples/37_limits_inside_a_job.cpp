// A job that submits a job, and takes a limit: neither lasts longer than it may itself.
#include <weir/sim/context.hpp>
#include <weir/weir.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>

namespace asio = boost::asio;
using namespace std::chrono_literals;

int main()
{
    weir::sim::world world(1); // virtual time
    weir::sim::context context(world);
    const auto here = context.get_executor();
    weir::task_pool scalers({here}, weir::pool_options(2).per_key(1));
    weir::semaphore disk(here, 1);
    const auto scale = [&]() { return weir::async_sleep_for(here, 500ms, asio::use_awaitable); };
    // [job]
    const auto store = [&](int, weir::job_context& self) -> asio::awaitable<void> {
        const auto inherited = self.options(); // its name, key and deadline; cancelled with it
        (void)co_await scalers.async_run(scale, inherited);
        const auto place = co_await disk.async_acquire_until(self.deadline());
        co_await weir::async_sleep_for(here, 2s);
    };
    // [/job]
    weir::worker_pool<int, void> pool({here}, weir::pool_options(8).discard_results(), store);
    const auto soon = weir::job_options().key("big").deadline(world.now() + 3s);
    for (int i = 0; i < 3; ++i) // one scales at a time, for they have one key
        (void)pool.try_submit(i, soon);
    context.spawn([&]() -> asio::awaitable<void> {
        (void)co_await pool.drain(1min);
        scalers.close();
    });
    world.run_to_end();
    const auto l = pool.ledger();
    const bool in_time = world.now() - world.began() == 3s && disk.in_use() == 0;
    return l.ok == 1 && l.accepted == 3 && in_time ? 0 : 1;
}
