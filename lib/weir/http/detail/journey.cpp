#include <weir/http/detail/journey.hpp>

#include <weir/http/detail/attempt_log.hpp>

#include <exception>
#include <string>

namespace weir::http::detail {
attempt& journey::add(phase which, time_point at)
{
    if (attempts_.size() == most_attempts)
        attempts_.erase(attempts_.begin());
    attempt& made = attempts_.emplace_back();
    made.reached = which;
    made.began = made.ended = at - started_;
    return made;
}

attempt& journey::current()
{
    return attempts_.empty() ? add(phase::queue, now(executor_)) : attempts_.back();
}

void journey::begin(time_point at)
{
    add(phase::queue, at);
    enter_at(phase::queue, at);
}

void journey::enter(phase which)
{
    if (which == phase::name && current().reached >= phase::send)
        add(which, now(executor_));
    if (has_time_limits())
        enter_at(which, now(executor_));
    else
        current().reached = which;
}

void journey::enter_at(phase which, time_point at)
{
    current().reached = which;
    if (!has_time_limits())
        return;
    watch_.enter(which, at, moved());
    if (changed_)
        changed_();
}

void journey::request_sent()
{
    if (current().reached == phase::send)
        enter(phase::response);
}

void journey::head_arrived()
{
    if (current().reached < phase::body)
        enter(phase::body);
}

void journey::resume() noexcept
{
    watch_.resume(now(executor_), moved());
    try {
        if (changed_)
            changed_();
    } catch (const std::exception&) {
        // No memory for an alarm: the next phase tries again.
    }
}

void journey::missed(const endpoint& address, const error_code& error)
{
    if (watcher_)
        watcher_->missed(address, error);
    const attempt goes_on = current();
    attempts_.back().address = address;
    attempts_.back().error = failure(error_class::connect, error.message(), error);
    attempts_.back().ended = now(executor_) - started_;
    add(goes_on.reached, now(executor_));
}

void journey::use(const connection& line, bool reused)
{
    line_ = &line;
    sent_before_ = line.sent();
    received_before_ = line.received();
    current().address = line.address();
    current().reused = reused;
    if (watcher_)
        watcher_->connected(line.address(), reused ? exchange_watcher::line::reused
                                                   : exchange_watcher::line::is_new);
    enter(phase::send);
}

void journey::leave() noexcept
{
    if (line_ == nullptr)
        return;
    attempts_.back().sent = line_->sent() - sent_before_;
    attempts_.back().received = line_->received() - received_before_;
    attempts_.back().ended = now(executor_) - started_;
    line_ = nullptr;
}

void journey::begin_again(const std::optional<failure>& why)
{
    const auto at = now(executor_);
    current().error = why;
    current().ended = at - started_;
    begin(at);
}

void journey::end(std::optional<failure>& error, time_point at)
{
    if (error && late_ && error->kind() == error_class::aborted)
        error = late_;
    if (error)
        current().error = error;
    else
        enter_at(phase::done, at);
    current().ended = at - started_;
}

bool journey::is_late()
{
    if (!late_)
        late_ = watch_.late(now(executor_), moved());
    return late_.has_value();
}

std::uint64_t journey::moved() const noexcept
{
    return line_ == nullptr ? 0 : line_->sent() + line_->received();
}

} // namespace weir::http::detail
