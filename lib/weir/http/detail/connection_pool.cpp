#include <weir/http/detail/connection_pool.hpp>

#include <utility>

namespace weir::http::detail {

connection_pool::lease::lease(connection_pool& owner, std::unique_ptr<connection> held)
    : owner_(owner), held_(std::move(held))
{
    ++owner_.in_use_;
}

void connection_pool::lease::keep(const std::string& origin, duration length)
{
    if (length <= duration::zero())
        return;
    const time_point expires = saturating_add(now(owner_.executor_), length);
    owner_.idle_.put(origin, std::move(held_), expires);
    if (!owner_.reaper_armed_)
        owner_.arm_reaper();
}

connection_pool::connection_pool(boost::asio::any_io_executor executor, std::size_t max_idle)
    : executor_(std::move(executor)), idle_(max_idle)
{
}

std::unique_ptr<connection> connection_pool::take(const std::string& origin)
{
    while (idle_.size() != 0) {
        auto taken = idle_.take(origin, now(executor_));
        if (!taken)
            break;
        if ((*taken)->is_quiet())
            return std::move(*taken);
    }
    return nullptr;
}

void connection_pool::drop_idle()
{
    idle_.clear();
    reaper_.cancel();
    reaper_armed_ = false;
}

void connection_pool::arm_reaper()
{
    const auto next = idle_.next_expiry();
    reaper_armed_ = next.has_value();
    if (!next)
        return;
    try {
        reaper_ = alarm(executor_, *next, [this] {
            idle_.drop_expired(now(executor_));
            arm_reaper();
        });
    } catch (const system_error&) {
        reaper_armed_ = false; // the next connection that is kept tries again
    }
}

} // namespace weir::http::detail
