#include <weir/http/simulated_network.hpp>

#include <weir/sim/stream.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <utility>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using state = io_step::state;

io_step step_of(std::size_t bytes, const error_code& error, state wait)
{
    if (!error)
        return io_step(state::done, bytes);
    if (error == asio::error::would_block)
        return io_step(wait);
    if (error == asio::error::eof)
        return io_step(state::end);
    return io_step(state::failed, error);
}

class simulated_transport final : public transport {
public:
    explicit simulated_transport(sim::stream&& line) : line_(std::move(line)) {}

    io_step try_read(char* to, std::size_t size) override
    {
        error_code error;
        const auto n = line_.try_read(asio::buffer(to, size), error);
        return step_of(n, error, state::wait_read);
    }

    io_step try_write(const char* from, std::size_t size) override
    {
        error_code error;
        const auto n = line_.try_write(asio::buffer(from, size), error);
        return step_of(n, error, state::wait_write);
    }

    io_step peek() override
    {
        if (line_.available() != 0)
            return io_step(state::done, 1);
        char none = 0;
        return try_read(&none, 1); // there is no byte to take
    }

    asio::awaitable<error_code> wait(state what) override
    {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        if (what == state::wait_write)
            co_await line_.async_wait_writable(token);
        else
            co_await line_.async_wait_readable(token);
        co_return error;
    }

private:
    sim::stream line_;
};

/// A handshake of round trips; then the bytes as they are.
class modelled_session final : public secure_session {
public:
    modelled_session(transport& line, const simulated_tls& how) : line_(line), how_(how) {}

    io_step handshake() override
    {
        for (; done_ < how_.round_trips(); ++done_) {
            char byte = 'h';
            if (!asked_) {
                const io_step sent = line_.try_write(&byte, 1);
                if (sent.what != state::done)
                    return sent;
                asked_ = true;
            }
            const io_step got = line_.try_read(&byte, 1);
            if (got.what != state::done)
                return got;
            asked_ = false;
        }
        if (how_.fault().empty())
            return io_step(state::done);
        return io_step(state::failed, error_code(asio::error::connection_aborted));
    }

    io_step read(char* to, std::size_t size) override { return line_.try_read(to, size); }
    io_step write(const char* from, std::size_t size) override
    {
        return line_.try_write(from, size);
    }
    bool has_pending() const override { return false; }
    std::string fault() const override { return how_.fault(); }

private:
    transport& line_;
    const simulated_tls how_;
    unsigned done_ = 0;
    bool asked_ = false;
};

} // namespace

simulated_tls& simulated_tls::round_trips(unsigned count) noexcept
{
    round_trips_ = count;
    return *this;
}

simulated_tls& simulated_tls::fails(std::string why)
{
    fault_ = std::move(why);
    return *this;
}

void simulated_network::tls(const std::string& host, simulated_tls how)
{
    tls_[host] = std::move(how);
}

asio::awaitable<std::unique_ptr<transport>> simulated_network::connect(tcp::endpoint to,
                                                                       error_code& error)
{
    auto attempt = all_.async_connect(here_, to, asio::redirect_error(asio::use_awaitable, error));
    auto line = co_await std::move(attempt);
    if (error)
        co_return nullptr;
    co_return std::make_unique<simulated_transport>(std::move(line));
}

std::unique_ptr<secure_session> simulated_network::secure(transport& line, const url& target)
{
    return std::make_unique<modelled_session>(line, tls_[target.host()]);
}

} // namespace weir::http
