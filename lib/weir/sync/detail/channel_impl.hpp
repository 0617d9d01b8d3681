#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/channel_ends.hpp>
#include <weir/sync/detail/channel_operations.hpp>

#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

// The bodies of `channel`'s members.

namespace weir {

namespace detail {

/// Batches, for pools.
struct channel_access {
    /// Sends up to `most` values where there is room, and returns how many, which may be fewer than
    /// there is room for. `give(i)` makes the i-th value, and must not throw.
    template <class T, class Executor, class Give>
    static std::size_t try_give(channel<T, Executor>& to, std::size_t most, Give&& give) noexcept
    {
        return to.state_->core.try_push_some(most, give);
    }

    /// Passes up to `most` values that are there now to `take(T&&)`, which must not throw, and
    /// returns how many.
    template <class T, class Executor, class Take>
    static std::size_t try_take(channel<T, Executor>& from, std::size_t most, Take&& take) noexcept
    {
        return from.state_->core.try_pop(most, take);
    }

    /// As `async_receive`, without throwing, and for less code than `as_tuple` takes.
    /// Completion: `void(received<T>)`
    template <class T, class Executor>
    static auto async_receive(channel<T, Executor>& from)
    {
        default_token<Executor> token;
        return from.template receive_into<void(received<T>)>(whole_value<T>(), time_point::max(),
                                                             token);
    }

    /// As `async_send_until`, for a handler that is ready to be called.
    template <class T, class Executor, class Handler>
    static void start_send(const channel<T, Executor>& to, time_point deadline, T&& value,
                           Handler&& handler)
    {
        using operation = send_operation<T, std::decay_t<Handler>, Executor>;
        if (to.executor_.serves(handler))
            return operation::begin_at(deadline, std::move(handler), to.executor_.fallback(),
                                       std::shared_ptr<channel_state<T>>(to.state_),
                                       std::move(value));
        to.state_->core.taken_over();
        to.state_->lose(std::move(value));
    }
};

} // namespace detail

template <class T, class Executor>
channel<T, Executor>::channel(executor_type executor, std::size_t capacity, overflow when_full,
                              undelivered_hook on_undelivered)
    : state_(std::make_shared<state>(checked(capacity), checked(when_full),
                                     std::move(on_undelivered))),
      executor_(std::move(executor), state_,
                [](void* own) noexcept { static_cast<state*>(own)->core.close(); })
{
}

template <class T, class Executor>
channel<T, Executor>::channel(executor_type executor, std::size_t capacity,
                              undelivered_hook on_undelivered)
    : channel(std::move(executor), capacity, overflow::wait, std::move(on_undelivered))
{
}

template <class T, class Executor>
overflow channel<T, Executor>::checked(overflow rule)
{
    if (rule == overflow::caller_runs)
        throw std::invalid_argument(
            "weir::channel: overflow::caller_runs is for pools: a channel has no job to run");
    return rule;
}

template <class T, class Executor>
std::size_t channel<T, Executor>::checked(std::size_t capacity)
{
    if (capacity > max_capacity)
        throw std::invalid_argument("weir::channel: the capacity is above max_capacity");
    return capacity;
}

// ---- sending

template <class T, class Executor>
template <class Token>
auto channel<T, Executor>::async_send(T value, Token&& token)
{
    return async_send_until(time_point::max(), std::move(value), std::forward<Token>(token));
}

template <class T, class Executor>
template <class Token>
auto channel<T, Executor>::async_send_until(time_point deadline, T value, Token&& token)
{
    const auto start = [deadline](const channel& self, auto&& handler, T own) {
        detail::channel_access::start_send(self, deadline, std::move(own), std::move(handler));
    };
    return detail::initiate<void(send_result<T>)>(*this, token, start, std::move(value));
}

template <class T, class Executor>
template <class... Args>
auto channel<T, Executor>::async_emplace(Args&&... args)
{
    return async_send(T(std::forward<Args>(args)...));
}

template <class T, class Executor>
template <class Token>
auto channel<T, Executor>::async_reserve(Token&& token)
{
    const auto start = [](const channel& self, auto&& handler) {
        using operation = detail::reserve_operation<T, std::decay_t<decltype(handler)>, Executor>;
        if (self.executor_.serves(handler))
            operation::begin_at(time_point::max(), std::move(handler), self.executor_.fallback(),
                                std::shared_ptr<state>(self.state_));
    };
    return detail::initiate<void(error_code, reservation)>(*this, token, start);
}

template <class T, class Executor>
channel_reservation<T> channel<T, Executor>::try_reserve()
{
    if (capacity() != 0 && state_->core.try_reserve() == detail::attempt_result::done)
        return reservation(state_);
    return reservation();
}

template <class T, class Executor>
inline try_result channel<T, Executor>::try_send(T&& value)
{
    switch (state_->offer(value)) {
    case detail::attempt_result::done:
        return {};
    case detail::attempt_result::closed:
        return errc::closed;
    default:
        return errc::full;
    }
}

template <class T, class Executor>
inline try_result channel<T, Executor>::try_send(const T& value)
{
    T copy(value);
    return try_send(std::move(copy));
}

template <class T, class Executor>
inline std::size_t channel<T, Executor>::try_send_n(std::span<T> values)
{
    std::size_t count = state_->core.try_push_some(values.data(), values.size());
    while (count < values.size() && try_send(std::move(values[count])))
        ++count;
    return count;
}

// ---- receiving

template <class T, class Executor>
template <class Signature, class Sink, class Token>
auto channel<T, Executor>::receive_into(Sink sink, time_point deadline, Token& token)
{
    const auto start = [deadline](const channel& self, auto&& handler, Sink own) {
        using operation =
            detail::receive_operation<T, Sink, std::decay_t<decltype(handler)>, Executor>;
        if (self.executor_.serves(handler))
            operation::begin_at(deadline, std::move(handler), self.executor_.fallback(),
                                std::shared_ptr<state>(self.state_), std::move(own));
    };
    return detail::initiate<Signature>(*this, token, start, std::move(sink));
}

template <class T, class Executor>
template <class Token>
auto channel<T, Executor>::async_receive(Token&& token)
{
    return async_receive_until(time_point::max(), std::forward<Token>(token));
}

template <class T, class Executor>
template <class Token>
auto channel<T, Executor>::async_receive_until(time_point deadline, Token&& token)
{
    return receive_into<void(error_code, std::optional<T>)>(detail::one_value<T>(), deadline,
                                                            token);
}

template <class T, class Executor>
template <class Token>
auto channel<T, Executor>::async_receive_some(std::vector<T>& into, std::size_t most, Token&& token)
{
    if (most == 0)
        throw std::invalid_argument("weir::channel: at least one value must be asked for");
    // A large request costs no more memory than there may be values.
    most = detail::at_most(most, capacity());
    return receive_into<void(error_code, std::size_t)>(detail::some_values<T>(into, most),
                                                       time_point::max(), token);
}

template <class T, class Executor>
inline std::optional<T> channel<T, Executor>::try_receive()
{
    std::optional<T> value;
    state_->core.try_pop(1, [&value](T&& v) { value.emplace(std::move(v)); });
    return value;
}

template <class T, class Executor>
inline std::size_t channel<T, Executor>::try_receive_n(std::vector<T>& into, std::size_t most)
{
    most = detail::at_most(most, size());
    detail::some_values<T> sink(into, most);
    return state_->core.try_pop(most, sink);
}

// ---- counted ends

template <class T, class Executor>
channel_sender<T, Executor> channel<T, Executor>::sender()
{
    return channel_sender<T, Executor>(
        std::shared_ptr<channel>(new channel(state_, executor_.get())));
}

template <class T, class Executor>
channel_receiver<T, Executor> channel<T, Executor>::receiver()
{
    return channel_receiver<T, Executor>(
        std::shared_ptr<channel>(new channel(state_, executor_.get())));
}

} // namespace weir
