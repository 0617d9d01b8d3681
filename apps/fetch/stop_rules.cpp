#include "stop_rules.hpp"

#include "escape.hpp"

#include <weir/http/error.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace weir_fetch {
namespace {

namespace http = weir::http;

/// How long a reader may take nothing after all has been stopped.
constexpr auto patience_with_readers = std::chrono::seconds(5);

weir::duration from_seconds(double seconds)
{
    return std::chrono::duration_cast<weir::duration>(std::chrono::duration<double>(seconds));
}

} // namespace

stop_rules::stop_rules(const boost::asio::any_io_executor& executor, const options& chosen,
                       http::fetcher& fetcher, input& from, recorder& to,
                       std::function<void(const std::string&)> say)
    : executor_(executor), chosen_(chosen), fetcher_(fetcher), input_(from), recorder_(to),
      say_(std::move(say)), signals_(
                                executor_, [this] { signalled(); }, [this] { signalled(); }),
      hangup_(executor_)
{
    if (std::signal(SIGHUP, SIG_DFL) == SIG_IGN) // nohup
        std::signal(SIGHUP, SIG_IGN);
    else
        hangup_.add(SIGHUP);
}

void stop_rules::begin(weir::time_point started)
{
    listen_for_hangup();
    if (!chosen_.deadline)
        return;
    deadline_ = weir::alarm(executor_, started + from_seconds(*chosen_.deadline), [this] {
        late_ = true;
        finish_running("stopping at the deadline: finishing the running fetches");
    });
}

void stop_rules::end()
{
    deadline_.cancel();
    drained_.cancel();
    stalled_.cancel();
    signals_.ignore();
    hangup_.cancel();
}

void stop_rules::listen_for_hangup()
{
    hangup_.async_wait([this](const boost::system::error_code& error, int) {
        if (error)
            return;
        signalled();
        listen_for_hangup();
    });
}

/// The first signal drains, the second stops, the third ends the program.
void stop_rules::signalled()
{
    if (++interruptions_ == 1)
        return finish_running(
            "stopping: finishing the running fetches; a second signal stops them at once");
    if (interruptions_ > 2) {
        if (!chosen_.remaining.empty())
            say_("leaving at once: " + escaped(chosen_.remaining) + " is not written");
        std::_Exit(exit_interrupted);
    }
    if (stopping_)
        return recorder_.stop_waiting();
    stop("stopping at once");
}

void stop_rules::count(const http::fetch_result& result)
{
    const auto& error = result.answer.error;
    if (!error || error->kind() == http::error_class::aborted || ++errors_ != chosen_.max_errors)
        return;
    finish_running("stopping after " + std::to_string(errors_) +
                   " errors: finishing the running fetches");
}

void stop_rules::finish_running(const std::string& why)
{
    say_(why);
    drain();
}

void stop_rules::drain()
{
    fetcher_.finish_running();
    begin_drain();
}

/// From now on, the program ends by the drain timeout. Another reason does not prolong it.
void stop_rules::begin_drain()
{
    if (std::exchange(draining_, true))
        return;
    drained_ = weir::alarm(executor_, weir::now(executor_) + from_seconds(chosen_.drain_timeout),
                           [this] { stop("stopping at once: --drain-timeout is over"); });
}

void stop_rules::give_up()
{
    if (std::exchange(given_up_, true))
        return;
    fetcher_.stop();
    begin_drain();
}

void stop_rules::stop(const std::string& why)
{
    if (std::exchange(stopping_, true))
        return;
    say_(why);
    fetcher_.stop();
    input_.stop_waiting();
    watch_readers();
}

/// What is still printed must not wait for ever.
void stop_rules::watch_readers()
{
    taken_ = recorder_.taken();
    stalled_ = weir::alarm(executor_, weir::now(executor_) + patience_with_readers, [this] {
        if (recorder_.taken() == taken_)
            recorder_.stop_waiting();
        else
            watch_readers();
    });
}

} // namespace weir_fetch
