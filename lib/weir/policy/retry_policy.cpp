#include <weir/policy/retry_policy.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace weir {
namespace {

/// The code of a `system_error`, Boost's or the standard's.
std::optional<error_code> code_of(const std::exception_ptr& error) noexcept
{
    try {
        std::rethrow_exception(error);
    } catch (const system_error& e) {
        return e.code();
    } catch (const std::system_error& e) {
        return error_code(e.code());
    } catch (...) {
        return std::nullopt;
    }
}

} // namespace

bool is_transient(const error_code& error) noexcept
{
    if (!error || error == boost::system::errc::operation_canceled)
        return false;
    if (error.category() != category())
        return true;
    switch (static_cast<errc>(error.value())) {
    case errc::closed:
    case errc::timed_out:
    case errc::too_large:
    case errc::no_capacity:
    case errc::taken:
    case errc::not_in_time:
    case errc::breaker_open:
    case errc::held_too_long:
        return false;
    default:
        return true;
    }
}

bool is_transient(const std::exception_ptr& error) noexcept
{
    if (!error)
        return false;
    if (const auto code = code_of(error))
        return is_transient(*code);
    try {
        std::rethrow_exception(error);
    } catch (const std::logic_error&) {
        return false;
    } catch (const std::bad_alloc&) {
        return false;
    } catch (...) {
        return true;
    }
}

const char* to_string(retry_stop reason) noexcept
{
    switch (reason) {
    case retry_stop::none:
        return "none";
    case retry_stop::succeeded:
        return "succeeded";
    case retry_stop::permanent:
        return "permanent";
    case retry_stop::exhausted:
        return "exhausted";
    case retry_stop::deadline:
        return "deadline";
    case retry_stop::wait_too_long:
        return "wait_too_long";
    case retry_stop::budget:
        return "budget";
    case retry_stop::cancelled:
        return "cancelled";
    }
    return "unknown";
}

retry_policy::retry_policy(std::size_t attempts)
    : attempts_(attempts), backoff_(std::chrono::milliseconds(100), std::chrono::seconds(10))
{
    if (attempts == 0)
        throw std::invalid_argument(
            "weir::retry_policy: the number of attempts must be at least 1");
}

retry_policy& retry_policy::backoff(weir::backoff waits)
{
    backoff_ = std::move(waits);
    return *this;
}

retry_policy& retry_policy::retry_if(code_rule rule)
{
    retry_if_ = std::move(rule);
    return *this;
}

retry_policy& retry_policy::retry_if_thrown(exception_rule rule)
{
    retry_if_thrown_ = std::move(rule);
    return *this;
}

retry_policy& retry_policy::retry_timed_out()
{
    retry_timed_out_ = true;
    return *this;
}

retry_policy& retry_policy::longest_wait(duration length)
{
    if (length < duration::zero())
        throw std::invalid_argument("weir::retry_policy: the longest wait must not be negative");
    longest_wait_ = length;
    return *this;
}

retry_policy& retry_policy::budget(std::shared_ptr<retry_budget> shared)
{
    budget_ = std::move(shared);
    return *this;
}

std::optional<time_point> retry_policy::next(std::size_t attempts, const error_code& error,
                                             time_point now, time_point deadline,
                                             time_point not_before) const
{
    return decide(attempts, error, now, deadline, not_before).at;
}

std::optional<time_point> retry_policy::next(std::size_t attempts, const std::exception_ptr& error,
                                             time_point now, time_point deadline,
                                             time_point not_before) const
{
    return decide(attempts, error, now, deadline, not_before).at;
}

retry_decision retry_policy::decide(std::size_t attempts, const error_code& error, time_point now,
                                    time_point deadline, time_point not_before) const
{
    if (!retries(error))
        return {std::nullopt, retry_stop::permanent};
    return decide_when(attempts, now, deadline, not_before);
}

retry_decision retry_policy::decide(std::size_t attempts, const std::exception_ptr& error,
                                    time_point now, time_point deadline,
                                    time_point not_before) const
{
    if (!retries(error))
        return {std::nullopt, retry_stop::permanent};
    return decide_when(attempts, now, deadline, not_before);
}

// The budget comes last: only a retry that is made is paid for.
retry_decision retry_policy::decide_when(std::size_t attempts, time_point now, time_point deadline,
                                         time_point not_before) const
{
    if (attempts >= attempts_)
        return {std::nullopt, retry_stop::exhausted};
    if (not_before > saturating_add(now, longest_wait_))
        return {std::nullopt, retry_stop::wait_too_long};
    const time_point earliest = std::max(now, not_before);
    const time_point at = saturating_add(earliest, backoff_.next(attempts));
    if (at >= deadline && deadline != time_point::max())
        return {std::nullopt, retry_stop::deadline};
    if (budget_ && !budget_->try_withdraw(now))
        return {std::nullopt, retry_stop::budget};
    return {at, retry_stop::none};
}

void retry_policy::succeeded(std::size_t attempts, time_point now) const noexcept
{
    if (attempts == 1 && budget_)
        budget_->deposit(now);
}

bool retry_policy::retries(const error_code& error) const
{
    if (retry_if_)
        return retry_if_(error);
    return is_transient(error) || (retry_timed_out_ && error == make_error_code(errc::timed_out));
}

bool retry_policy::retries(const std::exception_ptr& error) const
{
    if (!error)
        return false;
    if (retry_if_thrown_)
        return retry_if_thrown_(error);
    if (const auto code = code_of(error))
        return retries(*code);
    return is_transient(error);
}

} // namespace weir
