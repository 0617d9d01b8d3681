#include <weir/http/detail/journey.hpp>

#include <weir/http/detail/attempt_log.hpp>

#include <exception>
#include <string>

namespace weir::http::detail {
attempt& journey::add(phase which)
{
    if (attempts_.size() == most_attempts)
        attempts_.erase(attempts_.begin());
    attempt& made = attempts_.emplace_back();
    made.reached = which;
    made.began = made.ended = now(executor_) - started_;
    return made;
}

attempt& journey::current()
{
    return attempts_.empty() ? add(phase::queue) : attempts_.back();
}

void journey::begin()
{
    add(phase::queue);
    enter(phase::queue);
}

void journey::enter(phase which)
{
    if (which == phase::name && current().reached >= phase::send)
        add(which);
    current().reached = which;
    if (!watches())
        return;
    watch_.enter(which, now(executor_), moved());
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
    const attempt goes_on = current();
    attempts_.back().address = address;
    attempts_.back().error = failure(error_class::connect, error.message(), error);
    attempts_.back().ended = now(executor_) - started_;
    add(goes_on.reached);
}

void journey::use(const connection& line, bool reused)
{
    line_ = &line;
    sent_before_ = line.sent();
    received_before_ = line.received();
    current().address = line.address();
    current().reused = reused;
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
    current().error = why;
    current().ended = now(executor_) - started_;
    begin();
}

void journey::end(std::optional<failure>& error)
{
    if (error && late_ && error->kind() == error_class::aborted)
        error = late_;
    if (error)
        current().error = error;
    else
        enter(phase::done);
    current().ended = now(executor_) - started_;
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
