#include <weir/http/detail/socket_network.hpp>

#if !defined(WEIR_NO_ASIO_INTERNALS)
#include <weir/http/detail/ending_handler.hpp>
#endif
#include <weir/http/detail/last_error.hpp>
#include <weir/http/detail/make_name_source.hpp>
#include <weir/http/detail/recycled_frames.hpp>
#include <weir/http/detail/step_of.hpp>
#include <weir/http/detail/tls_session.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include <exception>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using state = io_step::state;

class socket_transport;

} // namespace

template <>
[[maybe_unused]] inline constexpr bool recycles_frames<socket_transport> = true;

namespace {

class socket_transport final : public transport {
public:
    explicit socket_transport(tcp::socket connected) : socket_(std::move(connected))
    {
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
        socket_.non_blocking(true);
    }

    // A read that is tried before the answer can have arrived is a wasted system call: the client
    // waits first.
    io_step try_read(char* to, std::size_t size) override
    {
        error_code error;
        const auto n = socket_.read_some(asio::buffer(to, size), error);
        return step_of(n, error, state::wait_read);
    }

    io_step try_write(const char* from, std::size_t size) override
    {
        error_code error;
        const auto n = socket_.write_some(asio::buffer(from, size), error);
        return step_of(n, error, state::wait_write);
    }

    io_step peek() override
    {
        char byte = 0;
        const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n > 0)
            return io_step(state::done, 1);
        if (n == 0)
            return io_step(state::end);
        return step_of(0, last_error(), state::wait_read);
    }

    asio::awaitable<error_code> wait(state what) override
    {
        const auto direction =
            what == state::wait_write ? tcp::socket::wait_write : tcp::socket::wait_read;
#if defined(WEIR_NO_ASIO_INTERNALS)
        error_code error;
        co_await socket_.async_wait(direction, asio::redirect_error(asio::use_awaitable, error));
        co_return error;
#else
        const auto start = [&](ending_handler<error_code> handler) {
            socket_.async_wait(direction, std::move(handler));
        };
        co_await ended_by<ending_handler<error_code>>(start);
        std::terminate(); // it was resumed after its end
#endif
    }

private:
    tcp::socket socket_;
};

class socket_attempt final : public network::attempt {
public:
    socket_attempt(const asio::any_io_executor& executor, const tcp::endpoint& to,
                   network::connected told)
        : shared_(std::make_shared<state>(executor, std::move(told)))
    {
        error_code error;
        shared_->socket.open(to.protocol(), error);
        auto ended = [shared = shared_](const error_code& e) { end(*shared, e); };
        if (error)
            asio::post(executor, [ended, error] { ended(error); });
        else
            shared_->socket.async_connect(to, std::move(ended));
    }
    ~socket_attempt() override
    {
        shared_->told = nullptr;
        error_code ignored;
        shared_->socket.close(ignored);
    }

private:
    struct state {
        state(const asio::any_io_executor& executor, network::connected t)
            : socket(executor), told(std::move(t))
        {
        }
        tcp::socket socket;
        network::connected told; // null: the attempt was given up
    };

    static void end(state& all, const error_code& error)
    {
        const auto told = std::exchange(all.told, nullptr);
        if (!told)
            return;
        std::unique_ptr<transport> line;
        if (!error)
            line = std::make_unique<socket_transport>(std::move(all.socket));
        told(error, std::move(line));
    }

    std::shared_ptr<state> shared_; // with the operation
};

} // namespace

socket_network::socket_network(asio::any_io_executor executor, const client_options& options)
    : executor_(std::move(executor)), names_(make_name_source(executor_, options)),
      ca_file_(options.ca_file()), peer_(options.peer()), oldest_(options.network().tls_from()),
      tickets_(options.network().tls_sessions())
{
    if (!ca_file_.empty())
        tls(); // so that a file that cannot be read fails at once
}

tls_context& socket_network::tls()
{
    if (!tls_)
        tls_.emplace(ca_file_, peer_, oldest_);
    return *tls_;
}

std::unique_ptr<network::attempt> socket_network::connect(const tcp::endpoint& to, connected told)
{
    return std::make_unique<socket_attempt>(executor_, to, std::move(told));
}

std::unique_ptr<secure_session> socket_network::secure(transport& line, const url& target)
{
    return std::make_unique<tls_session>(tls(), target, line, tickets_);
}

} // namespace weir::http::detail
