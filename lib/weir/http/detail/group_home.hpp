#pragma once

#include <weir/detail/own_executor.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/detail/client_limits.hpp>
#include <weir/http/detail/group_order.hpp>
#include <weir/http/detail/resident_client.hpp>
#include <weir/http/network.hpp>
#include <weir/http/response.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

namespace weir::http::detail {

class group_state;

/// The part of a client group on one runner: a client, and the messages that other threads sent to
/// it. One function is posted for all those that come before it has run.
///
/// Threads: `push` from any thread; the rest on its runner.
/// Lifetime: shared with what is posted to its runner, and with the orders that it works on.
class group_home : public std::enable_shared_from_this<group_home> {
public:
    /// What comes from other threads.
    struct message {
        enum class kind {
            start,         ///< a request comes
            cancel,        ///< a request is cancelled
            make_room,     ///< another runner needs a descriptor
            room_was_made, ///< what became of that: `flag`
            close_idle,
            close ///< the group goes
        };
        kind what;
        std::shared_ptr<group_order> order{};
        std::size_t from = 0;
        bool flag = false; ///< whether a connection was closed, or will be some time
    };

    group_home(const boost::asio::any_io_executor& executor, std::size_t index,
               const client_options& options, std::shared_ptr<network> lines, group_part part);
    group_home(const group_home&) = delete;
    group_home& operator=(const group_home&) = delete;

    /// Before the first message.
    void introduce(std::weak_ptr<group_state> group) { group_ = std::move(group); }

    /// False: the group, or the runner, is gone.
    bool push(message news);

    weir::detail::own_any_executor& executor() noexcept { return inside_.home(); }

private:
    class round;
    class work_end;

    void post_round();
    void take_messages();
    void round_was_destroyed() noexcept;
    void act(message& news);
    void start(const std::shared_ptr<group_order>& order);
    void ended(const std::shared_ptr<group_order>& order, response answer);
    void stop(const std::shared_ptr<group_order>& order);
    void make_room(std::size_t who, unsigned looks);
    void ask_for_room();
    void room_was_made(bool any);
    void close();
    void leave();

    resident_client inside_;
    const std::size_t index_;
    std::weak_ptr<group_state> group_;
    std::mutex mutex_;
    std::vector<message> inbox_;
    bool posted_ = false;
    bool closed_ = false;
    // On the runner:
    std::vector<message> taken_;
    std::size_t done_ = 0; // of these
    std::unordered_set<std::shared_ptr<group_order>> running_;
    bool is_closing_ = false;
    std::size_t asked_ = 0; // runners that have not answered yet
    bool heard_any_ = false;
    unsigned nones_ = 0;    // answers without any, one after another
    time_point answered_{}; // the last one
};

} // namespace weir::http::detail
