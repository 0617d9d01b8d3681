#include <weir/http/detail/group_home.hpp>

#include <weir/detail/post_to.hpp>
#include <weir/http/detail/group_state.hpp>
#include <weir/http/detail/sessions.hpp>
#include <weir/http/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

/// How many messages are looked at before the runner has its turn.
constexpr std::size_t most_at_a_time = 128;
/// After so many answers, one after another, no other runner has a connection. Between two of them
/// one that had given its descriptor back may have taken it again.
constexpr unsigned sure_of_none = 3;
/// How often a runner whose only connections are being made looks again before it answers.
constexpr unsigned more_looks = 8;
/// How long answers count. Who needs a descriptor asks at least once a second.
constexpr duration answer_holds_for = std::chrono::seconds(2);

constexpr const char* runner_is_gone = "the runner was stopped";
constexpr const char* group_is_closed = "the client group was destroyed";

} // namespace

/// What is posted to the runner. One that is destroyed unrun says that the runner's context goes.
class group_home::round {
public:
    explicit round(std::shared_ptr<group_home> of) noexcept : of_(std::move(of)) {}
    round(round&&) noexcept = default;
    round& operator=(round&&) = delete;
    ~round()
    {
        if (of_)
            of_->round_was_destroyed();
    }

    void operator()() { std::exchange(of_, nullptr)->take_messages(); }

private:
    std::shared_ptr<group_home> of_;
};

/// The handler of a request at its client. One that is destroyed uncalled went with its context.
class group_home::work_end {
public:
    work_end(std::shared_ptr<group_home> by, std::shared_ptr<group_order> order) noexcept
        : by_(std::move(by)), order_(std::move(order))
    {
    }
    work_end(work_end&&) noexcept = default;
    work_end& operator=(work_end&&) = delete;
    ~work_end()
    {
        if (!order_)
            return;
        order_->fail(error_class::aborted, runner_is_gone, processed::maybe);
        by_->running_.erase(order_);
    }

    void operator()(response answer)
    {
        const auto order = std::move(order_);
        by_->ended(order, std::move(answer));
    }

private:
    std::shared_ptr<group_home> by_;
    std::shared_ptr<group_order> order_;
};

group_home::group_home(const asio::any_io_executor& executor, std::size_t index,
                       const client_options& options, std::shared_ptr<network> lines,
                       group_part part)
    : inside_(executor, options, std::move(lines), std::move(part)), index_(index)
{
    inside_.state()->sessions().on_shortage([this] { ask_for_room(); },
                                            [this] { return nones_ < sure_of_none; });
}

bool group_home::push(message news)
{
    {
        std::lock_guard lock(mutex_);
        if (closed_)
            return false;
        closed_ = news.what == message::kind::close;
        inbox_.push_back(std::move(news));
        if (std::exchange(posted_, true))
            return true;
    }
    post_round();
    return true;
}

void group_home::post_round()
{
    round next(shared_from_this());
    const auto kept = inside_.home().keep();
    if (kept)
        weir::detail::post_to(inside_.home().get(kept), std::move(next));
}

void group_home::take_messages()
{
    for (std::size_t n = 0; n != most_at_a_time; ++n) {
        if (done_ == taken_.size()) {
            taken_.clear();
            done_ = 0;
            std::lock_guard lock(mutex_);
            taken_.swap(inbox_);
            if (taken_.empty()) {
                posted_ = false;
                return;
            }
        }
        act(taken_[done_++]);
    }
    post_round();
}

void group_home::round_was_destroyed() noexcept
{
    std::vector<message> lost;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        lost.swap(inbox_);
    }
    for (; done_ != taken_.size(); ++done_)
        lost.push_back(std::move(taken_[done_]));
    const auto group = group_.lock();
    for (const message& each : lost) {
        if (each.what == message::kind::start)
            each.order->fail(error_class::aborted, runner_is_gone);
        else if (each.what == message::kind::make_room && group)
            group->tell(each.from, message{message::kind::room_was_made, nullptr, index_, false});
    }
}

void group_home::act(message& news)
{
    using kind = message::kind;
    const auto order = std::move(news.order);
    switch (news.what) {
    case kind::start:
        return start(order);
    case kind::cancel:
        return stop(order);
    case kind::make_room:
        return make_room(news.from, more_looks);
    case kind::room_was_made:
        return room_was_made(news.flag);
    case kind::close_idle:
        if (inside_.state())
            inside_.state()->sessions().close_idle();
        return;
    case kind::close:
        return close();
    }
}

void group_home::start(const std::shared_ptr<group_order>& order)
{
    if (order->is_cancelled())
        return order->fail(error_class::aborted, "cancelled");
    running_.insert(order);
    auto ended =
        asio::bind_cancellation_slot(order->stop_slot(), work_end(shared_from_this(), order));
    const auto whole = make_call<response>(inside_.state()->executor(), std::move(ended));
    client_state::begin(order->work(inside_.state(), whole->value()), *whole);
    if (order->is_cancelled()) // meanwhile
        order->emit_stop();
}

void group_home::ended(const std::shared_ptr<group_order>& order, response answer)
{
    running_.erase(order);
    if (is_closing_)
        leave();
    if (order->ended(std::move(answer)))
        return;
    const auto group = group_.lock();
    if (group)
        group->send(order);
    else
        order->fail(error_class::aborted, group_is_closed);
}

void group_home::stop(const std::shared_ptr<group_order>& order)
{
    if (running_.contains(order))
        order->emit_stop();
}

void group_home::make_room(std::size_t who, unsigned looks)
{
    const auto client = inside_.state();
    const bool any =
        client && (client->sessions().close_oldest() || client->sessions().holds_any());
    // An attempt that finds no descriptor either is over soon.
    if (any && looks != 0 && client->sessions().in_use() == 0) {
        asio::post(client->executor(),
                   [self = shared_from_this(), who, looks] { self->make_room(who, looks - 1); });
        return;
    }
    if (const auto group = group_.lock())
        group->tell(who, message{message::kind::room_was_made, nullptr, index_, any});
}

void group_home::ask_for_room()
{
    const auto group = group_.lock();
    if (!group || asked_ != 0)
        return;
    if (now(inside_.state()->executor()) > saturating_add(answered_, answer_holds_for))
        nones_ = 0;
    heard_any_ = false;
    asked_ = group->ask_for_room(index_);
    if (asked_ == 0)
        nones_ = sure_of_none;
}

void group_home::room_was_made(bool any)
{
    heard_any_ = heard_any_ || any;
    if (--asked_ != 0 || !inside_.state())
        return;
    nones_ = heard_any_ ? 0 : nones_ + 1;
    answered_ = now(inside_.state()->executor());
}

void group_home::close()
{
    is_closing_ = true;
    inside_.state()->sessions().on_shortage(nullptr, nullptr);
    const auto all = running_;
    for (const auto& each : all)
        each->emit_stop();
    leave();
}

/// Closes what is idle; the client goes with the last of its requests. Some of them may be over
/// already, and have given their connections back.
void group_home::leave()
{
    inside_.state()->sessions().close_idle();
    if (running_.empty())
        inside_.reset();
}

} // namespace weir::http::detail
