#include <weir/http/detail/origin_limits.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace weir::http::detail {

namespace asio = boost::asio;

origin_limits::origin_limits(asio::any_io_executor executor, limit per_host)
    : executor_(std::move(executor)), per_host_(per_host)
{
}

origin_limits::place::place(origin_limits& owner, const std::string& origin)
    : all_(owner.entries_), own_(&*all_.try_emplace(origin, owner.executor_, owner.per_host_).first)
{
    ++own_->second.places;
}

origin_limits::place::~place()
{
    permit_ = permit(); // goes back before its semaphore may be destroyed
    if (--own_->second.places == 0)
        all_.erase(all_.find(own_->first));
}

bool origin_limits::place::try_acquire()
{
    permit_ = own_->second.room.try_acquire();
    return static_cast<bool>(permit_);
}

asio::awaitable<void> origin_limits::place::acquire()
{
    permit_ = co_await own_->second.room.async_acquire(asio::use_awaitable);
}

} // namespace weir::http::detail
