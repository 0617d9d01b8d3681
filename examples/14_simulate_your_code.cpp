// Runs your code in every possible order. Here: two withdrawals from one account.
#include <weir/sim/context.hpp>
#include <weir/sim/explore.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/sleep.hpp>

#include <cstdio>
#include <stdexcept>

namespace asio = boost::asio;
namespace sim = weir::sim;
using namespace std::chrono_literals;

// [code]
struct account {
    explicit account(const asio::any_io_executor& e) : executor(e), one_at_a_time(e, 1) {}

    asio::awaitable<void> withdraw(int amount, bool careful)
    {
        weir::permit mine;
        if (careful)
            mine = co_await one_at_a_time.async_acquire();
        if (amount > balance)
            co_return;
        co_await weir::async_sleep_for(executor, 1h); // the bank is asked
        balance -= amount;                            // is there still enough?
    }

    asio::any_io_executor executor;
    weir::semaphore one_at_a_time;
    int balance = 100;
};
// [/code]

// [scenario]
void two_withdraw(sim::world& world, bool careful)
{
    sim::context context(world); // where an io_context and its thread would be
    account shared(context.get_executor());
    context.spawn([&] { return shared.withdraw(80, careful); }, "the first");
    const auto an_hour_later = [&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(context.get_executor(), 1h); // passes at once
        co_await shared.withdraw(30, careful);
    };
    context.spawn(an_hour_later, "the second");
    world.run_to_end();
    if (shared.balance < 0)
        throw std::runtime_error("overdrawn");
}
// [/scenario]

int main()
{
    const auto careless = [](sim::world& world) { two_withdraw(world, false); };
    const sim::report bad = sim::explore(sim::schedules::all(), careless);
    const auto careful = [](sim::world& world) { two_withdraw(world, true); };
    const sim::report good = sim::explore(sim::schedules::all(), careful);
    std::printf("%s\n\n%s\n", bad.text().c_str(), good.text().c_str());
    return !bad && good ? 0 : 1;
}
