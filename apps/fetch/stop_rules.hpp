#pragma once

#include "input.hpp"
#include "options.hpp"
#include "recorder.hpp"

#include <weir/http/fetch_result.hpp>
#include <weir/http/fetcher.hpp>
#include <weir/run/signals.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/signal_set.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace weir_fetch {

/// Ends a run before its input does: at signals, at `--deadline`, after `--max-errors`, and when
/// what was fetched cannot be kept.
///
/// Shape: whatever the reason is, it drains first: no more URLs are begun, and those that run have
///        `--drain-timeout`. Then, or at the second signal, all is stopped, and readers of the
///        results are waited for while they take something. The third signal ends the program.
/// Threads: those of the executor, which is serial.
/// Lifetime: outlived by what it is made of.
class stop_rules {
public:
    /// `say` tells the user why.
    stop_rules(const boost::asio::any_io_executor& executor, const options& chosen,
               weir::http::fetcher& fetcher, input& from, recorder& to,
               std::function<void(const std::string&)> say);
    stop_rules(const stop_rules&) = delete;
    stop_rules& operator=(const stop_rules&) = delete;

    /// To be called when the run begins: its deadline counts from `started`.
    void begin(weir::time_point started);
    /// To be called when it has ended: signals are ignored from now on.
    void end();

    /// Counts a result for `--max-errors`. URLs that were not begun do not count.
    void count(const weir::http::fetch_result& result);
    /// Begins no more URLs.
    void finish_running(const std::string& why);
    /// The same, for a reason that was said already.
    void drain();
    /// Fetches no more, because results cannot be written.
    void give_up();

    bool was_interrupted() const noexcept { return interruptions_ != 0; }
    bool is_late() const noexcept { return late_; }
    bool is_draining() const noexcept { return draining_; }
    bool is_stopping() const noexcept { return stopping_; }

private:
    void listen_for_hangup();
    void signalled();
    void begin_drain();
    void stop(const std::string& why);
    void watch_readers();

    boost::asio::any_io_executor executor_;
    const options& chosen_;
    weir::http::fetcher& fetcher_;
    input& input_;
    recorder& recorder_;
    std::function<void(const std::string&)> say_;
    weir::shutdown_signals signals_;
    boost::asio::signal_set hangup_;
    weir::alarm deadline_;
    weir::alarm drained_; // when what drains is stopped
    weir::alarm stalled_; // when nobody reads what is still printed
    std::uint64_t errors_ = 0;
    std::uint64_t taken_ = 0; // by readers, when that was last looked at
    int interruptions_ = 0;
    bool late_ = false;
    bool draining_ = false;
    bool stopping_ = false;
    bool given_up_ = false;
};

} // namespace weir_fetch
