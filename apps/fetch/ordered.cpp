#include "ordered.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace weir_fetch {

namespace asio = boost::asio;

ordered::ordered(asio::any_io_executor executor, std::size_t window)
    : room_(std::move(executor), window)
{
}

asio::awaitable<void> ordered::enter()
{
    weir::permit place = co_await room_.async_acquire(asio::use_awaitable);
    places_.push_back(std::move(place));
}

void ordered::add(ended item)
{
    const auto number = item.result.id;
    waiting_.emplace(number, std::move(item));
}

std::optional<ended> ordered::next()
{
    const auto found = waiting_.find(next_);
    if (found == waiting_.end())
        return std::nullopt;
    ++next_;
    places_.pop_front();
    return take(found);
}

std::optional<ended> ordered::next_of_rest()
{
    if (waiting_.empty())
        return std::nullopt;
    return take(waiting_.begin());
}

std::optional<ended> ordered::take(std::map<std::uint64_t, ended>::iterator from)
{
    std::optional<ended> item = std::move(from->second);
    waiting_.erase(from);
    return item;
}

} // namespace weir_fetch
