#include "pace.hpp"

#include <weir/rate.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace weir_fetch {
namespace {

namespace asio = boost::asio;

std::size_t part_of(std::uint64_t bytes)
{
    constexpr std::uint64_t largest = 64 * 1024;
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(bytes / 8, 1, largest));
}

/// What comes in 5 ms at least, because timers are late by 1 or 2.
std::size_t burst_of(std::uint64_t bytes)
{
    return std::max(part_of(bytes), static_cast<std::size_t>(bytes / 200));
}

} // namespace

speed_limit::speed_limit(const asio::any_io_executor& executor, std::uint64_t bytes)
    : part_(part_of(bytes)), tokens_(executor, weir::rate::per_second(bytes), burst_of(bytes))
{
}

asio::awaitable<void> speed_limit::pay(std::size_t& owed)
{
    while (owed != 0) {
        const std::size_t now = std::min(owed, tokens_.burst());
        co_await tokens_.async_acquire(now, asio::use_awaitable);
        owed -= now;
    }
}

pace::pace(std::unique_ptr<speed_limit> own, std::shared_ptr<speed_limit> of_all)
    : own_(std::move(own)), of_all_(std::move(of_all))
{
}

std::size_t pace::most_to_read() const noexcept
{
    std::size_t most = std::numeric_limits<std::size_t>::max();
    if (own_)
        most = own_->part();
    return of_all_ ? std::min(most, of_all_->part()) : most;
}

void pace::received(std::size_t bytes) noexcept
{
    owed_ += own_ ? bytes : 0;
    owed_to_all_ += of_all_ ? bytes : 0;
}

asio::awaitable<void> pace::rest()
{
    if (own_)
        co_await own_->pay(owed_);
    if (of_all_)
        co_await of_all_->pay(owed_to_all_);
}

} // namespace weir_fetch
