#pragma once

// The queues that one suite of tests runs over.

#include <weir/flow/asio_queue.hpp>
#include <weir/flow/queue.hpp>
#include <weir/sync/channel.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/mp11/list.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace weir::test {

using asio_channel = boost::asio::experimental::channel<void(error_code, int)>;
using asio_concurrent_channel =
    boost::asio::experimental::concurrent_channel<void(error_code, int)>;
using int_hook = std::function<void(int&&)>;

/// A queue, and the Asio channel below it unless the queue owns that.
template <class Queue, class Below = int>
struct made {
    Queue& operator*() const { return *queue; }
    Queue* operator->() const { return queue.get(); }

    std::unique_ptr<Below> below;
    std::unique_ptr<Queue> queue; // goes first
};

/// A queue that uses no channel of others: it and the contexts may go in any order.
template <class Queue>
struct alone {
    using queue = Queue;
    static constexpr bool owns_all = true;

    static made<Queue> make(boost::asio::any_io_executor executor, std::size_t capacity,
                            int_hook hook = nullptr)
    {
        return {nullptr, std::make_unique<Queue>(executor, capacity, std::move(hook))};
    }
};

/// A queue over an Asio channel that has a plain side.
template <class Channel, plain_side Side>
struct over {
    using queue = asio_queue<Channel>;
    static constexpr bool owns_all = false;

    static made<queue, Channel> make(boost::asio::any_io_executor executor, std::size_t capacity,
                                     int_hook hook = nullptr)
    {
        auto below = std::make_unique<Channel>(executor, capacity);
        const std::array<boost::asio::any_io_executor, 1> users = {executor};
        auto on_top = std::make_unique<queue>(*below, Side, users, std::move(hook));
        return {std::move(below), std::move(on_top)};
    }
};

using weir_channel = alone<channel<int>>;
using own_channel = alone<asio_queue<asio_channel>>;
using own_concurrent = alone<asio_queue<asio_concurrent_channel>>;
using under_senders = over<asio_channel, plain_side::senders>;
using under_concurrent_senders = over<asio_concurrent_channel, plain_side::senders>;
using under_receivers = over<asio_channel, plain_side::receivers>;
using under_concurrent_receivers = over<asio_concurrent_channel, plain_side::receivers>;

/// For what every queue does.
using all_queues =
    boost::mp11::mp_list<weir_channel, own_channel, own_concurrent, under_senders,
                         under_concurrent_senders, under_receivers, under_concurrent_receivers>;
/// Those without plain receivers: they know their room and their values exactly.
using exact_queues = boost::mp11::mp_list<weir_channel, own_channel, own_concurrent, under_senders,
                                          under_concurrent_senders>;
/// Those that may outlive their contexts.
using free_queues = boost::mp11::mp_list<weir_channel, own_channel, own_concurrent>;

} // namespace weir::test
