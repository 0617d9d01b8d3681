#include <weir/policy/detail/rate_state.hpp>

namespace weir::detail {

std::shared_ptr<rate_state> rate_state::make(const boost::asio::any_io_executor& executor,
                                             const gcra_rule& rule)
{
    auto made = std::make_shared<rate_state>(executor, rule);
    if (made->is_gone()) // and said so before there was anything to close
        made->close();
    return made;
}

rate_state::rate_state(const boost::asio::any_io_executor& executor, const gcra_rule& rule)
    : own_timer(executor), core_(rule)
{
}

acquire_result rate_state::park(node& n) noexcept
{
    const acquire_result result = core_.park(n, time());
    if (result == acquire_result::parked)
        look_again();
    return result;
}

bool rate_state::unpark(node& n) noexcept
{
    const bool out = core_.unpark(n, time());
    if (out)
        look_again();
    return out;
}

bool rate_state::give_up(node& n) noexcept
{
    const bool out = core_.give_up(n, time());
    if (out)
        look_again();
    return out;
}

void rate_state::change(const gcra_rule& rule) noexcept
{
    core_.change(rule, time());
    look_again();
}

void rate_state::close() noexcept
{
    core_.close();
    look_again();
}

void rate_state::lost(int error) noexcept
{
    failure_.store(error, std::memory_order_relaxed);
    core_.fail();
}

} // namespace weir::detail
