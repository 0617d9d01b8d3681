#pragma once

#include <weir/error.hpp>
#include <weir/flow/detail/asio_queue/channel_parts.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/intrusive/list.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// Who else uses the Asio channel, by calls of its own.
enum class asio_channel_users { nobody, senders, receivers };

/// The rule of a queue whose buffer is an Asio channel.
///
/// Of the channel, `try_send` and `try_receive` alone are used as long as nobody else uses it:
/// those do the same on every version. Who waits, waits here, in a line of ours, with its value, so
/// that closing and cancelling hand it back whatever the channel does with its own.
///
/// Where others send by plain calls, a receiver that waits is told of a value by a *scout*: one
/// receive that waits in the channel on behalf of all of ours. Where others receive by plain calls,
/// a sender that waits is told of room by the *carrier*: one send that waits in the channel, whose
/// value counts as sent, for nobody could have it back.
///
/// At close the channel is closed with what it holds. Where receivers are ours that is then taken
/// out; where others receive it is theirs.
///
/// Everything is under one mutex, and the channel's own lock is only ever taken inside it. What
/// Asio completes leaves its answer in an atomic, and posts a look at it.
template <class Channel>
class asio_queue_state : public std::enable_shared_from_this<asio_queue_state<Channel>> {
public:
    using value_type = typename asio_channel_parts<Channel>::value_type;
    using executor_type = typename Channel::executor_type;
    using undelivered_hook = std::function<void(value_type&&)>;
    using users = asio_channel_users;

    struct node : boost::intrusive::list_base_hook<> {
        /// Called once, outside the lock, when the wait is over; not when `leave` returned true.
        virtual void settled() noexcept = 0;

        bool waits = false; // the core's

    protected:
        ~node() = default;
    };

    /// Settled with a value, or at the end of the stream without one.
    struct receiver : node {
        std::optional<value_type> value;

    protected:
        ~receiver() = default;
    };

    /// Settled with its value sent, or closed and still here.
    struct sender : node {
        explicit sender(value_type&& v) noexcept : value(std::move(v)) {}
        value_type value;
        bool sent = false;

    protected:
        ~sender() = default;
    };

    /// With a channel of its own.
    asio_queue_state(const executor_type& executor, std::size_t capacity, undelivered_hook hook)
        : hook_(std::move(hook)), users_(users::nobody), capacity_(capacity)
    {
        // No operation ever waits in it, so it need not hang on a context that may go before it.
        if constexpr (std::is_constructible_v<executor_type,
                                              boost::asio::io_context::executor_type>)
            own_.emplace(executor_type(home_.emplace(1).get_executor()), capacity);
        else
            own_.emplace(executor, capacity);
        channel_ = &*own_;
    }

    asio_queue_state(Channel& channel, users who, undelivered_hook hook)
        : hook_(std::move(hook)), users_(who), capacity_(channel.capacity()), channel_(&channel)
    {
    }

    /// No error, `full` or `closed`. The value is moved from only when sent.
    errc try_send(value_type& value)
    {
        locked l(*this);
        return put(value, l.woken);
    }

    std::optional<value_type> try_receive()
    {
        locked l(*this);
        std::optional<value_type> value;
        take(value, l.woken);
        return value;
    }

    void start(receiver& r)
    {
        locked l(*this);
        wait(receivers_, r); // those before it have had what there is
    }

    void start(sender& s)
    {
        locked l(*this);
        const errc how = put(s.value, l.woken);
        if (how == errc::full)
            return wait(senders_, s);
        s.sent = how == errc{};
        l.woken.push_back(s);
    }

    /// True: it was waiting, and will not be called.
    bool leave(receiver& r) { return leave(receivers_, r); }
    bool leave(sender& s) { return leave(senders_, s); }

    /// The receiver of a value has gone; it is the next one's.
    void put_back(value_type&& value)
    {
        locked l(*this);
        --out_;
        aside_.push_front(std::move(value));
    }

    /// The sender of a value has gone with the value still unsent.
    void lose(value_type&& value) noexcept
    {
        {
            const std::lock_guard lock(mutex_);
            ++in_;
            ++out_;
        }
        give_up(std::move(value));
    }

    void close()
    {
        locked l(*this);
        shut();
    }

    /// Closes. The channel is not touched after this; what nobody received goes to the hook, but
    /// for what plain receivers can still take out of their channel.
    void let_go()
    {
        locked l(*this);
        shut();
        settle(l.woken);
        if (users_ != users::receivers)
            drain();
        recall_scout();
        channel_ = nullptr;
        gone_ = true;
    }

    bool is_closed() const
    {
        const std::lock_guard lock(mutex_);
        return closed_;
    }
    bool is_ended() const
    {
        const std::lock_guard lock(mutex_);
        return is_over();
    }
    std::size_t size() const
    {
        const std::lock_guard lock(mutex_);
        if (users_ == users::receivers)
            return channel_ != nullptr && !shut_ && channel_->ready() ? 1 : 0;
        return static_cast<std::size_t>(in_ - out_);
    }
    std::uint64_t sent() const
    {
        const std::lock_guard lock(mutex_);
        return in_;
    }
    std::size_t capacity() const noexcept { return capacity_; }

private:
    using line = boost::intrusive::list<node>;
    enum class asked : int { nothing, waits, value, refused, closed };

    class scout_handler;
    class carrier_handler;

    /// The lock. What has changed is settled before it is given up; who was waiting for it is told
    /// after that.
    class locked {
    public:
        explicit locked(asio_queue_state& core) : core_(core), lock_(core.mutex_) {}
        locked(const locked&) = delete;
        locked& operator=(const locked&) = delete;
        ~locked();

        line woken;

    private:
        asio_queue_state& core_;
        std::unique_lock<std::mutex> lock_;
    };

    // ---- waiting

    template <class List, class Node>
    static void wait(List& list, Node& n)
    {
        n.waits = true;
        list.push_back(n);
    }

    template <class List>
    static void wake_first(List& list, line& woken)
    {
        node& n = list.front();
        list.pop_front();
        n.waits = false;
        woken.push_back(n);
    }

    template <class List, class Node>
    bool leave(List& list, Node& n)
    {
        locked l(*this);
        if (!n.waits)
            return false;
        n.waits = false;
        list.erase(list.iterator_to(n));
        return true;
    }

    // ---- values, under the lock

    errc put(value_type& value, line& woken);
    bool push(value_type& value);
    bool take(std::optional<value_type>& into, line& woken);
    bool pull(std::optional<value_type>& into);
    void drain();
    /// After anything: values go to who waits for them, room too, and the end is told.
    void settle(line& woken);
    void serve(line& woken);
    void refill(line& woken);

    // ---- the operations that wait in the channel

    void send_scout();
    void recall_scout();
    /// Looks what became of the scout. False: it is still out.
    bool answer();
    void carry(line& woken);
    bool scout_is_out() const noexcept { return scout_.load() == asked::waits; }
    bool carrier_is_out() const noexcept { return carrier_.load() == asked::waits; }
    void look() { locked l(*this); }

    // ---- the end

    void shut();
    void finish();
    bool is_over() const noexcept
    {
        return closed_ && aside_.empty() && (gone_ || (shut_ && scout_.load() == asked::nothing));
    }
    void give_up(value_type&& value) noexcept
    {
        if (hook_)
            hook_(std::move(value));
    }

    mutable std::mutex mutex_;
    undelivered_hook hook_;
    const users users_;
    const std::size_t capacity_;
    std::optional<boost::asio::io_context> home_;
    std::optional<Channel> own_;
    Channel* channel_ = nullptr;
    boost::intrusive::list<receiver> receivers_;
    boost::intrusive::list<sender> senders_;
    // Values that are no longer in the channel and not yet received; older than those in it.
    std::deque<value_type> aside_;
    std::uint64_t in_ = 0;  // values known to have been sent
    std::uint64_t out_ = 0; // values received from the queue
    bool closed_ = false;   // nothing new comes in
    bool shut_ = false;     // the channel is closed too
    bool gone_ = false;     // the queue's owner has let go

    std::atomic<asked> scout_{asked::nothing};
    std::atomic<asked> carrier_{asked::nothing};
    std::optional<value_type> scouted_; // the scout's until it says `value`
    bool scouted_counted_ = false;
    boost::asio::cancellation_signal scout_signal_;
};

} // namespace weir::detail

#include <weir/flow/detail/asio_queue/asio_queue_state_impl.hpp>
