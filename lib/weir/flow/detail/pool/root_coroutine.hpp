#pragma once

#include <weir/flow/detail/pool/worker.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>

#include <memory>
#include <utility>
#include <variant>

namespace weir::detail {

/// The root of a stack of coroutines: nothing awaits it. An exception that leaves it leaves the
/// handler that resumed it.
///
/// It stands where `co_spawn` would put a coroutine of its own beneath ours. That one's frame, and
/// the function that passes cancellation on through it, are larger than all that a job needs beside
/// its own coroutine. The two private names of Asio that this takes stand in this file and its
/// source alone; they are what `co_spawn` itself is made of, the same in Boost 1.81 and 1.90. With
/// `WEIR_NO_ASIO_INTERNALS` defined, for the library and for what uses it, `co_spawn` is used.
#if defined(WEIR_NO_ASIO_INTERNALS)
using root_coroutine = boost::asio::awaitable<void>;
#else
using root_coroutine = boost::asio::awaitable<boost::asio::detail::awaitable_thread_entry_point>;
#endif

/// Starts it, inside this call: on the executor's thread, which may be in the middle of another
/// handler.
void launch(root_coroutine coroutine, const boost::asio::any_io_executor& executor);
/// Starts a worker's coroutine on its executor. What is emitted at the worker's signal there
/// reaches the coroutine directly.
void launch(root_coroutine coroutine, worker& w);

/// While it lives, the executor's context has work: `run` does not return.
class work_token {
    using io_executor = boost::asio::io_context::executor_type;
    using io_work = decltype(boost::asio::require(
        std::declval<const io_executor&>(), boost::asio::execution::outstanding_work.tracked));
    using other_work = std::unique_ptr<const boost::asio::any_io_executor>; // large, and rare

public:
    explicit work_token(const boost::asio::any_io_executor& executor);
    work_token(const work_token&) = delete;
    work_token& operator=(const work_token&) = delete;
    ~work_token();

private:
    std::variant<std::monostate, io_work, other_work> work_;
};

} // namespace weir::detail
