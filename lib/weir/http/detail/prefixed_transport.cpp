#include <weir/http/detail/prefixed_transport.hpp>

#include <algorithm>
#include <utility>

namespace weir::http::detail {

prefixed_transport::prefixed_transport(std::string first, std::unique_ptr<transport> rest)
    : first_(std::move(first)), rest_(std::move(rest))
{
}

io_step prefixed_transport::try_read(char* to, std::size_t size)
{
    if (first_.empty())
        return rest_->try_read(to, size);
    const auto n = first_.copy(to, size);
    first_.erase(0, n);
    return io_step(io_step::state::done, n);
}

io_step prefixed_transport::try_write(const char* from, std::size_t size)
{
    return rest_->try_write(from, size);
}

io_step prefixed_transport::peek()
{
    return first_.empty() ? rest_->peek() : io_step(io_step::state::done, first_.size());
}

boost::asio::awaitable<error_code> prefixed_transport::wait(io_step::state what)
{
    if (what == io_step::state::wait_read && !first_.empty())
        co_return error_code();
    co_return co_await rest_->wait(what);
}

} // namespace weir::http::detail
