#include <weir/http/detail/connector.hpp>

#include <weir/http/detail/kept_with.hpp>

#include <weir/error.hpp>
#include <weir/http/detail/duration_text.hpp>
#include <weir/http/detail/tunnel.hpp>
#include <weir/http/io_step.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

[[noreturn]] void aborted()
{
    throw boost::system::system_error(asio::error::operation_aborted);
}

} // namespace

connector::connector(asio::any_io_executor executor, std::shared_ptr<network> lines,
                     const client_options& options, std::function<bool()> make_room,
                     std::function<bool()> holds_any)
    : executor_(executor), network_(std::move(lines)), connect_timeout_(options.connect_timeout()),
      rules_(options.network()), user_agent_(options.user_agent()),
      addresses_(executor, network_->names()),
      dialer_(std::move(executor), *network_, addresses_, options, std::move(make_room),
              [this, any = std::move(holds_any)] { return any() || unfinished_ != 0; })
{
}

asio::awaitable<std::unique_ptr<connection>> connector::open(std::shared_ptr<void> owner,
                                                             const url& target, timings& times,
                                                             connect_observer& by)
{
    error_code error;
    progress reached;
    try {
        auto all = kept_with(std::move(owner), open_all(target, times, reached, by));
        co_return co_await with_timeout(connect_timeout_, std::move(all));
    } catch (const boost::system::system_error& e) {
        error = e.code();
    }
    if (error == errc::timed_out)
        throw failed(timed_out(target, reached));
    throw boost::system::system_error(error);
}

asio::awaitable<std::unique_ptr<connection>>
connector::open_all(const url& target, timings& times, progress& reached, connect_observer& by)
{
    const auto start = now(executor_);
    by.enter(phase::name);
    const route way(rules_, target);
    auto made = co_await reach(way, reached, by);
    if (way.is_tunnel())
        co_await make_tunnel(*made, way);
    reached.through = now(executor_);
    times.dns += *reached.looked_up - start;
    times.connect += *reached.through - *reached.looked_up;
    if (target.secure()) {
        by.enter(phase::tls);
        co_await secure(*made, target);
        times.tls += now(executor_) - *reached.through;
    }
    co_return made;
}

/// Connects to the end of the route, or to its proxy, be it over TLS.
asio::awaitable<std::unique_ptr<connection>> connector::reach(const route& way, progress& reached,
                                                              connect_observer& by)
{
    const proxy* through = way.by();
    const std::string& host = through ? through->host : way.end().host;
    const std::uint16_t port = through ? through->port : way.end().port;
    failure why;
    try {
        auto dialed = co_await dialer_.connect(host, port, reached.looked_up, by);
        reached.connected = now(executor_);
        reached.counted.emplace(unfinished_);
        auto made = std::make_unique<connection>(std::move(dialed.line), dialed.to);
        if (through && through->secured) {
            co_await secure(*made, *through->secured);
            reached.proxy_secured = true;
        }
        co_return made;
    } catch (const failed& f) {
        if (!through)
            throw;
        why = f.reason();
    }
    throw failed(failure(error_class::proxy,
                         "the proxy " + through->name + " is not reached: " + why.text(),
                         why.code()));
}

asio::awaitable<void> connector::make_tunnel(connection& made, const route& way)
{
    tunnel asked(*way.by(), way.end_name());
    const std::string head = asked.head(user_agent_);
    // A proxy may refuse and close before it has read all: its reply says why.
    error_code error = co_await made.send(head);
    std::array<char, 2048> buffer;
    bool over = false;
    bool more = false; // in memory, perhaps
    while (!over && error != asio::error::operation_aborted) {
        error = error_code();
        if (!more)
            error = co_await made.readable();
        io_step step(io_step::state::failed, error);
        if (!error)
            step = made.try_read(buffer.data(), buffer.size());
        more = step.what == io_step::state::done && made.has_pending();
        std::string_view bytes(buffer.data(), step.bytes);
        if (step.what == io_step::state::end || step.what == io_step::state::failed) {
            asked.ended(step.error);
            over = true;
        } else if (step.what == io_step::state::done) {
            over = asked.took(bytes);
            if (over) {
                made.enclose();
                made.put_back(bytes); // they are the tunnel's
            }
        }
    }
    if (error == asio::error::operation_aborted)
        aborted();
    if (asked.fault())
        throw failed(*asked.fault());
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

failure connector::timed_out(const url& target, const progress& reached) const
{
    const proxy* by = route(rules_, target).by();
    const std::string it = by ? "the proxy " + by->name : "it";
    std::string reason = "the TLS handshake did not end";
    if (!reached.looked_up)
        reason = by ? "the address of " + it + " was not found" : "its address was not found";
    else if (!reached.connected)
        reason = it + " did not accept a connection";
    else if (by && by->secured && !reached.proxy_secured)
        reason = it + " did not end its TLS handshake";
    else if (!reached.through)
        reason = it + " did not say whether it made a tunnel";
    return failure(error_class::timeout,
                   "no connection to " + target.host() + ":" + std::to_string(target.port()) +
                       " within " + text_of(connect_timeout_) + ": " + reason,
                   make_error_code(errc::timed_out));
}

} // namespace weir::http::detail
