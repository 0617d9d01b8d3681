#include <weir/http/detail/connection.hpp>

#include <weir/http/detail/prefixed_transport.hpp>
#include <weir/http/detail/secure_transport.hpp>

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
        const io_step step = try_write(bytes);
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

void connection::enclose()
{
    if (tls_)
        line_ = std::make_unique<secure_transport>(std::move(line_), std::move(tls_));
}

void connection::put_back(std::string_view bytes)
{
    if (!bytes.empty())
        line_ = std::make_unique<prefixed_transport>(std::string(bytes), std::move(line_));
}

std::size_t connection::send_now(std::string_view bytes)
{
    std::size_t all = 0;
    while (all != bytes.size()) {
        const io_step step = try_write(bytes.substr(all));
        if (step.what != state::done)
            break;
        all += step.bytes;
    }
    return all;
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
