#pragma once

#include <weir/error.hpp>
#include <weir/sync/channel.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace weir {
namespace detail {

/// A handler for the operations of a queue: the concept asks whether they take it.
template <class T>
struct queue_handler {
    void operator()(send_result<T>) const;
    void operator()(error_code, std::optional<T>) const;
};

} // namespace detail

/// What a pool needs of the queues it takes jobs from and puts outcomes into. `channel` is such a
/// queue; `asio_queue` makes one of Asio's experimental channels.
///
/// Shape: bounded, first in, first out, between any number of senders and receivers.
///        `async_send(value, token)` completes with `void(send_result<T>)`,
///        `async_receive(token)` with `void(error_code, std::optional<T>)`, empty without an error
///        at the end of the stream. After `close` no value enters: waiting senders complete with
///        `errc::closed` and get their value back, buffered values are still received, and then
///        every receive is end of stream. `sent` never falls.
/// Completion: a send succeeds only when the value is received, or still in the queue, or given to
///             the queue's hook for undelivered values. A send that fails hands the value back.
/// Cancellation: terminal, partial and total. A cancelled send hands its value back, a cancelled
///               receive takes none. An operation that has succeeded stays successful.
/// Handler: by its associated executor, never inside a call on the queue.
///
/// A concept checks names and types only; one suite of tests over every queue checks the rest.
template <class Q>
concept queue = requires(Q& q, const Q& c, typename Q::value_type value,
                         detail::queue_handler<typename Q::value_type> handler)
{
    typename Q::executor_type;
    {
        c.get_executor()
        } -> std::convertible_to<typename Q::executor_type>;
    q.async_send(std::move(value), handler);
    q.async_receive(handler);
    {
        q.try_send(std::move(value))
        } -> std::same_as<try_result>;
    {
        q.try_receive()
        } -> std::same_as<std::optional<typename Q::value_type>>;
    {
        q.close()
    }
    noexcept;
    {
        c.is_closed()
    }
    noexcept->std::same_as<bool>;
    {
        c.is_ended()
    }
    noexcept->std::same_as<bool>;
    {
        c.capacity()
    }
    noexcept->std::same_as<std::size_t>;
    {
        c.size()
    }
    noexcept->std::same_as<std::size_t>;
    {
        c.sent()
    }
    noexcept->std::same_as<std::uint64_t>;
};

} // namespace weir
