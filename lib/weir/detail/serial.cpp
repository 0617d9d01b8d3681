#include <weir/detail/serial.hpp>

#include <weir/detail/hooked_executor.hpp>
#include <weir/detail/own_strand.hpp>
#include <weir/detail/waiter.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/occupancy.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

class serial_mark final : public asio::execution_context::service {
public:
    static inline asio::execution_context::id id;

    explicit serial_mark(asio::execution_context& context) : service(context) {}

private:
    void shutdown() override {}
};

template <class... Inner>
bool is_strand_over_any_of(const asio::any_io_executor& executor) noexcept
{
    return ((executor.target<asio::strand<Inner>>() != nullptr) || ...);
}

} // namespace

void mark_serial(asio::execution_context& context)
{
    asio::use_service<serial_mark>(context);
}

bool is_serial(const asio::any_io_executor& executor)
{
    if (const auto* hooked = executor.target<hooked_executor>())
        return hooked->hook().is_serial();
    if (is_strand_over_any_of<asio::io_context::executor_type, asio::thread_pool::executor_type,
                              asio::any_io_executor, asio::system_executor, beneath_strand>(
            executor))
        return true;
    asio::execution_context& context = asio::query(executor, asio::execution::context);
    if (asio::has_service<serial_mark>(context))
        return true;
    return asio::has_service<waiter_registry>(context) &&
           asio::use_service<waiter_registry>(context).is_run_by_one_thread();
}

std::size_t threads_behind(const asio::any_io_executor& executor)
{
    const auto* threads = executor.target<asio::thread_pool::executor_type>();
    return threads != nullptr ? asio::query(*threads, asio::execution::occupancy) : 1;
}

asio::any_io_executor strand_over(const asio::any_io_executor& executor)
{
    return own_strand(beneath_strand(executor));
}

asio::any_io_executor unless_checked([[maybe_unused]] const asio::any_io_executor& executor)
{
#ifdef NDEBUG
    if (const auto* hooked = executor.target<hooked_executor>())
        return hooked->inner();
#endif
    return executor;
}

} // namespace weir::detail
