#include <weir/sync/semaphore.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>

template <class F>
boost::asio::awaitable<int> run(F f)
{
    co_return f();
}

boost::asio::awaitable<int> broken(weir::semaphore& limit, std::string name)
{
    const weir::permit permit = co_await limit.async_acquire();
    co_return co_await run([name] { return int(name.size()); });
}
