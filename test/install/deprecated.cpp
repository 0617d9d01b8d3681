// A program that uses what Asio has deprecated beside weir.
#include <weir/run/scope.hpp>
#include <weir/sync/semaphore.hpp>

#include <boost/asio/io_context.hpp>

#include <utility>

int main()
{
    boost::asio::io_context io;
    int called = 0;
    {
        const boost::asio::io_context::work keeps_running(io);
        weir::semaphore limit(io.get_executor(), 1);
        limit.async_acquire([&](weir::error_code, weir::permit) { ++called; });
        io.post([&] { ++called; });
        io.dispatch(io.wrap([&] { ++called; }));
    }
    io.run();
    return called == 3 ? 0 : 1;
}
