#include "session.hpp"

#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace origin {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using weir::error_code;
using namespace std::chrono_literals;

namespace {

/// A client that is silent for this long has gone.
constexpr auto idle_timeout = 60s;
/// An answer fits in a socket's buffer, so a client that takes longer does not read.
constexpr auto write_timeout = 10s;
/// How long and how much is read from a client after the last answer.
constexpr auto linger_timeout = 1s;
constexpr std::size_t linger_bytes = 64 * 1024;

/// Whether the client sent something that is not HTTP. To leave, before a request or in the middle
/// of one, is not that.
bool is_bad_request(error_code error)
{
    static const auto& http_errors = http::make_error_code(http::error::end_of_stream).category();
    return error.category() == http_errors && error != http::error::end_of_stream &&
           error != http::error::partial_message;
}

std::string stats_of(const meter& counted)
{
    return "{\"served\":" + std::to_string(counted.served()) +
           ",\"now\":" + std::to_string(counted.running()) +
           ",\"peak\":" + std::to_string(counted.peak()) + "}\n";
}

} // namespace

session::session(tcp::socket socket, const delay_range& delay, meter& counted)
    : socket_(std::move(socket)), executor_(socket_.get_executor()), delay_(delay), meter_(counted)
{
    error_code ignored; // an answer may then be late, never wrong
    socket_.set_option(tcp::no_delay(true), ignored);
}

asio::awaitable<void> session::run()
{
    while (!last_) {
        request asked;
        reading_ = true;
        const error_code unread = co_await read(asked);
        reading_ = false;
        if (!unread) {
            co_await serve(asked);
        } else {
            last_ = true;
            if (is_bad_request(unread)) {
                response reply = refusal();
                co_await write(reply);
            }
        }
    }
    co_await close();
}

void session::drain()
{
    last_ = true;
    if (reading_)
        stop();
}

void session::stop()
{
    last_ = true;
    error_code ignored; // closed is closed
    socket_.close(ignored);
    stop_delay_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<error_code> session::read(request& into)
{
    const weir::alarm silence(executor_, weir::now(executor_) + idle_timeout, [this] { stop(); });
    http::request_parser<http::empty_body> parser;
    error_code error;
    co_await http::async_read(socket_, buffer_, parser,
                              asio::redirect_error(asio::use_awaitable, error));
    if (!error)
        into = parser.release();
    co_return error;
}

asio::awaitable<void> session::serve(const request& asked)
{
    std::optional<meter::visit> visit; // until the answer is written
    if (const auto item = item_number(asked.target())) {
        visit.emplace(meter_);
        co_await delay_answer(*item);
    }
    response reply = answer(asked);
    last_ = !reply.keep_alive();
    co_await write(reply);
}

asio::awaitable<void> session::delay_answer(std::uint64_t item)
{
    error_code cut_short; // by `stop`, which has closed the socket
    co_await weir::async_sleep_for(
        executor_, item_delay(item, delay_),
        asio::bind_cancellation_slot(stop_delay_.slot(),
                                     asio::redirect_error(asio::use_awaitable, cut_short)));
}

asio::awaitable<void> session::write(response& reply)
{
    const weir::alarm deaf(executor_, weir::now(executor_) + write_timeout, [this] { stop(); });
    error_code error;
    co_await http::async_write(socket_, reply, asio::redirect_error(asio::use_awaitable, error));
    if (error)
        last_ = true;
}

/// Closing while bytes of the client are unread would reset the connection, and could destroy an
/// answer that is on its way. So this ends its own side, and reads until the client has closed too.
asio::awaitable<void> session::close()
{
    const weir::alarm stays(executor_, weir::now(executor_) + linger_timeout, [this] { stop(); });
    error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    std::array<char, 1024> unwanted;
    for (std::size_t heard = 0; !error && heard < linger_bytes;) {
        heard += co_await socket_.async_read_some(asio::buffer(unwanted),
                                                  asio::redirect_error(asio::use_awaitable, error));
    }
    socket_.close(error);
}

session::response session::answer(const request& asked) const
{
    const bool known_method =
        asked.method() == http::verb::get || asked.method() == http::verb::head;
    const auto item = item_number(asked.target());

    response reply(http::status::ok, asked.version());
    reply.set(http::field::content_type, "text/plain");
    reply.keep_alive(asked.keep_alive() && !last_);
    if (!known_method) {
        reply.result(http::status::method_not_allowed);
        reply.set(http::field::allow, "GET, HEAD");
    } else if (item) {
        reply.body() = item_body(*item);
    } else if (asked.target() == "/stats") {
        reply.set(http::field::content_type, "application/json");
        reply.body() = stats_of(meter_);
    } else {
        reply.result(http::status::not_found);
        reply.body() = "there is /item/N and /stats\n";
    }
    reply.prepare_payload();
    if (asked.method() == http::verb::head)
        reply.body().clear(); // Content-Length stays
    return reply;
}

session::response session::refusal() const
{
    response reply(http::status::bad_request, 11);
    reply.keep_alive(false);
    reply.prepare_payload();
    return reply;
}

} // namespace origin
