#pragma once

#include <weir/error.hpp>
#include <weir/http/attempt.hpp>
#include <weir/http/detail/connect_observer.hpp>
#include <weir/http/detail/connection.hpp>
#include <weir/http/detail/phase_watch.hpp>
#include <weir/http/detail/recycled_frames.hpp>
#include <weir/http/error.hpp>
#include <weir/http/exchange_watcher.hpp>
#include <weir/http/phase.hpp>
#include <weir/http/request_options.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace weir::http::detail {

/// What one request goes through, over all its exchanges: its limits, and a record of its attempts.
///
/// Threads: one serial executor.
/// Memory: the last 32 attempts.
class journey final : public connect_observer {
public:
    journey(boost::asio::any_io_executor executor, const request_options& limits, time_point begun)
        : executor_(std::move(executor)), limits_(limits), started_(begun), watch_(limits, started_)
    {
    }
    journey(const journey&) = delete;
    journey& operator=(const journey&) = delete;

    const request_options& limits() const noexcept { return limits_; }
    time_point started() const noexcept { return started_; }

    void watch_with(std::shared_ptr<exchange_watcher> watcher) { watcher_ = std::move(watcher); }
    /// Null where nobody watches.
    exchange_watcher* watcher() const noexcept { return watcher_.get(); }

    /// An exchange begins, and waits for its place.
    void begin(time_point at);
    /// Another attempt begins where the one before has come as far as sending.
    void enter(phase which) override;
    /// All of the request was sent.
    void request_sent();
    void head_arrived();
    /// One address did not accept a connection. It gets a record of its own.
    void missed(const endpoint& address, const error_code& error) override;
    /// The address that the attempt connected to.
    void found(const endpoint& address) override { current().address = address; }
    class stay;
    /// The attempt came to nothing, and another begins: the failure, if any, is why.
    void begin_again(const std::optional<failure>& why);
    /// The exchange has ended; the failure, if any, is why. A time limit that has passed takes the
    /// place of the cancellation that it caused.
    void end(std::optional<failure>& error, time_point at);

    attempt_list take() { return std::move(attempts_); }

    /// While the receiver of the body or the source of the request's is busy, nothing is slow.
    void pause() noexcept { watch_.pause(); }
    void resume() noexcept;

    bool has_time_limits() const noexcept { return watch_.has_time_limits(); }
    /// No limit passes earlier than this, whatever happens meanwhile.
    time_point soonest() const { return watch_.soonest(); }
    /// When to call `is_late`. It is calculated anew when a phase begins, and `changed` called.
    time_point next() const { return watch_.next(); }
    bool is_late();
    void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
    /// What `cancel` does, where the journey is the work of a call.
    void on_cancel(std::function<void()> cancel) { cancel_ = std::move(cancel); }
    void cancel() const { cancel_(); }

private:
    void use(const connection& line, bool reused);
    void leave() noexcept;
    attempt& current();
    attempt& add(phase which, time_point at);
    void enter_at(phase which, time_point at);
    std::uint64_t moved() const noexcept;

    boost::asio::any_io_executor executor_;
    const request_options limits_;
    time_point started_;
    phase_watch watch_;
    std::shared_ptr<exchange_watcher> watcher_;
    attempt_list attempts_;
    const connection* line_ = nullptr;
    std::uint64_t sent_before_ = 0; // on this connection, by earlier exchanges
    std::uint64_t received_before_ = 0;
    std::optional<failure> late_;
    std::function<void()> changed_;
    std::function<void()> cancel_;
};

template <>
inline constexpr bool recycles_frames<journey> = true;

/// While it exists, the journey's attempt uses this connection.
class journey::stay {
public:
    stay(journey& of, const connection& line, bool reused) : of_(of) { of.use(line, reused); }
    stay(const stay&) = delete;
    stay& operator=(const stay&) = delete;
    ~stay() { of_.leave(); }

private:
    journey& of_;
};

} // namespace weir::http::detail
