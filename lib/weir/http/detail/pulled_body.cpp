#include <weir/http/detail/pulled_body.hpp>

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace weir::http::detail {

namespace asio = boost::asio;

asio::awaitable<void> bell::wait()
{
    co_await silence_.async_wait(asio::use_awaitable);
    if (std::exchange(rung_, false))
        silence_.add();
}

asio::awaitable<error_code> pulled_body::begin(std::uint64_t offset, const response& head)
{
    answer_ = head;
    begun_ = true;
    news_.ring();
    return body_receiver::begin(offset, head);
}

asio::awaitable<error_code> pulled_body::write(std::string_view part)
{
    kept_ = part; // it may still be looked at when this has ended
    part_ = kept_;
    news_.ring();
    while (!part_.empty())
        co_await taken_.wait();
    co_return error_code();
}

void pulled_body::ended(response whole)
{
    answer_ = std::move(whole);
    over_ = true;
    part_ = {};
    news_.ring();
}

asio::awaitable<void> pulled_body::opened()
{
    while (!begun_ && !over_)
        co_await news_.wait();
}

asio::awaitable<std::string_view> pulled_body::next()
{
    if (std::exchange(given_, false)) {
        part_ = {};
        taken_.ring();
    }
    while (part_.empty() && !over_)
        co_await news_.wait();
    given_ = !part_.empty();
    co_return part_;
}

void pulled_body::abandon() noexcept
{
    if (!over_)
        stop_.emit(asio::cancellation_type::terminal);
}

} // namespace weir::http::detail
