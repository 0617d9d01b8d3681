#include <weir/http/detail/connection.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using state = io_step::state;

io_step plain_step(std::size_t bytes, const error_code& error, state wait)
{
    if (!error)
        return io_step(state::done, bytes);
    if (error == asio::error::would_block || error == asio::error::try_again)
        return io_step(wait);
    if (error == asio::error::eof)
        return io_step(state::end);
    return io_step(state::failed, error);
}

} // namespace

connection::connection(tcp::socket socket) : socket_(std::move(socket))
{
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true);
}

asio::awaitable<error_code> connection::wait_for(state what)
{
    error_code error;
    const auto direction =
        what == state::wait_write ? tcp::socket::wait_write : tcp::socket::wait_read;
    co_await socket_.async_wait(direction, asio::redirect_error(asio::use_awaitable, error));
    co_return error;
}

asio::awaitable<error_code> connection::readable()
{
    return wait_for(state::wait_read);
}

asio::awaitable<error_code> connection::handshake(const tls_context& context, const url& target)
{
    tls_ = std::make_unique<tls_session>(context, target, socket_.native_handle());
    for (;;) {
        const io_step step = tls_->handshake();
        if (step.what == state::done)
            co_return error_code();
        if (step.what == state::failed)
            co_return step.error;
        if (step.what == state::end)
            co_return error_code(asio::error::eof);
        const error_code error = co_await wait_for(step.what);
        if (error)
            co_return error;
    }
}

asio::awaitable<error_code> connection::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        io_step step;
        if (tls_) {
            step = tls_->write(bytes.data(), bytes.size());
        } else {
            error_code error;
            const auto n = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
            step = plain_step(n, error, state::wait_write);
        }
        if (step.what == state::failed)
            co_return step.error;
        if (step.what == state::end)
            co_return error_code(asio::error::eof);
        if (step.what == state::done) {
            bytes.remove_prefix(step.bytes);
            continue;
        }
        const error_code error = co_await wait_for(step.what);
        if (error)
            co_return error;
    }
    co_return error_code();
}

io_step connection::try_read(char* to, std::size_t size)
{
    if (tls_)
        return tls_->read(to, size);
    error_code error;
    const auto n = socket_.read_some(asio::buffer(to, size), error);
    return plain_step(n, error, state::wait_read);
}

bool connection::is_quiet()
{
    char byte = 0;
    const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return !has_pending() || tls_->read(&byte, 1).what == state::wait_read;
    // Something arrived. Over TLS it may be a session ticket, which does no harm.
    return n > 0 && tls_ && tls_->read(&byte, 1).what == state::wait_read;
}

} // namespace weir::http::detail
