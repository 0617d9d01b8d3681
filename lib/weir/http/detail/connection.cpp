#include <weir/http/detail/connection.hpp>

#include <boost/asio/error.hpp>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;
using state = io_step::state;

} // namespace

asio::awaitable<error_code> connection::handshake(network& by, const url& target)
{
    tls_ = by.secure(*line_, target);
    for (;;) {
        const io_step step = tls_->handshake();
        if (step.what == state::done)
            co_return error_code();
        if (step.what == state::failed)
            co_return step.error;
        if (step.what == state::end)
            co_return error_code(asio::error::eof);
        const error_code error = co_await line_->wait(step.what);
        if (error)
            co_return error;
    }
}

asio::awaitable<error_code> connection::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        const io_step step = tls_ ? tls_->write(bytes.data(), bytes.size())
                                  : line_->try_write(bytes.data(), bytes.size());
        if (step.what == state::failed)
            co_return step.error;
        if (step.what == state::end)
            co_return error_code(asio::error::eof);
        if (step.what == state::done) {
            bytes.remove_prefix(step.bytes);
            continue;
        }
        const error_code error = co_await line_->wait(step.what);
        if (error)
            co_return error;
    }
    co_return error_code();
}

bool connection::is_quiet()
{
    const io_step there = line_->peek();
    if (there.what == state::wait_read && !has_pending())
        return true;
    if (there.what != state::wait_read && there.what != state::done)
        return false;
    // Something arrived. Over TLS it may be a session ticket, which does no harm.
    char byte = 0;
    return tls_ && tls_->read(&byte, 1).what == state::wait_read;
}

} // namespace weir::http::detail
