#include <weir/http/detail/connector.hpp>

#include <weir/error.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

[[noreturn]] void aborted()
{
    throw boost::system::system_error(asio::error::operation_aborted);
}

/// Counts what runs.
class at_work {
public:
    explicit at_work(std::size_t& count) : count_(count) { ++count_; }
    at_work(const at_work&) = delete;
    at_work& operator=(const at_work&) = delete;
    ~at_work() { --count_; }

private:
    std::size_t& count_;
};

} // namespace

connector::connector(asio::any_io_executor executor, std::shared_ptr<network> lines,
                     const client_options& options, std::function<bool()> make_room,
                     std::function<bool()> holds_any)
    : executor_(executor), network_(std::move(lines)), connect_timeout_(options.connect_timeout()),
      addresses_(executor, network_->names()),
      dialer_(std::move(executor), *network_, addresses_, options.attempt_delay(),
              std::move(make_room),
              [this, any = std::move(holds_any)] { return any() || handshakes_ != 0; })
{
}

asio::awaitable<std::unique_ptr<connection>> connector::open(const url& target, timings& times)
{
    error_code error;
    progress reached;
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
                                                                 progress& reached)
{
    const auto start = now(executor_);
    auto line = co_await dialer_.connect(target.host(), target.port(), reached.looked_up);
    reached.connected = now(executor_);
    times.dns += *reached.looked_up - start;
    times.connect += *reached.connected - *reached.looked_up;
    auto made = std::make_unique<connection>(std::move(line));
    if (target.secure()) {
        co_await secure(*made, target);
        times.tls += now(executor_) - *reached.connected;
    }
    co_return made;
}

asio::awaitable<void> connector::secure(connection& made, const url& target)
{
    const at_work counted(handshakes_);
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
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(connect_timeout_).count();
    const char* reason = !reached.looked_up   ? "its address was not found"
                         : !reached.connected ? "it did not accept a connection"
                                              : "the TLS handshake did not end";
    return failure(error_class::timeout,
                   "no connection to " + target.host() + ":" + std::to_string(target.port()) +
                       " within " + std::to_string(ms) + " ms: " + reason,
                   make_error_code(errc::timed_out));
}

} // namespace weir::http::detail
