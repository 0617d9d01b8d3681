#include <weir/http/detail/fetcher_state.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <stdexcept>
#include <utility>

// What has ended: its results are given, until all is over.

namespace weir::http {

namespace asio = boost::asio;
using left = detail::fetch_schedule::left;

/// The next item that has ended; null when one goes on elsewhere, or at the end of the run.
asio::awaitable<fetcher::state::item_ptr> fetcher::state::next_ended(bool& over)
{
    item_ptr item = schedule_.take_ended();
    const bool takes_text = !discards_ && !mover_.unreadable();
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
fetcher::state::item_ptr fetcher::state::settle(outcome<item_ptr> out)
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
    if (std::exchange(self->has_begun_, true))
        throw std::logic_error("weir::http::fetcher: run() is called once; for other URLs, make "
                               "another fetcher");
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
    if (const error_code lost = self->mover_.unreadable(); lost && !error)
        error = std::make_exception_ptr(system_error(lost, "the file of URLs"));
    if (error)
        std::rethrow_exception(error);
}

void fetcher::state::end(ending how)
{
    if (!schedule_.end(how, now(executor)))
        return;
    intake_.cancel(cancel_reason::shutdown);
    if (how == ending::stopping)
        pool_.stop(cancel_reason::shutdown);
    changed();
}

} // namespace weir::http
