#include <weir/detail/home_executor.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>

namespace weir::detail {

namespace asio = boost::asio;

asio::any_io_executor home_executor::plain() const
{
    if (io() != nullptr)
        return *io();
    return asio::prefer(other(), asio::execution::outstanding_work.untracked);
}

void home_executor::look_beneath(const asio::any_io_executor& executor)
{
    if (auto* io = executor.target<io_executor>())
        where_.emplace<io_executor>(*io);
    else
        where_ = std::make_unique<const asio::any_io_executor>(
            asio::prefer(executor, asio::execution::outstanding_work.tracked));
}

asio::execution_context& home_executor::other_context() const
{
    return asio::query(other(), asio::execution::context);
}

} // namespace weir::detail
