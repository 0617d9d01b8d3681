#include <weir/http/fetcher.hpp>

#include <weir/flow/worker_pool.hpp>
#include <weir/http/client.hpp>
#include <weir/http/detail/fetch_item.hpp>
#include <weir/policy/keyed_queue.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/turn.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <deque>
#include <exception>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using detail::fetch_item;
using item_ptr = std::shared_ptr<fetch_item>;

/// How far the run has been told to end.
enum class ending { none, draining, stopping };

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

/// Shared by the fetcher and its coroutines, so that one that was abandoned finds what it needs.
class fetcher::state : public std::enable_shared_from_this<fetcher::state> {
public:
    state(asio::any_io_executor executor, fetcher_options options, body_factory bodies);

    static asio::awaitable<void> run(std::shared_ptr<state> self, source urls, sink results);
    void end(ending how);
    fetch_counts counts() const;
    std::size_t results_ready() const;

    const asio::any_io_executor executor;

private:
    using pool_type = worker_pool<item_ptr, item_ptr>;

    static asio::awaitable<void> take_in(std::shared_ptr<state> self, source urls);
    static asio::awaitable<item_ptr> work(std::shared_ptr<state> self, item_ptr item,
                                          job_context& job);
    static asio::awaitable<void> give(std::shared_ptr<state> self, item_ptr item, sink& results);

    pool_type make_pool();
    void accept(std::string text, permit room);
    void start_ready();
    void close_when_over();
    void leave_key(fetch_item& item);
    bool hop_ended(const item_ptr& item, hop h, cancel_reason why);
    item_ptr settle(outcome<item_ptr> out);
    void drop_waiting();
    void count(const fetch_result& result);
    bool stopping() const { return ending_ != ending::none; }

    fetcher_options options_;
    body_factory make_body_;
    client client_;
    semaphore room_;
    keyed_queue<std::string, item_ptr> waiting_;
    pool_type pool_;
    scope intake_;
    std::unordered_map<job_id, item_ptr> in_pool_;
    std::deque<item_ptr> never_begun_;
    fetch_counts counts_;
    ending ending_ = ending::none;
    bool intake_over_ = false;
};

fetcher::state::state(asio::any_io_executor ex, fetcher_options o, body_factory bodies)
    : executor(ex), options_(std::move(o)), make_body_(std::move(bodies)),
      client_(ex, options_.client()), room_(ex, options_.queue() + options_.jobs().count()),
      waiting_(options_.client().per_host().count()), pool_(make_pool()), intake_(ex)
{
}

fetcher::state::pool_type fetcher::state::make_pool()
{
    worker_pool_options how(options_.jobs());
    const std::size_t jobs = options_.jobs().count();
    // Neither queue can fill: a job is submitted when a worker is free, and a result has its place
    // in the window, kept until the sink has taken it.
    how.queue(2 * jobs).results(options_.queue() + 2 * jobs);
    how.grace(options_.grace());
    if (options_.timeout() != duration::max())
        how.time_out(options_.timeout());
    auto handler = [this](item_ptr item, job_context& job) {
        return work(shared_from_this(), std::move(item), job);
    };
    return pool_type(std::vector<asio::any_io_executor>(1, executor), how, std::move(handler));
}

// ---- intake: URLs come in while the window has room

asio::awaitable<void> fetcher::state::take_in(std::shared_ptr<state> self, source urls)
{
    const time_service& clock = time_service::of(self->executor);
    turn my_turn(clock);
    std::exception_ptr error;
    try {
        while (!self->stopping()) {
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
    self->intake_over_ = true;
    self->close_when_over();
    if (error && !(self->stopping() && is_aborted(error)))
        std::rethrow_exception(error);
}

void fetcher::state::accept(std::string text, permit room)
{
    auto item = std::make_shared<fetch_item>(++counts_.taken, std::move(text), std::move(room));
    item->taken = now(executor);
    item->read_url(options_.headers());
    if (stopping()) {
        item->never_began();
        never_begun_.push_back(std::move(item));
        return;
    }
    const std::string key = item->key;
    waiting_.push(key, std::move(item));
    start_ready();
}

// ---- fetching: an item whose key has room gets a worker

void fetcher::state::start_ready()
{
    while (counts_.running < options_.jobs().count()) {
        auto next = waiting_.pop();
        if (!next)
            return;
        item_ptr item = std::move(next->second);
        item->has_key = true;
        ++counts_.running;
        counts_.peak = std::max(counts_.peak, counts_.running);
        auto submitted = pool_.try_submit(item);
        if (submitted) {
            in_pool_.emplace(submitted.id(), std::move(item));
            continue;
        }
        leave_key(*item);
        item->never_began();
        never_begun_.push_back(std::move(item));
    }
}

/// Gives the key's place and the worker's back. Once an exchange.
void fetcher::state::leave_key(fetch_item& item)
{
    if (!std::exchange(item.has_key, false))
        return;
    --counts_.running;
    waiting_.done(item.key);
}

asio::awaitable<item_ptr> fetcher::state::work(std::shared_ptr<state> self, item_ptr item,
                                               job_context& job)
{
    const auto began = now(self->executor);
    item->begin(began, self->make_body_);
    hop ended;
    if (!item->ask) {
        ended.answer.error = item->bad_url;
    } else {
        auto sink = item->sink();
        auto exchange = self->client_.step(*item->ask, std::move(sink));
        const bool part =
            item->spent != duration::zero() && self->options_.timeout() != duration::max();
        if (part) // what redirects have left of the time
            exchange = with_timeout(self->options_.timeout() - item->spent, std::move(exchange));
        ended = co_await std::move(exchange);
    }
    item->spent += now(self->executor) - began;
    if (item->given_up)
        co_return item;
    const bool moved = self->hop_ended(item, std::move(ended), job.reason());
    if (moved)
        item = nullptr;
    co_return item;
}

bool fetcher::state::hop_ended(const item_ptr& item, hop h, cancel_reason why)
{
    // Before the result is published, and before a redirect waits for another origin.
    leave_key(*item);
    bool moved = item->record(std::move(h), why, options_);
    if (moved) {
        const std::string key = item->key;
        if (ending_ == ending::stopping) {
            moved = false;
            item->stopped();
        } else {
            // Begun already: it goes first, and goes on while draining.
            waiting_.push_front(key, item);
        }
    }
    start_ready();
    close_when_over();
    return moved;
}

// ---- results

/// The item that is over with this outcome; null when it goes on elsewhere.
item_ptr fetcher::state::settle(outcome<item_ptr> out)
{
    const auto found = in_pool_.find(out.id());
    item_ptr item = std::move(found->second);
    in_pool_.erase(found);
    if (out)
        return out.value();
    leave_key(*item);
    item->ended_without_value(out.status(), out.error());
    start_ready();
    close_when_over();
    return item;
}

asio::awaitable<void> fetcher::state::give(std::shared_ptr<state> self, item_ptr item,
                                           sink& results)
{
    self->count(item->result);
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
            item_ptr item;
            if (!self->never_begun_.empty()) {
                item = std::move(self->never_begun_.front());
                self->never_begun_.pop_front();
            } else {
                auto out = co_await self->pool_.results().async_receive(asio::use_awaitable);
                if (out)
                    item = self->settle(std::move(*out));
                else
                    over = self->never_begun_.empty();
            }
            if (item && !error)
                co_await give(self, std::move(item), results);
        } catch (...) {
            met = std::current_exception();
        }
        if (met && !error) {
            // From here on nobody can be told, or wants to know; what runs is still waited for.
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

void fetcher::state::close_when_over()
{
    if (intake_over_ && waiting_.waiting() == 0 && counts_.running == 0)
        pool_.close();
}

void fetcher::state::end(ending how)
{
    if (how <= ending_)
        return;
    ending_ = how;
    intake_.cancel(cancel_reason::shutdown);
    drop_waiting();
    if (how == ending::stopping)
        pool_.stop(cancel_reason::shutdown);
    close_when_over();
}

/// What has not begun ends here; while draining, what was redirected goes on.
void fetcher::state::drop_waiting()
{
    std::vector<item_ptr> go_on;
    while (auto next = waiting_.take_any()) {
        item_ptr& item = next->second;
        if (item->begun && ending_ == ending::draining) {
            go_on.push_back(std::move(item));
            continue;
        }
        if (item->begun)
            item->stopped();
        else
            item->never_began();
        never_begun_.push_back(std::move(item));
    }
    for (auto& item : go_on) {
        const std::string key = item->key;
        waiting_.push(key, std::move(item));
    }
}

void fetcher::state::count(const fetch_result& result)
{
    counts_.bytes += result.answer.bytes;
    if (!result.answer.error)
        ++counts_.ok;
    else if (result.answer.error->kind() == error_class::aborted)
        ++counts_.aborted;
    else
        ++counts_.failed;
}

fetch_counts fetcher::state::counts() const
{
    fetch_counts c = counts_;
    c.queued = waiting_.waiting();
    return c;
}

std::size_t fetcher::state::results_ready() const
{
    return const_cast<pool_type&>(pool_).results().size() + never_begun_.size();
}

// ---- the handle

fetcher::fetcher(asio::any_io_executor executor, fetcher_options options, body_factory bodies)
    : state_(std::make_shared<state>(std::move(executor), std::move(options), std::move(bodies)))
{
}

fetcher::~fetcher() = default;

asio::awaitable<void> fetcher::run(source urls, sink results)
{
    return state::run(state_, std::move(urls), std::move(results));
}

void fetcher::drain()
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
