#include <weir/detail/hooked_executor.hpp>
#include <weir/detail/own_strand.hpp>
#include <weir/detail/serial.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

namespace weir::detail {

namespace asio = boost::asio;

bool runs_here(const asio::any_io_executor& executor)
{
    if (const auto* io = executor.target<asio::io_context::executor_type>())
        return io->running_in_this_thread();
    if (const auto* threads = executor.target<asio::thread_pool::executor_type>())
        return threads->running_in_this_thread();
    if (const auto* hooked = executor.target<hooked_executor>())
        return runs_here(hooked->inner());
    if (const auto* own = executor.target<own_strand>())
        return runs_here(own->get_inner_executor().inner());
    if (const auto* strand = executor.target<asio::strand<asio::io_context::executor_type>>())
        return strand->get_inner_executor().running_in_this_thread();
    if (const auto* pooled = executor.target<asio::strand<asio::thread_pool::executor_type>>())
        return pooled->get_inner_executor().running_in_this_thread();
    if (const auto* any = executor.target<asio::strand<asio::any_io_executor>>())
        return runs_here(any->get_inner_executor());
    return false;
}

} // namespace weir::detail
