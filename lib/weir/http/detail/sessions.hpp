#pragma once

#include <weir/detail/own_executor.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/detail/connection.hpp>
#include <weir/http/detail/connector.hpp>
#include <weir/http/detail/journey.hpp>
#include <weir/http/detail/recycled.hpp>
#include <weir/http/detail/session_pool.hpp>
#include <weir/http/network.hpp>
#include <weir/http/processed.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/http/url.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/event.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::http::detail {

/// The sessions of a client: opens, hands over and closes them as `session_pool` decides. A
/// session belongs to no request: it is opened beside those that wait, and outlives them.
///
/// Threads: one serial executor.
/// Lifetime: shared with the claims and with the sessions that are being opened.
class sessions : public std::enable_shared_from_this<sessions> {
public:
    class claim;

    sessions(boost::asio::any_io_executor executor, std::shared_ptr<network> lines,
             const client_options& options);
    sessions(const sessions&) = delete;
    sessions& operator=(const sessions&) = delete;

    /// This origin has so many connections, in place of `per_host`.
    void limit_origin(const std::string& origin, limit most)
    {
        limits_of_origins_.emplace(origin, most);
    }

    /// `ask` has others close idle connections, soon, when there is no descriptor and none of these
    /// is idle; `others_hold` says whether such a wait has any hope.
    void on_shortage(std::function<void()> ask, std::function<bool()> others_hold)
    {
        ask_others_ = std::move(ask);
        others_hold_ = std::move(others_hold);
    }
    /// Closes the session that has been idle longest; false when there is none.
    bool close_oldest();
    /// Whether it has connections that will give their descriptors back some time.
    bool holds_any() const { return rules_.in_use() != 0 || connector_.is_busy(); }

    /// Closes the idle sessions, and those being opened that nothing waits for; lets
    /// `io_context::run` return.
    void close_idle();

    std::size_t in_use() const noexcept { return rules_.in_use(); }
    std::size_t idle() const noexcept { return rules_.idle(); }
    /// Whether a request to the origin would have a session at once.
    bool has_free(const std::string& origin) const;
    /// How many there are: idle, in use, or being opened.
    std::size_t size() const noexcept { return rules_.size(); }

private:
    using session_id = session_pool::session_id;
    using request_id = session_pool::request_id;

    struct session {
        std::unique_ptr<connection> line; // null while it is being opened
        timings took;                     // to open it
        bool is_new = false;              // it is handed over at once
        std::unique_ptr<scope> opening;   // whose end cancels it
        request_id told = 0;              // of how far it is, while it waits; 0 for none
        phase at = phase::name;
    };

    class teller;
    using claims = std::unordered_map<request_id, claim*, std::hash<request_id>, std::equal_to<>,
                                      recycled<std::pair<const request_id, claim*>>>;

    static boost::asio::awaitable<void> open(std::shared_ptr<sessions> self, session_id which,
                                             url target);
    void opened(session_id which, std::unique_ptr<connection> line, const timings& took);
    void failed(session_id which, const timings& took, std::exception_ptr error);
    void perform();
    void perform(const session_pool::action& what);
    void begin_opening(session_id which, request_id by);
    limit most_of(const url& target) const;
    void close(session_id which);
    void serve(request_id which, session_id by);
    void join(session_id which, session& one, claim& waiting);
    void orphan(session& one);
    void tell(session_id which, session& one, claim& heir);
    void make_room();
    void enter(request_id which, claim& by);
    void forget(request_id which) { spare_ = claims_.extract(which); }
    void leave_opening(claim& waiting);
    void find_heirs();
    void arm_reaper();
    void look();

    boost::asio::any_io_executor executor_;
    weir::detail::own_any_executor home_; // is told when the context goes
    limit per_host_;
    std::unordered_map<std::string, limit> limits_of_origins_;
    std::function<void()> ask_others_; // null: there are none
    std::function<bool()> others_hold_;
    network_options ways_;
    session_pool rules_;
    connector connector_;
    std::unordered_map<session_id, session> sessions_;
    claims claims_;                    // of those that wait or are served
    claims::node_type spare_;          // for the next of them
    std::vector<session_id> untold_;   // those being opened whose request has left them
    std::vector<request_id> unserved_; // those that wait and have lost their session
    std::size_t told_ = 0;             // of those that wait: they have an opening
    bool performing_ = false;
    bool gone_ = false;          // with its context
    std::exception_ptr failure_; // of the session that fails now
    timings failed_after_;
    alarm reaper_; // closes what has expired
    std::optional<time_point> reaps_at_;
};

/// What a request has of the sessions: a place in line, then a session to use.
///
/// Lifetime: one that is destroyed before it has ended or been given up was dropped with its
///           coroutine: others go on, unless that was the end of the context.
class sessions::claim {
public:
    claim(std::shared_ptr<sessions> owner, const request& what, journey& trip);
    claim(const claim&) = delete;
    claim& operator=(const claim&) = delete;
    ~claim();

    /// Whether it has a session already: then `wait` would not wait.
    bool is_served() const noexcept { return used_ != nullptr && !error_; }
    /// What `wait` does where `is_served`.
    void begin(timings& took) const;
    /// Waits for a session. Adds to `took` what opening it took, if this is its first request.
    ///
    /// Errors: throws what the opening of the session threw, or system_error(operation_aborted).
    /// Cancellation: terminal; give it up then.
    boost::asio::awaitable<void> wait(timings& took);

    /// The connection, after `wait`.
    connection& line() const { return *used_->line; }
    /// Whether it has carried an earlier exchange.
    bool is_reused() const noexcept { return reused_; }

    /// `no` as long as nothing of the request was sent, else what is given.
    processed processed_of(processed what) const;

    /// An exchange has ended; `idle_for` is how long its session may be idle now, 0 to close it.
    /// True: wait again, and make it again.
    bool ended(const response& answer, duration idle_for);
    /// It was cancelled, waiting or not. A session that was not used for it goes to the next one;
    /// another is closed.
    void give_up();

private:
    friend class sessions;

    void release();
    void drop();

    std::shared_ptr<sessions> owner_;
    const request& what_;
    journey& trip_;
    session_pool::request_id id_ = 0; // 0 when it has ended
    session_id opening_ = 0;          // that it is told of
    session* used_ = nullptr;
    bool reused_ = false;
    std::uint64_t sent_before_ = 0;
    std::optional<event> news_; // while it waits
    std::exception_ptr error_;
    timings failed_after_;
};

} // namespace weir::http::detail
