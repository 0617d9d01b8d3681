#include <weir/http/fetcher.hpp>

#include <weir/detail/time_service.hpp>
#include <weir/detail/turn.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/http/client.hpp>
#include <weir/http/detail/fetch_item.hpp>
#include <weir/http/detail/fetch_schedule.hpp>
#include <weir/http/detail/route.hpp>
#include <weir/http/detail/spiller.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/url.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/run/cancel.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/event.hpp>
#include <weir/time/alarm.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using detail::fetch_item;
using detail::fetch_schedule;
using ending = fetch_schedule::ending;
using item_ptr = fetch_schedule::item_ptr;
using left = fetch_schedule::left;

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

} // namespace

/// Shared by the fetcher and its coroutines, so that an abandoned one still finds what it uses.
class fetcher::state : public std::enable_shared_from_this<fetcher::state> {
public:
    state(asio::any_io_executor executor, fetcher_options options, body_factory bodies,
          std::shared_ptr<network> lines);

    static asio::awaitable<void> run(std::shared_ptr<state> self, source urls, sink results);
    void end(ending how);
    fetch_counts counts() const { return schedule_.counts(); }
    std::size_t results_ready() { return pool_.results().size() + schedule_.ended(); }

    const asio::any_io_executor executor;

private:
    using pool_type = worker_pool<item_ptr, item_ptr>;

    pool_type make_pool();
    std::size_t most_in_pool() const { return 2 * options_.jobs().count(); }

    static asio::awaitable<void> take_in(std::shared_ptr<state> self, source urls);
    void accept(std::string text);

    bool has_own_idle(const std::string& origin) const;
    void changed();
    void start_ready();
    void give_way();
    void look_again();
    static asio::awaitable<item_ptr> work(std::shared_ptr<state> self, item_ptr item,
                                          job_context& job);
    asio::awaitable<hop> exchange(fetch_item& item);
    bool hop_ended(const item_ptr& item, hop h, cancel_reason why);

    void move_text();
    void moved(detail::text_backlog::step s, error_code error);
    void say_full(error_code why);

    asio::awaitable<item_ptr> next_ended(bool& over);
    item_ptr settle(outcome<item_ptr> out);
    static asio::awaitable<void> give(std::shared_ptr<state> self, item_ptr item, sink& results);

    asio::awaitable<void> wait_for(std::optional<event>& what);
    static void say(std::optional<event>& what);

    fetcher_options options_;
    body_factory bodies_;
    client client_;
    fetch_schedule schedule_;
    pool_type pool_;
    scope intake_;
    std::unordered_map<job_id, item_ptr> in_pool_;
    detail::spiller spiller_;
    bool is_moving_ = false; // the spiller
    bool told_full_ = false;
    error_code unreadable_;
    bool discards_ = false;      // no result can be given any more
    std::optional<event> room_;  // intake waits for it
    std::optional<event> moved_; // the results do
    time_point look_at_ = time_point::max();
    alarm look_;
};

fetcher::state::state(asio::any_io_executor ex, fetcher_options o, body_factory bodies,
                      std::shared_ptr<network> lines)
    : executor(ex), options_(std::move(o)), bodies_(std::move(bodies)),
      client_(ex, options_.client(), std::move(lines)),
      schedule_(options_, [this](const std::string& origin) { return has_own_idle(origin); }),
      pool_(make_pool()), intake_(ex), spiller_(ex, options_.spill())
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
    const auto target = url::parse(text, options_.dots());
    schedule_.add(target ? target->origin() : std::string(), std::move(text), now(executor));
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
        item->stop.cancel();
}

/// Sets the alarm for the next host that may have been silent for too long.
void fetcher::state::look_again()
{
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

asio::awaitable<item_ptr> fetcher::state::work(std::shared_ptr<state> self, item_ptr item,
                                               job_context& job)
{
    const auto began = now(self->executor);
    hop ended;
    ended.answer.error = item->begin(began, self->bodies_);
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

/// Makes an exchange of an item. The pool limits the time of the first; the others get what the
/// earlier ones have left of it.
asio::awaitable<hop> fetcher::state::exchange(fetch_item& item)
{
    const body_sink sink = [this, &item](std::string_view part) {
        if (item.gives_way) // they come too late: it will be asked for again
            throw failed(failure(error_class::aborted, "gives way to another host"));
        schedule_.heard(item, now(executor));
        return item.write(part);
    };
    // Its place may be wanted for another host.
    const auto body = [this, &item, &sink](scope&) { return client_.step(*item.ask, sink); };
    auto made = with_scope(body, item.stop.token());
    if (item.spent != duration::zero() && options_.timeout() != duration::max())
        made = with_timeout(options_.timeout() - item.spent, std::move(made));
    try {
        co_return co_await std::move(made);
    } catch (const boost::system::system_error& e) {
        if (!item.gives_way || e.code() != asio::error::operation_aborted)
            throw;
    }
    hop gave_way; // before it had begun
    gave_way.answer.error = failure(error_class::aborted, "gives way to another host");
    co_return gave_way;
}

/// Records how an exchange ended; true when the item goes on elsewhere, or later as text.
bool fetcher::state::hop_ended(const item_ptr& item, hop h, cancel_reason why)
{
    const auto& answer = h.answer;
    const bool is_aborted = answer.error && answer.error->kind() == error_class::aborted;
    const bool gave_way = item->gives_way && is_aborted && why == cancel_reason::none;
    // Before the result is published, and before a redirect waits for another origin.
    schedule_.leave(*item,
                    gave_way             ? left::gave_way
                    : answer.status != 0 ? left::answered
                                         : left::failed,
                    now(executor));
    bool moved = gave_way;
    if (!gave_way && item->record(std::move(h), why, options_))
        moved = schedule_.go_on(item, now(executor));
    changed();
    return moved;
}

// ---- the file: one part at a time is written or read

void fetcher::state::move_text()
{
    if (is_moving_ || unreadable_)
        return;
    auto next = schedule_.next_step();
    if (schedule_.is_refused())
        say_full(errc::full);
    if (next.what == detail::text_backlog::step::kind::none)
        return;
    is_moving_ = true;
    const auto then = [self = shared_from_this()](detail::text_backlog::step s, error_code error) {
        self->moved(std::move(s), error);
    };
    spiller_.start(std::move(next), then);
}

void fetcher::state::moved(detail::text_backlog::step s, error_code error)
{
    is_moving_ = false;
    const bool was_read = s.what == detail::text_backlog::step::kind::read;
    schedule_.moved(std::move(s), bool(error), now(executor));
    if (error && was_read) {
        unreadable_ = error;
        end(ending::draining);
    } else if (error) {
        say_full(error);
    }
    say(moved_);
    changed();
}

void fetcher::state::say_full(error_code why)
{
    const spill_options& spill = options_.spill();
    if (spill.limit() != 0 && !std::exchange(told_full_, true) && spill.on_full())
        spill.on_full()(why);
}

// ---- results

/// The next item that has ended; null when one goes on elsewhere, or at the end of the run.
asio::awaitable<item_ptr> fetcher::state::next_ended(bool& over)
{
    item_ptr item = schedule_.take_ended();
    const bool takes_text = !discards_ && !unreadable_;
    if (!item && takes_text)
        item = schedule_.take_dropped();
    if (item)
        co_return item;
    if (takes_text && schedule_.ended() != 0) { // the next one is in the file
        move_text();
        co_await wait_for(moved_);
        co_return item;
    }
    auto out = co_await pool_.results().async_receive(asio::use_awaitable);
    if (out)
        item = settle(std::move(*out));
    else
        over = !takes_text || schedule_.ended() == 0;
    co_return item;
}

/// The item that ended with this outcome; null when it goes on elsewhere.
item_ptr fetcher::state::settle(outcome<item_ptr> out)
{
    const auto found = in_pool_.find(out.id());
    item_ptr item = std::move(found->second);
    in_pool_.erase(found);
    if (out) {
        item = out.value();
    } else {
        schedule_.leave(*item, left::failed, now(executor));
        item->ended_without_value(out.status(), out.error());
    }
    changed();
    return item;
}

asio::awaitable<void> fetcher::state::give(std::shared_ptr<state> self, item_ptr item,
                                           sink& results)
{
    self->schedule_.count(item->result);
    fetch_result result = std::move(item->result);
    item.reset();
    co_await results(std::move(result));
}

asio::awaitable<void> fetcher::state::run(std::shared_ptr<state> self, source urls, sink results)
{
    std::exception_ptr error;
    bool over = false;
    self->intake_.spawn(take_in(self, std::move(urls)));
    while (!over) {
        std::exception_ptr met;
        try {
            item_ptr item = co_await self->next_ended(over);
            if (item && !error)
                co_await give(self, std::move(item), results);
        } catch (...) {
            met = std::current_exception();
        }
        if (met && !error) {
            // From here on no result can be given; the running fetches are still waited for.
            error = met;
            self->discards_ = true;
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            self->end(ending::stopping);
        }
    }
    try {
        co_await self->intake_.join();
    } catch (...) {
        if (!error)
            error = std::current_exception();
    }
    self->client_.close_idle();
    if (!error && self->unreadable_)
        error = std::make_exception_ptr(system_error(self->unreadable_, "the file of URLs"));
    if (error)
        std::rethrow_exception(error);
}

// ---- the end

void fetcher::state::end(ending how)
{
    if (!schedule_.end(how, now(executor)))
        return;
    intake_.cancel(cancel_reason::shutdown);
    if (how == ending::stopping)
        pool_.stop(cancel_reason::shutdown);
    changed();
}

// ---- the handle

fetcher::fetcher(asio::any_io_executor executor, fetcher_options options, body_factory bodies,
                 std::shared_ptr<network> lines)
    : state_(std::make_shared<state>(std::move(executor), std::move(options), std::move(bodies),
                                     std::move(lines)))
{
}

fetcher::~fetcher() = default;

asio::awaitable<void> fetcher::run(source urls, sink results)
{
    return state::run(state_, std::move(urls), std::move(results));
}

void fetcher::finish_running()
{
    asio::post(state_->executor, [self = state_] { self->end(ending::draining); });
}

void fetcher::stop()
{
    asio::post(state_->executor, [self = state_] { self->end(ending::stopping); });
}

fetch_counts fetcher::counts() const
{
    return state_->counts();
}

std::size_t fetcher::results_ready() const
{
    return state_->results_ready();
}

} // namespace weir::http
