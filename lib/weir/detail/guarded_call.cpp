#include <weir/detail/guarded_call.hpp>

#include <boost/asio/cancellation_type.hpp>

#include <memory>
#include <utility>

namespace weir::detail {

void guarded_call::cancel_pending() noexcept
{
    const std::shared_ptr<pending> gone = std::move(pending_);
    gone->wanted = false;
    if (gone->waiting)
        gone->signal.emit(boost::asio::cancellation_type::terminal);
}

} // namespace weir::detail
