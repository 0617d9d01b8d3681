#include <weir/http/open_response.hpp>

#include <weir/http/detail/pulled_body.hpp>

namespace weir::http {

open_response& open_response::operator=(open_response&& other) noexcept
{
    end();
    from_ = std::move(other.from_);
    none_ = std::move(other.none_);
    return *this;
}

open_response::~open_response()
{
    end();
}

void open_response::end() noexcept
{
    if (from_)
        from_->abandon();
}

const response& open_response::answer() const
{
    return from_ ? from_->answer() : none_;
}

boost::asio::awaitable<std::string_view> open_response::next()
{
    if (!from_)
        co_return std::string_view();
    const auto from = from_; // this object may go meanwhile
    co_return co_await from->next();
}

} // namespace weir::http
