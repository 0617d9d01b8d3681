#pragma once

#include <weir/http/attempt.hpp>
#include <weir/http/body.hpp>
#include <weir/http/body_receiver.hpp>
#include <weir/http/detail/client_state.hpp>
#include <weir/http/detail/group_call.hpp>
#include <weir/http/detail/passage.hpp>
#include <weir/http/detail/pulled_body.hpp>
#include <weir/http/error.hpp>
#include <weir/http/open_response.hpp>
#include <weir/http/processed.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/http/url.hpp>
#include <weir/sync/event.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http::detail {

class group_state;

/// A request of a client group: it goes to the runner of its origin, and from there to another one
/// when a redirect leads there. It ends once; its caller waits for that.
///
/// Threads: the members under "at its runner" are used by one runner after another, each of which
///          has it from a message.
class group_order final : public group_call, public std::enable_shared_from_this<group_order> {
public:
    group_order(std::weak_ptr<group_state> group, request what)
        : what_(std::move(what)), group_(std::move(group))
    {
    }
    /// One that ends before it is sent.
    explicit group_order(failure why);
    group_order(const group_order&) = delete;
    group_order& operator=(const group_order&) = delete;

    // What becomes of the body; without any of these it is kept. Before the order is sent.
    void pass_to(body_sink sink);
    void pass_to(body_receiver& to) { to_ = &to; }
    void open(std::shared_ptr<pulled_body> body);

    // For the caller.
    event done() override
    {
        return event(std::shared_ptr<event_state>(shared_from_this(), &done_));
    }
    void take(response& into) override { into = std::move(answer_); }
    void take(open_response& into) override;
    void cancel() override;
    void forsake() override;

    // At its runner.
    const url& target() const noexcept { return what_->target(); }
    bool is_over() const noexcept { return over_.load(); }
    client_state::travelling work(const std::shared_ptr<client_state>& by, response& into);
    boost::asio::cancellation_slot stop_slot() noexcept { return stop_.slot(); }
    void emit_stop() { stop_.emit(boost::asio::cancellation_type::terminal); }
    bool is_cancelled() const noexcept { return cancelled_.load(); }
    /// It ended there. False: it goes on elsewhere.
    bool ended(response answer);
    /// It ends without having been at the end of its way. `how`: what the runner where it is has
    /// made of it.
    void fail(error_class kind, const char* why, processed how = processed::no);

private:
    friend class group_state;

    void finish(response answer);

    std::optional<request> what_;
    bool has_sink_ = false;
    body_sink sink_;
    std::mutex sink_mutex_;
    bool forsaken_ = false;
    body_receiver* to_ = nullptr;
    std::shared_ptr<pulled_body> body_;
    passage way_;
    bool begun_ = false;
    attempt_list attempts_; // at earlier runners
    response answer_;
    event_state done_;
    boost::asio::cancellation_signal stop_;
    std::atomic<bool> cancelled_{false};
    std::atomic<bool> over_{false};
    std::atomic<std::size_t> at_{0};           // its runner, or the one that it is on the way to
    std::atomic<std::size_t>* load_ = nullptr; // that it counts in there
    const std::weak_ptr<group_state> group_;
};

} // namespace weir::http::detail
