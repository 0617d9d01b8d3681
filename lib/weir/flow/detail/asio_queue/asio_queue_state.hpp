#pragma once

#include <weir/detail/list.hpp>
#include <weir/error.hpp>
#include <weir/flow/detail/asio_queue/channel_parts.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// Which side of the Asio channel other code uses by plain Asio calls.
enum class asio_channel_users { neither, senders, receivers };

/// The shared state of an `asio_queue`, whose buffer is an Asio channel.
///
/// A queue that has the channel to itself calls only `try_send` and `try_receive`, which do the
/// same on every version. Senders and receivers that wait do so in lists of this object, each
/// sender with its value, so that closing and cancelling hand the value back, whatever the channel
/// does with its own waiters.
///
/// Where plain senders use the channel, a *scout* learns of their values: one receive that waits in
/// the channel on behalf of all receivers of the queue. Where plain receivers use it, the *carrier*
/// learns of room: one send that waits in the channel. Its value counts as sent, because it could
/// not be handed back.
///
/// `close` closes the channel and keeps what it holds. The queue then takes that out, or leaves it
/// to plain receivers.
///
/// Threads: any thread; everything is under one mutex, and the channel's own lock is only taken
///          inside it. An operation of Asio's leaves its answer in an atomic when it completes, and
///          posts a function that looks at the answer.
template <class Channel>
class asio_queue_state : public std::enable_shared_from_this<asio_queue_state<Channel>> {
public:
    using value_type = typename asio_channel_parts<Channel>::value_type;
    using executor_type = typename Channel::executor_type;
    using undelivered_hook = std::function<void(value_type&&)>;
    using users = asio_channel_users;

    struct node : list_node<> {
        /// The wait is over. Called once, outside the lock; not called after `leave` returned true.
        virtual void settled() noexcept = 0;

        bool waits = false; // in one of the lists

    protected:
        ~node() = default;
    };

    /// Settled with a value, or without one at the end of the stream.
    struct receiver : node {
        std::optional<value_type> value;
        std::uint64_t turn = 0; // of the value, among all that were given to receivers

    protected:
        ~receiver() = default;
    };

    /// Settled with its value sent, or with the value still here when the queue was closed.
    struct sender : node {
        explicit sender(value_type&& v) noexcept : value(std::move(v)) {}
        value_type value;
        bool sent = false;

    protected:
        ~sender() = default;
    };

    /// Makes a channel of its own.
    asio_queue_state(const executor_type& executor, std::size_t capacity, undelivered_hook hook)
        : hook_(std::move(hook)), users_(users::neither), capacity_(capacity)
    {
        // No operation ever waits in the channel, so it can use a context of its own, which lives
        // as long as this object.
        if constexpr (std::is_constructible_v<executor_type,
                                              boost::asio::io_context::executor_type>)
            own_.emplace(executor_type(home_.emplace(1).get_executor()), capacity);
        else
            own_.emplace(executor, capacity);
        channel_ = &*own_;
    }

    /// Uses the owner's channel, of which plain calls use one side.
    asio_queue_state(Channel& channel, users plain, undelivered_hook hook)
        : hook_(std::move(hook)), users_(plain), capacity_(channel.capacity()), channel_(&channel)
    {
    }

    /// No error, `full` or `closed`. Moves from the value only when it was sent.
    errc try_send(value_type& value)
    {
        locked l(*this);
        return put(value, l.woken);
    }

    std::optional<value_type> try_receive()
    {
        locked l(*this);
        std::optional<value_type> value;
        std::uint64_t turn = 0;
        take(value, turn, l.woken);
        return value;
    }

    void start(receiver& r)
    {
        locked l(*this);
        wait(receivers_, r); // a value goes to the receivers before it first
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

    /// True: it was waiting, and will not be settled.
    bool leave(receiver& r) { return leave(receivers_, r); }
    bool leave(sender& s) { return leave(senders_, s); }

    /// The receiver is gone: the next receiver gets its value, if it was given one.
    void put_back(std::optional<value_type>&& value, std::uint64_t turn)
    {
        if (!value)
            return;
        locked l(*this);
        --out_;
        returned_.emplace(turn, std::move(*value));
    }

    /// The sender of this value is gone before the value was sent: it goes to the hook.
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

    /// Closes, and never touches the channel again. Values that were not received go to the hook,
    /// except those that plain receivers can still take out of their channel.
    void disconnect()
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
    using woken_list = list<node>;
    /// What became of an operation in the channel.
    enum class progress : int { none, waits, received, refused, closed };

    class scout_handler;
    class carrier_handler;

    /// The lock. Before it is released, values, room and the end are passed on to waiters; after
    /// that the woken waiters are settled.
    class locked {
    public:
        explicit locked(asio_queue_state& state) : state_(state), lock_(state.mutex_) {}
        locked(const locked&) = delete;
        locked& operator=(const locked&) = delete;
        ~locked();

        woken_list woken;

    private:
        asio_queue_state& state_;
        std::unique_lock<std::mutex> lock_;
    };

    // ---- waiting

    template <class List, class Node>
    static void wait(List& waiting, Node& n)
    {
        n.waits = true;
        waiting.push_back(n);
    }

    template <class List>
    static void wake_first(List& waiting, woken_list& woken)
    {
        node& n = waiting.pop_front();
        n.waits = false;
        woken.push_back(n);
    }

    template <class List, class Node>
    bool leave(List& waiting, Node& n)
    {
        locked l(*this);
        if (!n.waits)
            return false;
        n.waits = false;
        waiting.erase(n);
        return true;
    }

    // ---- values, under the lock

    errc put(value_type& value, woken_list& woken);
    bool push(value_type& value);
    bool take(std::optional<value_type>& into, std::uint64_t& turn, woken_list& woken);
    bool pull(std::optional<value_type>& into);
    void drain();
    /// After any change: passes values to waiting receivers, room to waiting senders, and the end
    /// to both.
    void settle(woken_list& woken);
    void serve(woken_list& woken);
    void refill(woken_list& woken);

    // ---- the operations that wait in the channel

    void send_scout();
    void recall_scout();
    /// Takes the answer of the scout, if it has one. False: it still waits in the channel.
    bool answer();
    void carry(woken_list& woken);
    bool scout_is_out() const noexcept { return scout_.load() == progress::waits; }
    bool carrier_is_out() const noexcept { return carrier_.load() == progress::waits; }
    void look() { locked l(*this); }

    // ---- the end

    void shut();
    void finish();
    bool is_over() const noexcept
    {
        return closed_ && returned_.empty() && aside_.empty() &&
               (gone_ || (shut_ && scout_.load() == progress::none));
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
    list<receiver> receivers_;
    list<sender> senders_;
    // Values that left the channel and were not received yet; older than those in it.
    std::deque<value_type> aside_;
    // Values that came back from receivers that went: older still, in the order they were given.
    std::map<std::uint64_t, value_type> returned_;
    std::uint64_t given_ = 0; // values given to receivers, for the first time each
    std::uint64_t in_ = 0;    // values known to have been sent
    std::uint64_t out_ = 0;   // values received from the queue
    bool closed_ = false;     // no new value enters
    bool shut_ = false;       // the channel is closed too
    bool gone_ = false;       // the channel may not be touched

    std::atomic<progress> scout_{progress::none};
    std::atomic<progress> carrier_{progress::none};
    std::optional<value_type> scouted_; // written by the scout until it says `received`
    bool scouted_counted_ = false;
    boost::asio::cancellation_signal scout_signal_;
};

} // namespace weir::detail

#include <weir/flow/detail/asio_queue/asio_queue_state_impl.hpp>
