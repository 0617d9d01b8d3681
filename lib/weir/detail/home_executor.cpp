#include <weir/detail/home_executor.hpp>

#include <weir/detail/own_strand.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>

namespace weir::detail {

namespace asio = boost::asio;

// Not the strand, which a timer does not need: to hold one in an `any_io_executor` compiles to
// 30 KB in every program.
asio::any_io_executor home_executor::for_timers() const
{
    if (is_on_io())
        return beneath();
    return asio::prefer(*other_, asio::execution::outstanding_work.untracked);
}

void home_executor::look_beneath(const asio::any_io_executor& executor)
{
    if (auto* io = executor.target<io_executor>())
        return hold(*io);
    if (auto* strand = executor.target<io_strand>())
        return hold(*strand);
    if (auto* own = executor.target<own_strand>())
        if (own->get_inner_executor().inner().target<io_executor>() != nullptr)
            return hold(*own);
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
