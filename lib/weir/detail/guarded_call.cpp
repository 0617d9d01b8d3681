#include <weir/detail/guarded_call.hpp>

#include <memory>
#include <utility>

namespace weir::detail {

void guarded_call::cancel_pending() noexcept
{
    const std::shared_ptr<pending> gone = std::move(pending_);
    gone->wanted = false;
    gone->signal.cancel();
}

} // namespace weir::detail
