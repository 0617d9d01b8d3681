#include <weir/http/client.hpp>

#include <weir/http/detail/connection.hpp>
#include <weir/http/detail/connection_pool.hpp>
#include <weir/http/detail/connector.hpp>
#include <weir/http/detail/exchange.hpp>
#include <weir/http/detail/keep_alive.hpp>
#include <weir/http/detail/socket_network.hpp>
#include <weir/http/error.hpp>
#include <weir/http/io_step.hpp>
#include <weir/policy/keyed_semaphore.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using detail::connection;
using detail::exchange;

constexpr std::size_t buffer_size = 64 * 1024;

void throw_if_aborted(const error_code& error)
{
    if (error == asio::error::operation_aborted)
        throw boost::system::system_error(error);
}

/// The failure for what an exchange threw. What is not a `std::exception` is thrown again.
failure failure_of(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    } catch (const failed& f) {
        return f.reason();
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted)
            return failure(error_class::aborted, "cancelled", e.code());
        return failure(error_class::internal, e.code().message(), e.code());
    } catch (const std::exception& e) {
        return failure(error_class::internal, e.what());
    }
}

} // namespace

/// Shared by the client and its running calls.
class client::state {
public:
    state(asio::any_io_executor executor, client_options options, std::shared_ptr<network> lines);

    static asio::awaitable<hop> step(std::shared_ptr<state> self, request what, body_sink sink);

    asio::any_io_executor executor;
    client_options options;
    detail::connection_pool connections;

private:
    asio::awaitable<void> make(const request& what, const body_sink& sink, time_point started,
                               hop& into);
    asio::awaitable<exchange::ending> talk(connection& line, const request& what,
                                           const body_sink& sink, time_point started, hop& into);
    void read(connection& line, exchange& rules, const error_code& error);

    keyed_semaphore<std::string> limits_; // of each origin
    detail::connector connector_;
    std::vector<char> buffer_; // filled and emptied between two suspensions
};

client::state::state(asio::any_io_executor ex, client_options o, std::shared_ptr<network> lines)
    : executor(ex), options(std::move(o)), connections(ex, options.max_idle()),
      limits_(ex, options.per_host()),
      connector_(
          ex, lines ? std::move(lines) : std::make_shared<detail::socket_network>(ex, options),
          options, [this] { return connections.drop_oldest(); },
          [this] { return connections.in_use() != 0; }),
      buffer_(buffer_size)
{
}

asio::awaitable<hop> client::state::step(std::shared_ptr<state> self, request what, body_sink sink)
{
    hop result;
    const auto started = now(self->executor);
    std::exception_ptr error;
    try {
        co_await self->make(what, sink, started, result);
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        result.answer.error = failure_of(error);
        result.next.reset();
    }
    result.answer.timings.total = now(self->executor) - started;
    co_return result;
}

/// Makes an exchange: waits for the limit of its origin, then uses an idle or a new connection.
asio::awaitable<void> client::state::make(const request& what, const body_sink& sink,
                                          time_point started, hop& into)
{
    const std::string& origin = what.target().origin();
    auto place = limits_.try_acquire(origin);
    if (!place) {
        auto room = limits_.async_acquire(origin);
        place = co_await std::move(room);
    }

    auto line = connections.take(origin);
    into.answer.reused = line != nullptr;
    if (!line)
        line = co_await connector_.open(what.target(), into.answer.timings);
    detail::connection_pool::lease lease(connections, std::move(line));
    auto ended = co_await talk(*lease, what, sink, started, into);
    if (ended == exchange::ending::retry) {
        lease.replace(nullptr);
        into.answer = response();
        auto fresh = co_await connector_.open(what.target(), into.answer.timings);
        lease.replace(std::move(fresh));
        ended = co_await talk(*lease, what, sink, started, into);
    }
    if (ended == exchange::ending::keep)
        lease.keep(origin, detail::idle_time(into.answer.fields, options.idle_timeout()));
}

/// Makes an exchange on one connection: does what `exchange` decides.
asio::awaitable<exchange::ending> client::state::talk(connection& line, const request& what,
                                                      const body_sink& sink, time_point started,
                                                      hop& into)
{
    using action = exchange::action;
    exchange rules(what, options, sink, started, into);
    const std::string head = rules.head();
    const error_code unsent = co_await line.send(head);
    throw_if_aborted(unsent);
    while (rules.next() != action::done) {
        error_code error;
        if (rules.next() == action::wait)
            error = co_await line.readable();
        else if (rules.next() == action::turn)
            co_await asio::post(executor, asio::use_awaitable);
        throw_if_aborted(error);
        read(line, rules, error);
    }
    co_return rules.how();
}

void client::state::read(connection& line, exchange& rules, const error_code& error)
{
    io_step step(io_step::state::failed, error);
    if (!error)
        step = line.try_read(buffer_.data(), buffer_.size());
    const std::string_view bytes(buffer_.data(), step.bytes);
    const bool more_likely = bytes.size() == buffer_.size() || line.has_pending();
    rules.took(step, bytes, more_likely, now(executor));
}

client::client(executor_type executor, client_options options, std::shared_ptr<network> lines)
    : state_(std::make_shared<state>(std::move(executor), std::move(options), std::move(lines)))
{
}

client::~client()
{
    state_->connections.drop_idle();
}

client::executor_type client::get_executor() const noexcept
{
    return state_->executor;
}

asio::awaitable<hop> client::step(request what, body_sink sink)
{
    return state::step(state_, std::move(what), std::move(sink));
}

asio::awaitable<response> client::get(request what, body_sink sink)
{
    const auto self = state_;
    const auto started = now(self->executor);
    hop result;
    for (unsigned n = 0;; ++n) {
        result = co_await state::step(self, what, sink);
        if (!result.next)
            break;
        if (n == self->options.max_redirects()) {
            result.answer.error =
                failure(error_class::redirect, "more than " + std::to_string(n) + " redirects");
            break;
        }
        what = std::move(*result.next);
    }
    result.answer.timings.total = now(self->executor) - started;
    co_return std::move(result.answer);
}

std::size_t client::idle() const noexcept
{
    return state_->connections.idle();
}

std::size_t client::open() const noexcept
{
    return state_->connections.idle() + state_->connections.in_use();
}

void client::close_idle()
{
    state_->connections.drop_idle();
}

} // namespace weir::http
