#include <weir/http/detail/secure_transport.hpp>

#include <utility>

namespace weir::http::detail {

secure_transport::secure_transport(std::unique_ptr<transport> line,
                                   std::unique_ptr<secure_session> tls)
    : line_(std::move(line)), tls_(std::move(tls))
{
}

io_step secure_transport::try_read(char* to, std::size_t size)
{
    const io_step step = tls_->read(to, size);
    starved_ = step.what == io_step::state::wait_read;
    return step;
}

io_step secure_transport::peek()
{
    return has_more() ? io_step(io_step::state::done, 1) : line_->peek();
}

boost::asio::awaitable<error_code> secure_transport::wait(io_step::state what)
{
    if (what == io_step::state::wait_read && has_more())
        co_return error_code();
    co_return co_await line_->wait(what);
}

} // namespace weir::http::detail
