#include <weir/weir.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdio>

int main()
{
    boost::asio::io_context context;
    weir::semaphore limit(context.get_executor(), 1);
    const auto permit = limit.try_acquire();
    std::puts(weir::make_error_code(weir::errc::closed).message().c_str());
    return permit && !limit.try_acquire() ? 0 : 1;
}
