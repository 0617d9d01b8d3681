#include <weir/http/detail/connector.hpp>

#include <weir/error.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <sstream>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::string text_of(const tcp::endpoint& where)
{
    std::ostringstream out;
    out << where;
    return out.str();
}

/// Whether an error is a passing shortage of this machine, not the server's fault.
bool is_shortage(const error_code& error)
{
    namespace e = boost::system::errc;
    return error == e::too_many_files_open || error == e::too_many_files_open_in_system ||
           error == e::address_not_available || error == e::no_buffer_space ||
           error == e::not_enough_memory;
}

[[noreturn]] void aborted()
{
    throw boost::system::system_error(asio::error::operation_aborted);
}

} // namespace

connector::connector(asio::any_io_executor executor, std::shared_ptr<network> lines,
                     const client_options& options, std::function<bool()> make_room)
    : executor_(executor), network_(std::move(lines)), connect_timeout_(options.connect_timeout()),
      address_timeout_(options.address_timeout()), make_room_(std::move(make_room)),
      addresses_(std::move(executor))
{
}

asio::awaitable<std::unique_ptr<connection>> connector::open(const url& target, timings& times)
{
    phase reached = phase::dns;
    error_code error;
    try {
        auto all = open_all(target, times, reached);
        co_return co_await with_timeout(connect_timeout_, std::move(all));
    } catch (const boost::system::system_error& e) {
        error = e.code();
    }
    if (error == errc::timed_out)
        throw failed(timed_out(target, reached));
    throw boost::system::system_error(error);
}

asio::awaitable<std::unique_ptr<connection>> connector::open_all(const url& target, timings& times,
                                                                 phase& reached)
{
    const auto start = now(executor_);
    const endpoints found = co_await addresses_.find(target.host(), target.port());
    const auto looked_up = now(executor_);
    times.dns += looked_up - start;
    reached = phase::connect;
    auto line = co_await connect_any(target, found);
    const auto connected = now(executor_);
    times.connect += connected - looked_up;
    auto made = std::make_unique<connection>(std::move(line));
    if (target.secure()) {
        reached = phase::tls;
        co_await secure(*made, target);
        times.tls += now(executor_) - connected;
    }
    co_return made;
}

asio::awaitable<std::unique_ptr<transport>> connector::connect_any(const url& target,
                                                                   const endpoints& found)
{
    error_code error;
    duration pause = std::chrono::milliseconds(20);
    for (std::size_t i = 0; i < found.size();) {
        const bool last = i + 1 == found.size();
        const duration limit = last ? duration::max() : address_timeout_;
        auto line = co_await connect_one(found[i], limit, error);
        if (line) {
            if (i != 0)
                addresses_.prefer(target.host(), target.port(), found[i]);
            co_return line;
        }
        if (error == asio::error::operation_aborted)
            aborted();
        if (!is_shortage(error)) {
            ++i;
            continue;
        }
        if (!make_room_()) {
            co_await async_sleep_for(executor_, pause, asio::use_awaitable);
            pause = std::min<duration>(2 * pause, std::chrono::seconds(1));
        }
    }
    throw failed(failure(error_class::connect,
                         "cannot connect to " + target.host() + " (" + text_of(found.back()) +
                             "): " + error.message(),
                         error));
}

asio::awaitable<std::unique_ptr<transport>>
connector::connect_one(tcp::endpoint to, duration timeout, error_code& error)
{
    if (timeout == duration::max())
        co_return co_await network_->connect(to, error);
    try {
        auto attempt = network_->connect(to, error);
        co_return co_await with_timeout(timeout, std::move(attempt));
    } catch (const boost::system::system_error& e) {
        error = e.code(); // it is over, or cancelled
        co_return nullptr;
    }
}

asio::awaitable<void> connector::secure(connection& made, const url& target)
{
    const error_code error = co_await made.handshake(*network_, target);
    if (error == asio::error::operation_aborted)
        aborted();
    if (!error)
        co_return;
    const std::string why = made.fault().empty() ? error.message() : made.fault();
    throw failed(failure(error_class::tls, "no TLS with " + target.host() + ": " + why, error));
}

failure connector::timed_out(const url& target, phase reached) const
{
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(connect_timeout_).count();
    const char* reason = reached == phase::dns       ? "its address was not found"
                         : reached == phase::connect ? "it did not accept a connection"
                                                     : "the TLS handshake did not end";
    return failure(error_class::timeout,
                   "no connection to " + target.host() + ":" + std::to_string(target.port()) +
                       " within " + std::to_string(ms) + " ms: " + reason,
                   make_error_code(errc::timed_out));
}

} // namespace weir::http::detail
