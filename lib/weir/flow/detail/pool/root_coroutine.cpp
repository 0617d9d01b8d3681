#include <weir/flow/detail/pool/root_coroutine.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/prefer.hpp>

#include <exception>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

void launch(root_coroutine coroutine, const asio::any_io_executor& executor,
            asio::cancellation_slot slot)
{
#if defined(WEIR_NO_ASIO_INTERNALS)
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    asio::co_spawn(executor, std::move(coroutine), asio::bind_cancellation_slot(slot, rethrow));
#else
    using handler = asio::detail::awaitable_handler<asio::any_io_executor, void>;
    handler(std::move(coroutine), executor, slot, asio::cancellation_state(slot)).launch();
#endif
}

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
