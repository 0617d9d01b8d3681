#include <weir/flow/detail/pool/root_coroutine.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/prefer.hpp>

#include <exception>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

#if defined(WEIR_NO_ASIO_INTERNALS)

namespace {

void rethrow(const std::exception_ptr& error)
{
    if (error)
        std::rethrow_exception(error);
}

} // namespace

void launch(root_coroutine coroutine, const asio::any_io_executor& executor)
{
    asio::co_spawn(executor, std::move(coroutine),
                   [](const std::exception_ptr& error) { rethrow(error); });
}

void launch(root_coroutine coroutine, worker& w)
{
    // co_spawn's own frame clears the slot after ours has ended, and the worker has left its pool.
    const auto on_end = [alive = worker_pointer(&w)](const std::exception_ptr& error) {
        rethrow(error);
    };
    asio::co_spawn(w.get_executor(), std::move(coroutine),
                   asio::bind_cancellation_slot(w.signal.slot(), on_end));
}

#else

namespace {

void launch(root_coroutine coroutine, const asio::any_io_executor& executor,
            asio::cancellation_slot slot)
{
    using handler = asio::detail::awaitable_handler<asio::any_io_executor, void>;
    handler(std::move(coroutine), executor, slot, asio::cancellation_state(slot)).launch();
}

} // namespace

void launch(root_coroutine coroutine, const asio::any_io_executor& executor)
{
    launch(std::move(coroutine), executor, asio::cancellation_slot());
}

void launch(root_coroutine coroutine, worker& w)
{
    launch(std::move(coroutine), w.get_executor(), w.signal.slot());
}

#endif

work_token::work_token(const asio::any_io_executor& executor)
{
    constexpr auto tracked = asio::execution::outstanding_work.tracked;
    if (const auto* io = executor.target<io_executor>())
        work_.emplace<io_work>(asio::require(*io, tracked));
    else
        work_.emplace<other_work>(
            std::make_unique<const asio::any_io_executor>(asio::prefer(executor, tracked)));
}

work_token::~work_token() = default;

} // namespace weir::detail
