#pragma once

#include <weir/flow/detail/asio_queue/asio_queue_state.hpp>

namespace weir::detail {

template <class Channel>
asio_queue_state<Channel>::locked::~locked()
{
    state_.settle(woken);
    std::map<std::uint64_t, value_type> returned;
    std::deque<value_type> lost;
    if (state_.gone_) {
        state_.answer();
        returned.swap(state_.returned_);
        lost.swap(state_.aside_);
        state_.out_ += returned.size() + lost.size();
    }
    lock_.unlock();
    for (auto& [turn, value] : returned)
        state_.give_up(std::move(value));
    for (value_type& value : lost)
        state_.give_up(std::move(value));
    while (!woken.empty()) {
        node& n = woken.pop_front();
        n.settled(); // may destroy it
    }
}

// ---- values

template <class Channel>
errc asio_queue_state<Channel>::put(value_type& value, woken_list& woken)
{
    if (closed_)
        return errc::closed;
    if (!senders_.empty())
        return errc::full; // no sender overtakes
    if (users_ == users::neither && !receivers_.empty()) {
        receivers_.front().value.emplace(std::move(value));
        receivers_.front().turn = given_++;
        ++in_;
        ++out_;
        wake_first(receivers_, woken);
        return {};
    }
    if (push(value))
        return {};
    return closed_ ? errc::closed : errc::full;
}

template <class Channel>
bool asio_queue_state<Channel>::push(value_type& value)
{
    if (channel_ == nullptr)
        return false;
    // Plain receivers see this code.
    const error_code code = users_ == users::receivers ? error_code() : counted();
    if (channel_->try_send(code, std::move(value))) {
        ++in_;
        return true;
    }
    if (users_ != users::neither && !channel_->is_open())
        shut(); // closed by a plain call
    return false;
}

template <class Channel>
bool asio_queue_state<Channel>::take(std::optional<value_type>& into, std::uint64_t& turn,
                                     woken_list& woken)
{
    const bool scout_is_back = answer(); // asked once: it may come back at any moment
    if (!returned_.empty()) {
        const auto oldest = returned_.begin();
        turn = oldest->first;
        into.emplace(std::move(oldest->second));
        returned_.erase(oldest);
        ++out_;
        return true;
    }
    if (!aside_.empty()) {
        into.emplace(std::move(aside_.front()));
        aside_.pop_front();
    } else if (!scout_is_back) {
        return false; // its value would be the oldest; until it is back the channel is empty
    } else if (!pull(into)) {
        if (closed_ || senders_.empty())
            return false;
        sender& s = senders_.front(); // without a buffer
        into.emplace(std::move(s.value));
        s.sent = true;
        ++in_;
        wake_first(senders_, woken);
    }
    turn = given_++;
    ++out_;
    return true;
}

template <class Channel>
bool asio_queue_state<Channel>::pull(std::optional<value_type>& into)
{
    const auto keep = [&](const error_code& error, value_type value) {
        if (is_asios_own(error))
            return;
        if (users_ == users::senders && error.category() != counted().category())
            ++in_;
        into.emplace(std::move(value));
    };
    bool more = channel_ != nullptr;
    while (more && !into)
        more = channel_->try_receive(keep);
    return into.has_value();
}

template <class Channel>
void asio_queue_state<Channel>::drain()
{
    std::optional<value_type> value;
    while (pull(value)) {
        aside_.push_back(std::move(*value));
        value.reset();
    }
}

template <class Channel>
void asio_queue_state<Channel>::settle(woken_list& woken)
{
    if (closed_)
        answer();
    serve(woken);
    refill(woken);
    if (users_ == users::receivers)
        carry(woken);
    while (closed_ && !senders_.empty())
        wake_first(senders_, woken);
    finish();
}

template <class Channel>
void asio_queue_state<Channel>::serve(woken_list& woken)
{
    for (;;) {
        while (!receivers_.empty() &&
               take(receivers_.front().value, receivers_.front().turn, woken))
            wake_first(receivers_, woken);
        if (receivers_.empty())
            return recall_scout();
        if (is_over()) {
            while (!receivers_.empty())
                wake_first(receivers_, woken);
            return;
        }
        if (users_ == users::neither || channel_ == nullptr)
            return;
        const progress scout = scout_.load();
        if (scout == progress::none)
            send_scout();
        else if (scout == progress::waits)
            return;
    }
}

template <class Channel>
void asio_queue_state<Channel>::refill(woken_list& woken)
{
    while (!closed_ && !senders_.empty() && push(senders_.front().value)) {
        senders_.front().sent = true;
        wake_first(senders_, woken);
    }
}

// ---- the operations that wait in the channel

// Asio completes both inside a call of the other side, perhaps with the channel's lock held, or, on
// newer versions, in a posted function. So they only store the answer, and post a look at it.
template <class Channel>
class asio_queue_state<Channel>::scout_handler {
public:
    using executor_type = at_once_executor;
    using immediate_executor_type = at_once_executor;
    using cancellation_slot_type = boost::asio::cancellation_slot;

    explicit scout_handler(asio_queue_state& state)
        : state_(state.shared_from_this()), where_(state.channel_->get_executor())
    {
    }

    executor_type get_executor() const noexcept { return {}; }
    immediate_executor_type get_immediate_executor() const noexcept { return {}; }
    cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return state_->scout_signal_.slot();
    }

    void operator()(const error_code& error, value_type value)
    {
        if (is_asios_own(error)) {
            const bool closed = error == boost::asio::experimental::error::channel_closed;
            state_->scout_.store(closed ? progress::closed : progress::refused);
        } else {
            state_->scouted_.emplace(std::move(value));
            state_->scouted_counted_ = error.category() == counted().category();
            state_->scout_.store(progress::received);
        }
        boost::asio::post(where_, [state = std::move(state_)] { state->look(); });
    }

private:
    std::shared_ptr<asio_queue_state> state_;
    typename Channel::executor_type where_;
};

template <class Channel>
class asio_queue_state<Channel>::carrier_handler {
public:
    using executor_type = at_once_executor;
    using immediate_executor_type = at_once_executor;

    explicit carrier_handler(asio_queue_state& state)
        : state_(state.shared_from_this()), where_(state.channel_->get_executor())
    {
    }

    executor_type get_executor() const noexcept { return {}; }
    immediate_executor_type get_immediate_executor() const noexcept { return {}; }

    void operator()(const error_code&)
    {
        state_->carrier_.store(progress::none);
        boost::asio::post(where_, [state = std::move(state_)] { state->look(); });
    }

private:
    std::shared_ptr<asio_queue_state> state_;
    typename Channel::executor_type where_;
};

template <class Channel>
void asio_queue_state<Channel>::send_scout()
{
    scout_.store(progress::waits); // first: the receive may complete before this returns
    channel_->async_receive(scout_handler(*this));
}

template <class Channel>
void asio_queue_state<Channel>::recall_scout()
{
    if (!scout_is_out() || channel_ == nullptr)
        return;
    // A scout that has received already still comes back with its value.
    scout_signal_.emit(boost::asio::cancellation_type::terminal);
    reopen(*channel_);
}

template <class Channel>
bool asio_queue_state<Channel>::answer()
{
    const progress p = scout_.load();
    if (p == progress::none || p == progress::waits)
        return p == progress::none;
    if (p == progress::received) {
        aside_.push_back(std::move(*scouted_));
        scouted_.reset();
        if (users_ == users::senders && !scouted_counted_)
            ++in_;
    }
    scout_.store(progress::none);
    if (p == progress::closed)
        shut(); // perhaps closed by a plain call
    if (shut_ && users_ != users::receivers)
        drain();
    return scout_.load() == progress::none;
}

template <class Channel>
void asio_queue_state<Channel>::carry(woken_list& woken)
{
    while (!closed_ && !senders_.empty() && !carrier_is_out()) {
        if (!channel_->is_open())
            return shut();
        carrier_.store(progress::waits);
        sender& s = senders_.front();
        channel_->async_send(error_code(), std::move(s.value), carrier_handler(*this));
        s.sent = true;
        ++in_;
        wake_first(senders_, woken);
    }
}

// ---- the end

template <class Channel>
void asio_queue_state<Channel>::shut()
{
    if (std::exchange(closed_, true) || users_ == users::receivers)
        return;
    if (users_ == users::senders) {
        const bool scout_is_back = answer();
        // Plain senders that wait complete with an error: their value cannot be handed back.
        if (scout_is_back || channel_->ready())
            channel_->cancel();
        // A plain sender that begins to wait after that still gets in: behind a buffer by itself,
        // without a buffer because it meets the scout.
        if (capacity_ == 0 && scout_is_back && channel_->is_open())
            send_scout();
    }
    close_and_keep(*channel_);
    shut_ = true;
    if (answer())
        drain(); // else when the scout is back: its value comes first
}

// The channel keeps its values for plain receivers. A carrier behind a full buffer gets in as they
// receive; without a buffer it never would, so the channel stays open for it.
template <class Channel>
void asio_queue_state<Channel>::finish()
{
    if (!closed_ || shut_ || users_ != users::receivers || channel_ == nullptr)
        return;
    if (carrier_is_out() && capacity_ == 0)
        return;
    if (channel_->is_open())
        close_and_keep(*channel_);
    shut_ = true;
}

} // namespace weir::detail
