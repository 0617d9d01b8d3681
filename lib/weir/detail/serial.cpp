#include <weir/detail/serial.hpp>

#include <weir/detail/hooked_executor.hpp>
#include <weir/detail/waiter.hpp>

#include <boost/asio/execution/context.hpp>
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

// Null when the executor is of another type.
template <class Inner>
const Inner* beneath(const asio::any_io_executor& executor) noexcept
{
    return executor.target<Inner>();
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
                              asio::any_io_executor, asio::system_executor>(executor))
        return true;
    asio::execution_context& context = asio::query(executor, asio::execution::context);
    if (asio::has_service<serial_mark>(context))
        return true;
    return asio::has_service<waiter_registry>(context) &&
           asio::use_service<waiter_registry>(context).is_run_by_one_thread();
}

// Where the executor beneath is known, the strand holds it by value: a post is half as dear.
asio::any_io_executor strand_over(const asio::any_io_executor& executor)
{
    if (const auto* io = beneath<asio::io_context::executor_type>(executor))
        return asio::make_strand(*io);
    if (const auto* threads = beneath<asio::thread_pool::executor_type>(executor))
        return asio::make_strand(*threads);
    return asio::make_strand(executor);
}

bool runs_here(const asio::any_io_executor& executor)
{
    if (const auto* io = executor.target<asio::io_context::executor_type>())
        return io->running_in_this_thread();
    if (const auto* threads = executor.target<asio::thread_pool::executor_type>())
        return threads->running_in_this_thread();
    if (const auto* hooked = executor.target<hooked_executor>())
        return runs_here(hooked->inner());
    if (const auto* strand = executor.target<asio::strand<asio::io_context::executor_type>>())
        return strand->get_inner_executor().running_in_this_thread();
    if (const auto* pooled = executor.target<asio::strand<asio::thread_pool::executor_type>>())
        return pooled->get_inner_executor().running_in_this_thread();
    if (const auto* any = executor.target<asio::strand<asio::any_io_executor>>())
        return runs_here(any->get_inner_executor());
    return false;
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
