#include <weir/http/fetcher.hpp>

#include <weir/detail/time_service.hpp>
#include <weir/detail/turn.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/http/client.hpp>
#include <weir/http/detail/fetch_item.hpp>
#include <weir/http/detail/fetch_schedule.hpp>
#include <weir/http/hop.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/run/cancel.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/semaphore.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <string>
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

    static asio::awaitable<void> take_in(std::shared_ptr<state> self, source urls);
    void accept(std::string text, permit room);

    void start_ready();
    static asio::awaitable<item_ptr> work(std::shared_ptr<state> self, item_ptr item,
                                          job_context& job);
    asio::awaitable<hop> exchange(fetch_item& item);
    bool hop_ended(const item_ptr& item, hop h, cancel_reason why);

    asio::awaitable<item_ptr> next_ended(bool& over);
    item_ptr settle(outcome<item_ptr> out);
    static asio::awaitable<void> give(std::shared_ptr<state> self, item_ptr item, sink& results);

    void close_when_over();

    fetcher_options options_;
    body_factory bodies_;
    client client_;
    semaphore room_; // one permit for each URL held
    fetch_schedule schedule_;
    pool_type pool_;
    scope intake_;
    std::unordered_map<job_id, item_ptr> in_pool_;
};

fetcher::state::state(asio::any_io_executor ex, fetcher_options o, body_factory bodies,
                      std::shared_ptr<network> lines)
    : executor(ex), options_(std::move(o)), bodies_(std::move(bodies)),
      client_(ex, options_.client(), std::move(lines)),
      room_(ex, options_.queue() + options_.jobs().count()),
      schedule_(options_.jobs(), options_.client().per_host()), pool_(make_pool()), intake_(ex)
{
}

fetcher::state::pool_type fetcher::state::make_pool()
{
    const std::size_t jobs = options_.jobs().count();
    pool_options how(options_.jobs());
    // Neither queue can fill: a job is submitted when a worker is free, and a result keeps its
    // place in `room_` until the sink has taken it.
    how.queue(2 * jobs).results(options_.queue() + 2 * jobs);
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
            permit room = self->room_.try_acquire();
            if (!room)
                room = co_await self->room_.async_acquire(asio::use_awaitable);
            auto text = co_await urls();
            if (!text)
                break;
            self->accept(std::move(*text), std::move(room));
            if (my_turn.is_over(clock)) {
                co_await asio::post(self->executor, asio::use_awaitable);
                my_turn.begin(clock);
            }
        }
    } catch (...) {
        error = std::current_exception();
    }
    self->schedule_.intake_ended();
    self->close_when_over();
    const bool cancelled_by_us =
        self->schedule_.how() != ending::none && error && is_aborted(error);
    if (error && !cancelled_by_us)
        std::rethrow_exception(error);
}

void fetcher::state::accept(std::string text, permit room)
{
    auto item = std::make_shared<fetch_item>(schedule_.next_id(), std::move(text), std::move(room));
    item->taken = now(executor);
    item->read_url(options_);
    schedule_.add(std::move(item));
    start_ready();
}

// ---- fetching: an item gets a worker once its origin has room

void fetcher::state::start_ready()
{
    while (item_ptr item = schedule_.start_next()) {
        auto submitted = pool_.try_submit(item);
        if (submitted)
            in_pool_.emplace(submitted.id(), std::move(item));
        else
            schedule_.refuse(std::move(item));
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
    auto made = client_.step(*item.ask, item.sink());
    if (item.spent == duration::zero() || options_.timeout() == duration::max())
        return made;
    return with_timeout(options_.timeout() - item.spent, std::move(made));
}

/// Records how an exchange ended; true when the item goes on elsewhere.
bool fetcher::state::hop_ended(const item_ptr& item, hop h, cancel_reason why)
{
    // Before the result is published, and before a redirect waits for another origin.
    schedule_.leave(*item);
    const bool moved = item->record(std::move(h), why, options_) && schedule_.go_on(item);
    start_ready();
    close_when_over();
    return moved;
}

// ---- results

/// The next item that has ended; null when one goes on elsewhere, or at the end of the run.
asio::awaitable<item_ptr> fetcher::state::next_ended(bool& over)
{
    item_ptr item = schedule_.take_ended();
    if (item)
        co_return item;
    auto out = co_await pool_.results().async_receive(asio::use_awaitable);
    if (out)
        item = settle(std::move(*out));
    else
        over = schedule_.ended() == 0;
    co_return item;
}

/// The item that ended with this outcome; null when it goes on elsewhere.
item_ptr fetcher::state::settle(outcome<item_ptr> out)
{
    const auto found = in_pool_.find(out.id());
    item_ptr item = std::move(found->second);
    in_pool_.erase(found);
    if (out)
        return out.value();
    schedule_.leave(*item);
    item->ended_without_value(out.status(), out.error());
    start_ready();
    close_when_over();
    return item;
}

asio::awaitable<void> fetcher::state::give(std::shared_ptr<state> self, item_ptr item,
                                           sink& results)
{
    self->schedule_.count(item->result);
    const permit room = std::move(item->room); // until the result is taken
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
    if (error)
        std::rethrow_exception(error);
}

// ---- the end

void fetcher::state::end(ending how)
{
    if (!schedule_.end(how))
        return;
    intake_.cancel(cancel_reason::shutdown);
    if (how == ending::stopping)
        pool_.stop(cancel_reason::shutdown);
    close_when_over();
}

void fetcher::state::close_when_over()
{
    if (schedule_.is_over())
        pool_.close();
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
