#pragma once

#include <weir/detail/guarded_signal.hpp>
#include <weir/detail/slot_request.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/policy/retry_attempts.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/time/alarm.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace weir::detail {

/// The part of an `async_retry` that knows neither the operation nor the handler: what was tried,
/// and what comes next.
///
/// Threads: on the executor of the attempts, which is serial: a strand, if need be. An attempt may
///          end on any thread, and an alarm cancels it.
class retry_run {
public:
    retry_run(const retry_run&) = delete;
    retry_run& operator=(const retry_run&) = delete;

    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }
    /// Around what can be cancelled: an attempt, or the wait for the next one.
    void begins() noexcept { signal_.begins(); }
    void ended() noexcept { signal_.ended(); }
    bool is_cancelled() const noexcept { return cancelled_ || late_; }

protected:
    retry_run(boost::asio::any_io_executor executor, retry_policy policy, time_point deadline);
    ~retry_run();

    /// Makes `cancel` reachable for a slot whose signal is emitted on the handler's executor.
    void listen(boost::asio::cancellation_slot slot);
    void cancelled();

    /// Whether another attempt may be made, which then begins. May throw `std::bad_alloc`, for what
    /// cannot be recorded is not begun, and before the first what the clock throws.
    bool begin_attempt();
    this_attempt& current() noexcept { return current_; }

    /// The attempt has ended: when the next one begins, or empty: `finish`.
    std::optional<time_point> end_attempt(error_code error, std::exception_ptr exception);

    /// The wait for the next attempt has ended badly.
    void stop_waiting(error_code error) noexcept;

    /// Nothing goes on after an error outside the attempts: no memory, or no clock.
    void give_up(error_code error) noexcept;

    /// What the whole completes with.
    error_code result() const noexcept { return result_; }
    retry_attempts take_attempts() noexcept { return std::move(attempts_); }
    void drop_alarm() noexcept { alarm_.cancel(); }

private:
    friend class slot_request<retry_run>;
    struct link;

    void set_alarm();
    void cut_off() noexcept;
    retry_decision decide(error_code error, const std::exception_ptr& exception, transience how,
                          time_point time) const;
    void finish(error_code error, retry_stop why) noexcept;

    slot_request<retry_run>* request_ = nullptr; // in the handler's slot
    boost::asio::any_io_executor executor_;
    const retry_policy policy_;
    retry_attempts attempts_;
    this_attempt current_;
    time_point began_{};
    error_code result_;
    guarded_signal signal_;
    alarm alarm_;
    std::shared_ptr<link> link_; // in a strand: how the handler's slot finds this
    const bool in_strand_;
    bool cancelled_ = false;
    bool late_ = false;
};

/// The code of an exception: that of a `system_error`, Boost's or the standard's, or
/// `errc::failed`.
error_code code_of(const std::exception_ptr& error) noexcept;

/// The error of the exception being handled, where a wait or an operation could not begin.
error_code current_error() noexcept;

} // namespace weir::detail
