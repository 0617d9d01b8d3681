#include <weir/http/detail/fetcher_state.hpp>

#include <weir/detail/time_service.hpp>
#include <weir/detail/turn.hpp>
#include <weir/http/date.hpp>
#include <weir/http/detail/attempt_log.hpp>
#include <weir/http/detail/fetch_retry.hpp>
#include <weir/http/detail/route.hpp>
#include <weir/http/detail/wall_clock.hpp>
#include <weir/http/url.hpp>
#include <weir/policy/timeout.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using detail::fetch_item;
using left = detail::fetch_schedule::left;

bool is_aborted(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        return e.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

/// What makes the contents is one function, whoever it was given to.
fetcher_options with_contents(fetcher_options options, body_factory bodies)
{
    if (!options.content() && bodies)
        options.content([make = std::move(bodies)](std::string_view /*text*/, const url& target) {
            return make(target);
        });
    return options;
}

/// Which hosts are fetched from, and how often at a time, is decided before the client is asked.
client_options client_for(const fetcher_options& options)
{
    client_options made = options.client();
    made.per_host(options.most_per_host());
    return made;
}

} // namespace

fetcher::state::state(asio::any_io_executor ex, fetcher_options o, body_factory bodies,
                      std::shared_ptr<network> lines)
    : executor(ex), options_(with_contents(std::move(o), std::move(bodies))),
      client_(ex, client_for(options_), std::move(lines)),
      schedule_(options_, [this](const std::string& origin) { return has_own_idle(origin); }),
      pool_(make_pool()), intake_(ex), mover_(ex, options_.spill(), schedule_)
{
}

fetcher::state::pool_type fetcher::state::make_pool()
{
    pool_options how(options_.jobs());
    // Neither queue can fill: no more are in the pool, counted until their outcome is received.
    how.queue(most_in_pool()).results(most_in_pool());
    how.grace(options_.grace());
    if (options_.timeout() != duration::max())
        how.timeout(options_.timeout());
    auto handler = [this](item_ptr item, job_context& job) {
        return work(shared_from_this(), std::move(item), job);
    };
    return pool_type(std::vector<asio::any_io_executor>(1, executor), how, std::move(handler));
}

// ---- intake: pulls URLs while there is room

asio::awaitable<void> fetcher::state::take_in(std::shared_ptr<state> self, source urls)
{
    const weir::detail::time_service& clock = weir::detail::time_service::of(self->executor);
    weir::detail::turn my_turn(clock);
    std::exception_ptr error;
    try {
        while (self->schedule_.how() == ending::none) {
            if (!self->schedule_.has_room()) {
                co_await self->wait_for(self->room_);
                continue;
            }
            auto text = co_await urls();
            if (!text)
                break;
            self->accept(std::move(*text));
            if (my_turn.is_over(clock)) {
                co_await asio::post(self->executor, asio::use_awaitable);
                my_turn.begin(clock);
            }
        }
    } catch (...) {
        error = std::current_exception();
    }
    self->schedule_.intake_ended();
    self->changed();
    const bool cancelled_by_us =
        self->schedule_.how() != ending::none && error && is_aborted(error);
    if (error && !cancelled_by_us)
        std::rethrow_exception(error);
}

void fetcher::state::accept(std::string text)
{
    const auto found = detail::url_in(text, options_);
    const std::string origin = found ? origins_.of(*found) : std::string();
    schedule_.add(origin, std::move(text), now(executor));
    changed();
}

asio::awaitable<void> fetcher::state::wait_for(std::optional<event>& what)
{
    event happened;
    what = happened;
    co_await happened.async_wait(executor, asio::use_awaitable);
}

void fetcher::state::say(std::optional<event>& what)
{
    if (what)
        what->set();
    what.reset();
}

/// Those of a proxy that forwards requests are for all hosts: there is no reason to go first.
bool fetcher::state::has_own_idle(const std::string& origin) const
{
    const network_options& ways = options_.client().network();
    if (!ways.through().empty()) {
        const auto target = url::parse(origin);
        if (!target || detail::forwarder_of(ways, *target))
            return false;
    }
    return client_.has_idle(origin);
}

/// Does everything that something which has happened makes possible.
void fetcher::state::changed()
{
    start_ready();
    give_way();
    move_text();
    look_again();
    if (schedule_.has_room())
        say(room_);
    if (schedule_.is_over()) {
        look_.cancel();
        pool_.close();
    }
}

// ---- fetching: a URL gets a worker once its origin has room

void fetcher::state::start_ready()
{
    while (in_pool_.size() < most_in_pool()) {
        item_ptr item = schedule_.start_next(now(executor));
        if (!item)
            break;
        item->read_url(options_);
        auto submitted = pool_.try_submit(item);
        if (submitted)
            in_pool_.emplace(submitted.id(), std::move(item));
        else
            schedule_.refuse(std::move(item), now(executor));
    }
}

void fetcher::state::give_way()
{
    while (fetch_item* const item = schedule_.give_way(now(executor)))
        item->cancel_exchange();
}

/// Sets the alarm for the next host that may have been silent for too long.
void fetcher::state::look_again()
{
    if (in_pool_.size() == most_in_pool())
        return; // the next result that is taken looks again
    const time_point at = schedule_.look_again();
    if (at >= look_at_)
        return; // it is early enough
    look_at_ = at;
    try {
        look_ = alarm(executor, at, [this] {
            look_at_ = time_point::max();
            changed();
        });
    } catch (const system_error&) {
        look_at_ = time_point::max(); // the next change tries again
    }
}

asio::awaitable<fetcher::state::item_ptr> fetcher::state::work(std::shared_ptr<state> self,
                                                               item_ptr item, job_context& job)
{
    const auto began = now(self->executor);
    if (item->given_up) {
        self->schedule_.leave(*item, left::cancelled, began);
        self->changed();
        co_return item;
    }
    hop ended;
    ended.answer.error = item->begin(began, self->options_.content());
    if (!item->ask)
        ended.answer.error = item->bad_url;
    else if (!ended.answer.error)
        ended = co_await self->exchange(*item);
    item->spent += now(self->executor) - began;
    if (item->abandoned)
        co_return item;
    if (self->hop_ended(item, std::move(ended), job.reason()))
        item = nullptr; // it goes on elsewhere
    co_return item;
}

/// Makes an exchange of an item, and once more where its body asks for that.
asio::awaitable<hop> fetcher::state::exchange(fetch_item& item)
{
    hop made = co_await one_exchange(item);
    if (!item.asks_again(made))
        co_return made;
    const duration took = made.answer.timings.total;
    auto attempts = std::move(made.answer.attempts);
    made = co_await one_exchange(item);
    detail::append(attempts, std::move(made.answer.attempts), took);
    made.answer.attempts = std::move(attempts);
    co_return made;
}

/// The pool limits the time of the first; the others get what the earlier ones have left of it.
asio::awaitable<hop> fetcher::state::one_exchange(fetch_item& item)
{
    const body_sink sink = [this, &item](std::string_view part) {
        if (item.gives_way) // they come too late: it will be asked for again
            throw failed(failure(error_class::aborted, "gives way to another host"));
        schedule_.heard(item, part.size(), now(executor));
        return item.write(part);
    };
    const head_sink head = [this, &item](const response& answer) -> std::optional<failure> {
        if (item.gives_way)
            return failure(error_class::aborted, "gives way to another host");
        item.is_heard = true;
        if (!item.abandoned && schedule_.answers(item, answer, now(executor)))
            changed();
        return item.head(answer);
    };
    if (item.gives_way) { // before it had begun
        hop none;
        none.answer.error = failure(error_class::aborted, "gives way to another host");
        co_return none;
    }
    auto one = client_.step(*item.ask, head, sink, item.watcher, &item.exchange);
    if (item.spent != duration::zero() && options_.timeout() != duration::max())
        one = with_timeout(options_.timeout() - item.spent, std::move(one));
    co_return co_await std::move(one);
}

/// Records how an exchange ended; true when the item goes on elsewhere, or later as text.
bool fetcher::state::hop_ended(const item_ptr& item, hop h, cancel_reason why)
{
    const auto& answer = h.answer;
    const bool is_aborted = answer.error && answer.error->kind() == error_class::aborted;
    const bool gave_way = item->gives_way && is_aborted && why == cancel_reason::none;
    detail::fetch_schedule::exchange_end end;
    if (detail::is_refusal(answer))
        end.pause = retry_after(answer.fields, detail::wall_clock());
    if (end.pause == duration::max())
        end.pause.reset(); // centuries: no server means that
    if (!gave_way)
        end.next = item->record(std::move(h), why, options_);
    end.how = gave_way ? left::gave_way : detail::fetch_schedule::left_of(item->result.answer);
    // Before the result is published, and before a redirect waits for another origin.
    const bool moved = schedule_.ended(item, end, now(executor));
    changed();
    return moved;
}

// ---- the file

void fetcher::state::move_text()
{
    if (!mover_.take_next())
        return;
    mover_.start([self = shared_from_this()] {
        if (self->mover_.unreadable())
            self->end(ending::draining);
        say(self->moved_);
        self->changed();
    });
}

} // namespace weir::http
