#include <weir/sync/semaphore.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>

template <class F>
boost::asio::awaitable<int> run(F f)
{
    co_return f();
}

boost::asio::awaitable<int> correct(weir::semaphore& limit, std::string name)
{
    const weir::permit permit = co_await limit.async_acquire();
    const auto length = [name] { return int(name.size()); };
    co_return co_await run(length);
}
