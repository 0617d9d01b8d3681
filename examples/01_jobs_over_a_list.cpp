// Calls a coroutine for each item of a list, four at a time. Results come in the list's order.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <weir/weir.hpp>
namespace asio = boost::asio;

asio::awaitable<int> twice(int n) // yours may fetch a page, query a database, store a file
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, std::chrono::seconds(1));
    co_return 2 * n;
}
asio::awaitable<int> sum_of(std::vector<int> numbers)
{
    int sum = 0;
    auto results = weir::map(numbers, 4, twice); // whenever a call ends, the next one starts
    while (auto next = co_await results.next())  // rethrows what a call threw
        sum += *next;
    co_return sum;
}
int main()
{
    weir::runner_pool runners(1); // one thread that runs an io_context
    auto sum = asio::co_spawn(runners.get_executor(), sum_of({1, 2, 3}), asio::use_future);
    return sum.get() == 12 ? 0 : 1;
}
