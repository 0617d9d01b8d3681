#include <weir/http/detail/text_mover.hpp>

#include <weir/time/clock.hpp>

#include <utility>

namespace weir::http::detail {

using kind = text_backlog::step::kind;

text_mover::text_mover(boost::asio::any_io_executor executor, const spill_options& options,
                       fetch_schedule& of)
    : executor_(executor), options_(options), schedule_(of), spiller_(std::move(executor), options)
{
}

bool text_mover::take_next()
{
    if (is_moving_ || unreadable_)
        return false;
    next_ = schedule_.next_step();
    if (schedule_.is_refused())
        say_full(errc::full);
    return next_.what != kind::none;
}

void text_mover::start(std::function<void()> then)
{
    is_moving_ = true;
    spiller_.start(std::move(next_),
                   [this, then = std::move(then)](text_backlog::step s, error_code error) {
                       moved(std::move(s), error);
                       then();
                   });
}

void text_mover::moved(text_backlog::step s, error_code error)
{
    is_moving_ = false;
    const bool was_read = s.what == kind::read;
    schedule_.moved(std::move(s), bool(error), now(executor_));
    if (error && was_read)
        unreadable_ = error;
    else if (error)
        say_full(error);
}

void text_mover::say_full(error_code why)
{
    if (options_.limit() != 0 && !std::exchange(told_full_, true) && options_.on_full())
        options_.on_full()(why);
}

} // namespace weir::http::detail
