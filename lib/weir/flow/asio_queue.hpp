#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/flow/detail/asio_queue/asio_queue_state.hpp>
#include <weir/flow/queue.hpp>
#include <weir/sync/channel.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weir {

/// Which side of an Asio channel your code uses by plain Asio calls. The other side, and closing,
/// belong to the queue.
enum class plain_side {
    senders,   ///< `async_send` and `try_send` of the channel; the queue receives
    receivers, ///< `async_receive` and `try_receive` of the channel; the queue sends
};

/// Makes a weir queue of an Asio channel: `boost::asio::experimental::concurrent_channel` or
/// `channel` with the signature `void(error_code, T)`, on Boost 1.81 and newer. It keeps what
/// `weir::channel` promises, whatever the Boost version does when a channel is closed or cancelled.
///
/// Shape: as `channel`, without batches. The queue makes a channel of its own or uses yours. One
///        side of your channel may be used by plain Asio calls; docs/asio_channels.md says what
///        those calls can rely on. In short: never call `close` or `cancel` on that channel. Plain
///        receivers get `channel_closed` after the last value. Plain senders that wait at `close`
///        get `channel_cancelled`, later ones `channel_closed`. An error code that a plain sender
///        sends beside a value is dropped, the value is not.
/// Units: `capacity` in values. With plain receivers there is room for one more: the first value
///        that waits for room waits inside the channel, and counts as sent.
/// Threads: safe from any thread. The exception is a `channel` (not a `concurrent_channel`) with a
///          plain side: use it only on its own executor, which must be serial.
/// Lifetime: destroying the queue closes it; its buffered values go to `on_undelivered`. Your
///           channel must outlive the queue, and the channel's context must outlive the channel,
///           as Asio demands. A queue with its own channel and the contexts may go in any order
///           when the channel's executor type can be made from an `io_context`'s executor, as
///           `any_io_executor` can; with another type the queue must go first.
/// Fairness: as `channel`. Plain senders that wait go before senders that wait in the queue.
/// Memory: as Asio's channel, a `std::deque`. A waiting operation costs one allocation by its
///         handler's allocator.
///
/// `T` must move without throwing and have a default constructor, as Asio's channels demand.
template <class Channel>
class asio_queue {
    using state = detail::asio_queue_state<Channel>;
    using parts = detail::asio_channel_parts<Channel>;

public:
    using channel_type = Channel;
    using value_type = typename parts::value_type;
    using executor_type = typename Channel::executor_type;
    /// Whether the channel may be used from several threads.
    static constexpr bool is_concurrent = parts::concurrent;
    /// The side that a pool leaves to plain calls on a channel for its jobs or its outcomes.
    static constexpr plain_side plain_side_of_jobs = plain_side::senders;
    static constexpr plain_side plain_side_of_results = plain_side::receivers;
    /// Called with each value that was taken in and will never be received. Must not throw; is
    /// called outside locks, perhaps while an execution context is being destroyed.
    using undelivered_hook = std::function<void(value_type&&)>;

    static_assert(std::is_nothrow_move_constructible_v<value_type> &&
                      std::is_nothrow_destructible_v<value_type>,
                  "a queue's value type must move without throwing, or a value could be lost");
    static_assert(std::is_default_constructible_v<value_type>,
                  "Asio makes a value of its own to say closed or cancelled");

    /// Makes a channel of its own, which no other code uses.
    asio_queue(executor_type executor, std::size_t capacity,
               undelivered_hook on_undelivered = nullptr)
        : state_(std::make_shared<state>(executor, capacity, std::move(on_undelivered))),
          executor_(std::move(executor))
    {
    }

    /// Uses your `concurrent_channel`.
    asio_queue(Channel& channel, plain_side plain,
               undelivered_hook on_undelivered = nullptr) requires(parts::concurrent)
        : asio_queue(over, channel, plain, std::move(on_undelivered))
    {
    }

    /// Uses your channel. `used_from`: the executors that use the queue, such as those of a pool.
    ///
    /// Errors: throws `std::invalid_argument` when a `channel`, which is not safe between threads,
    ///         is used from an executor that is not its own.
    /// Threads: send to a `channel`, receive from it and close it on its own executor only.
    asio_queue(Channel& channel, plain_side plain,
               std::span<const boost::asio::any_io_executor> used_from,
               undelivered_hook on_undelivered = nullptr)
        : asio_queue(over, checked(channel, used_from), plain, std::move(on_undelivered))
    {
    }

    asio_queue(const asio_queue&) = delete;
    asio_queue& operator=(const asio_queue&) = delete;
    ~asio_queue() { state_->disconnect(); }

    executor_type get_executor() const noexcept { return executor_.get(); }

    /// Sends a value, waiting for room as `channel::async_send` does.
    ///
    /// Completion: `void(send_result<T>)`
    /// Errors: in the result, together with the value: `errc::closed` when the queue was closed
    ///         before the value entered; `boost::asio::error::operation_aborted` when cancelled
    ///         while waiting.
    /// Cancellation: terminal, partial and total; the value is handed back. A value that already
    ///               entered stays sent.
    /// Handler: by its associated executor, never inside this call nor inside a receive.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_send(value_type value, Token&& token = Token())
    {
        const auto start = [](const asio_queue& self, auto&& handler, value_type sent) {
            using operation = send_operation<std::decay_t<decltype(handler)>>;
            if (self.executor_.serves(handler))
                return operation::begin(std::move(handler), self.executor_.fallback(),
                                        std::shared_ptr<state>(self.state_), std::move(sent));
            self.state_->lose(std::move(sent));
        };
        return detail::initiate<void(send_result<value_type>)>(*this, token, start,
                                                               std::move(value));
    }

    /// `async_send(T(args...))` with the default token.
    template <class... Args>
    WEIR_NODISCARD_OPERATION auto async_emplace(Args&&... args)
    {
        return async_send(value_type(std::forward<Args>(args)...));
    }

    /// Receives the next value, waiting for one as `channel::async_receive` does.
    ///
    /// Completion: `void(error_code, std::optional<T>)`; empty without an error is end of stream.
    /// Errors: `boost::asio::error::operation_aborted` when cancelled while waiting.
    /// Cancellation: terminal, partial and total; takes no value.
    /// Handler: by its associated executor, never inside this call nor inside a send.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_receive(Token&& token = Token())
    {
        const auto start = [](const asio_queue& self, auto&& handler) {
            using operation = receive_operation<std::decay_t<decltype(handler)>>;
            if (self.executor_.serves(handler))
                operation::begin(std::move(handler), self.executor_.fallback(),
                                 std::shared_ptr<state>(self.state_));
        };
        return detail::initiate<void(error_code, std::optional<value_type>)>(*this, token, start);
    }

    /// Sends if there is room and no sender waits. Moves from the value only when it was sent.
    try_result try_send(value_type&& value) { return state_->try_send(value); }
    try_result try_send(const value_type& value)
    {
        value_type copy(value);
        return try_send(std::move(copy));
    }

    /// The next value, or empty when there is none now; `is_ended` says whether there can be more.
    std::optional<value_type> try_receive() { return state_->try_receive(); }

    /// Lets no new value in. May be called any number of times.
    void close() noexcept { state_->close(); }

    /// Closes, and never touches the channel again. The destructor does the same.
    void disconnect() noexcept { state_->disconnect(); }

    bool is_closed() const noexcept { return state_->is_closed(); }
    /// Closed, and every value was received, or is left to plain receivers.
    bool is_ended() const noexcept { return state_->is_ended(); }
    std::size_t capacity() const noexcept { return state_->capacity(); }
    /// How many values are buffered. Values of plain senders count only once the queue has taken
    /// them out of the channel. With plain receivers it says only whether there are any: 0 or 1.
    std::size_t size() const noexcept { return state_->size(); }
    /// How many values were ever taken in. Values of plain senders count once the queue has taken
    /// them out of the channel.
    std::uint64_t sent() const noexcept { return state_->sent(); }

private:
    template <class Handler>
    class receive_operation;
    template <class Handler>
    class send_operation;

    struct over_t {};
    static constexpr over_t over{};

    asio_queue(over_t, Channel& channel, plain_side plain, undelivered_hook on_undelivered)
        : state_(std::make_shared<state>(channel,
                                         plain == plain_side::senders ? state::users::senders
                                                                      : state::users::receivers,
                                         std::move(on_undelivered))),
          executor_(channel.get_executor())
    {
    }

    static Channel& checked(Channel& channel,
                            std::span<const boost::asio::any_io_executor> used_from);

    std::shared_ptr<state> state_;
    detail::own_executor<executor_type> executor_;
};

} // namespace weir

#include <weir/flow/detail/asio_queue/operations.hpp>
