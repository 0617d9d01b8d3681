#pragma once

#include <weir/detail/wait_operation.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>

#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir::detail {

/// The lowest coroutine of a line of them, which nobody awaits. What leaves it leaves the handler
/// that resumed it.
///
/// Stands where `co_spawn` would put a coroutine of its own beneath ours: that one's frame, and the
/// function through which it passes cancellation on, are larger than all that a job needs beside
/// its own coroutine. The two private names of Asio below are what `co_spawn` itself is made of,
/// the same in Boost 1.81 and 1.90.
using root_coroutine = boost::asio::awaitable<boost::asio::detail::awaitable_thread_entry_point>;

/// Starts it: on the executor's thread, which may be in the middle of something else of its. What
/// is emitted at the slot's signal there reaches the coroutine directly.
inline void launch(root_coroutine coroutine, const boost::asio::any_io_executor& executor,
                   boost::asio::cancellation_slot slot = {})
{
    using handler = boost::asio::detail::awaitable_handler<boost::asio::any_io_executor, void>;
    handler(std::move(coroutine), executor, slot, boost::asio::cancellation_state(slot)).launch();
}

/// While there is one, whoever runs the executor's context has something to do.
class work_token {
    using io_executor = home_executor::io_executor;
    using io_work = std::decay_t<decltype(boost::asio::prefer(
        std::declval<const io_executor&>(), boost::asio::execution::outstanding_work.tracked))>;
    using any_work = std::unique_ptr<const boost::asio::any_io_executor>; // it is large, and rare

public:
    explicit work_token(const boost::asio::any_io_executor& executor)
    {
        constexpr auto tracked = boost::asio::execution::outstanding_work.tracked;
        if (const auto* io = executor.target<io_executor>())
            work_.template emplace<io_work>(boost::asio::prefer(*io, tracked));
        else
            work_ = std::make_unique<const boost::asio::any_io_executor>(
                boost::asio::prefer(executor, tracked));
    }

private:
    std::variant<std::monostate, io_work, any_work> work_;
};

} // namespace weir::detail
