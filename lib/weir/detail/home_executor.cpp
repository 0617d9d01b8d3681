#include <weir/detail/home_executor.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>

namespace weir::detail {

namespace asio = boost::asio;

asio::any_io_executor home_executor::plain() const
{
    switch (kind_) {
    case kind::io:
        return io_;
    case kind::strand:
        return strand_;
    case kind::other:
        break;
    }
    return asio::prefer(*other_, asio::execution::outstanding_work.untracked);
}

void home_executor::look_beneath(const asio::any_io_executor& executor)
{
    if (auto* io = executor.target<io_executor>())
        return hold(*io);
    if (auto* strand = executor.target<io_strand>())
        return hold(*strand);
    other_ = new asio::any_io_executor(
        asio::prefer(executor, asio::execution::outstanding_work.tracked));
    kind_ = kind::other;
}

asio::execution_context& home_executor::other_context() const
{
    if (kind_ == kind::strand)
        return strand_.get_inner_executor().context();
    return asio::query(*other_, asio::execution::context);
}

void home_executor::let_go() noexcept
{
    if (kind_ == kind::strand)
        strand_.~io_strand();
    else
        delete other_;
}

} // namespace weir::detail
