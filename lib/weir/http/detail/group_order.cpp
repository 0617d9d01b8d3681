#include <weir/http/detail/group_order.hpp>

#include <weir/http/detail/attempt_log.hpp>
#include <weir/http/detail/group_state.hpp>

#include <boost/asio/error.hpp>

#include <utility>

namespace weir::http::detail {

namespace asio = boost::asio;

group_order::group_order(failure why)
{
    answer_.error = std::move(why);
    over_ = true;
    done_.set();
}

void group_order::pass_to(body_sink sink)
{
    has_sink_ = true;
    sink_ = std::move(sink);
}

void group_order::open(std::shared_ptr<pulled_body> body)
{
    const std::weak_ptr<group_order> weak = weak_from_this();
    body->between_threads(
        [weak] {
            if (const auto self = weak.lock())
                self->done_.set();
        },
        [weak] {
            if (const auto self = weak.lock())
                self->cancel();
        });
    to_ = body.get();
    body_ = std::move(body);
}

void group_order::take(open_response& into)
{
    if (body_) {
        body_->look();
        into = open_response(body_);
    } else {
        into = open_response(std::move(answer_));
    }
}

// The flag first, then the place: the runner that it comes to looks at them the other way round.
void group_order::cancel()
{
    if (over_.load() || cancelled_.exchange(true))
        return;
    if (const auto group = group_.lock())
        group->cancel(shared_from_this(), at_.load());
}

void group_order::forsake()
{
    {
        std::lock_guard lock(sink_mutex_);
        forsaken_ = true;
    }
    cancel();
}

client_state::travelling group_order::work(const std::shared_ptr<client_state>& by, response& into)
{
    const client_state::way_through way(shared_from_this(), &way_);
    if (to_)
        return client_state::give(by, std::move(*what_), *to_, into, way);
    if (!has_sink_)
        return client_state::keep(by, std::move(*what_), into, way);
    auto guarded = [self = shared_from_this()](std::string_view part) -> error_code {
        std::lock_guard lock(self->sink_mutex_);
        if (self->forsaken_)
            return asio::error::operation_aborted;
        return self->sink_ ? self->sink_(part) : error_code();
    };
    return client_state::pass_on(by, std::move(*what_), std::move(guarded), into, way);
}

bool group_order::ended(response answer)
{
    append(attempts_, std::move(answer.attempts));
    if (way_.onward && !answer.error) {
        what_ = std::exchange(way_.onward, std::nullopt);
        return false;
    }
    answer.attempts = std::move(attempts_);
    finish(std::move(answer));
    return true;
}

void group_order::fail(error_class kind, const char* why, processed how)
{
    response answer;
    answer.error = failure(kind, why, asio::error::operation_aborted);
    answer.processed = way_.acted ? processed::yes : how;
    answer.attempts = std::move(attempts_);
    finish(std::move(answer));
}

void group_order::finish(response answer)
{
    if (over_.exchange(true))
        return;
    if (load_)
        load_->fetch_sub(1);
    if (body_) {
        body_->ended(std::move(answer));
        return;
    }
    answer_ = std::move(answer);
    done_.set();
}

} // namespace weir::http::detail
