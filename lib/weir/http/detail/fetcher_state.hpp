#pragma once

#include <weir/error.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/http/client.hpp>
#include <weir/http/detail/fetch_item.hpp>
#include <weir/http/detail/fetch_schedule.hpp>
#include <weir/http/detail/known_origins.hpp>
#include <weir/http/detail/text_mover.hpp>
#include <weir/http/fetcher.hpp>
#include <weir/http/hop.hpp>
#include <weir/run/cancel.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/event.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace weir::http {

/// Shared by the fetcher and its coroutines, so that an abandoned one still finds what it uses.
class fetcher::state : public std::enable_shared_from_this<fetcher::state> {
public:
    using ending = detail::fetch_schedule::ending;
    using item_ptr = detail::fetch_schedule::item_ptr;

    state(boost::asio::any_io_executor executor, fetcher_options options, body_factory bodies,
          std::shared_ptr<network> lines);

    static boost::asio::awaitable<void> run(std::shared_ptr<state> self, source urls, sink results);
    void end(ending how);
    fetch_counts counts() const { return schedule_.counts(); }
    std::size_t results_ready() { return pool_.results().size() + schedule_.ended(); }

    const boost::asio::any_io_executor executor;

private:
    using pool_type = worker_pool<item_ptr, item_ptr>;

    pool_type make_pool();
    std::size_t most_in_pool() const { return 2 * options_.jobs().count(); }

    static boost::asio::awaitable<void> take_in(std::shared_ptr<state> self, source urls);
    void accept(std::string text);

    bool has_own_idle(const std::string& origin) const;
    void changed();
    void start_ready();
    void give_way();
    void look_again();
    static boost::asio::awaitable<item_ptr> work(std::shared_ptr<state> self, item_ptr item,
                                                 job_context& job);
    boost::asio::awaitable<hop> exchange(detail::fetch_item& item);
    boost::asio::awaitable<hop> one_exchange(detail::fetch_item& item);
    bool hop_ended(const item_ptr& item, hop h, cancel_reason why);

    void move_text();

    boost::asio::awaitable<item_ptr> next_ended(bool& over);
    item_ptr settle(outcome<item_ptr> out);
    static boost::asio::awaitable<void> give(std::shared_ptr<state> self, item_ptr item,
                                             sink& results);

    boost::asio::awaitable<void> wait_for(std::optional<event>& what);
    static void say(std::optional<event>& what);

    fetcher_options options_;
    client client_;
    detail::fetch_schedule schedule_;
    pool_type pool_;
    scope intake_;
    detail::known_origins origins_;
    std::unordered_map<job_id, item_ptr> in_pool_;
    detail::text_mover mover_;
    bool has_begun_ = false;
    bool discards_ = false;      // no result can be given any more
    std::optional<event> room_;  // intake waits for it
    std::optional<event> moved_; // the results do
    time_point look_at_ = time_point::max();
    alarm look_;
};

} // namespace weir::http
