#include <weir/flow/queue.hpp>

#include "flow/queue_kinds.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

// One suite over every queue: weir's channel, and both of Asio's channels through `asio_queue`,
// which owns the channel or leaves one side of it to plain calls.

namespace asio = boost::asio;
using namespace weir::test;

BOOST_AUTO_TEST_SUITE(queue)

using sent_int = weir::send_result<int>;

// ---- which operations there are, besides those every queue has

template <class Q>
concept sends_batches = requires(Q& q, std::span<int> values)
{
    q.try_send_n(values);
};

template <class Q>
concept receives_batches = requires(Q& q, std::vector<int>& into)
{
    q.try_receive_n(into, std::size_t());
};

template <class Q>
concept emplaces = requires(Q& q)
{
    q.async_emplace(1);
};

template <class Q>
concept tells_who_waits = requires(const Q& q)
{
    q.waiting_senders();
    q.waiting_receivers();
};

template <class Q>
concept lets_go = requires(Q& q)
{
    q.disconnect();
};

template <class Q>
constexpr bool is_weirs_channel =
    weir::queue<Q>&& emplaces<Q>&& sends_batches<Q>&& receives_batches<Q>&& tells_who_waits<Q> &&
    !lets_go<Q>;
template <class Q>
constexpr bool is_over_asios = weir::queue<Q>&& emplaces<Q> && !sends_batches<Q> &&
                               !receives_batches<Q> && !tells_who_waits<Q> && lets_go<Q>;

static_assert(is_weirs_channel<weir::channel<int>>);
static_assert(is_over_asios<weir::asio_queue<asio_channel>>);
static_assert(is_over_asios<weir::asio_queue<asio_concurrent_channel>>);
static_assert(!weir::queue<asio_channel> && !weir::queue<asio_concurrent_channel>);

// ---- waiting operations, as in support/waiting.hpp

// An empty queue: a receive has to wait.
template <class Kind>
struct empty {
    explicit empty(asio::any_io_executor executor) : queue(Kind::make(executor, 1)) {}
    template <class Handler>
    void begin(Handler handler)
    {
        queue->async_receive(std::move(handler));
    }

    decltype(Kind::make({}, 1)) queue;
};

// A full queue: a send has to wait.
template <class Kind>
struct full {
    explicit full(asio::any_io_executor executor) : queue(Kind::make(executor, 1))
    {
        BOOST_TEST(bool(queue->try_send(1)));
    }
    template <class Handler>
    void begin(Handler handler)
    {
        queue->async_send(2, std::move(handler));
    }

    decltype(Kind::make({}, 1)) queue;
};

template <class Kind>
const auto start_receive = [](asio::any_io_executor executor) { return empty<Kind>(executor); };
const auto finish_receive = [](auto& e) { BOOST_TEST(bool(e.queue->try_send(3))); };
template <class Kind>
const auto start_send = [](asio::any_io_executor executor) { return full<Kind>(executor); };
const auto finish_send = [](auto& f) { BOOST_TEST(f.queue->try_receive().value() == 1); };

BOOST_AUTO_TEST_CASE_TEMPLATE(a_receive_completes_on_the_handlers_executor, Kind, all_queues)
{
    completes_on_the_handlers_executor(start_receive<Kind>, finish_receive);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_send_completes_on_the_handlers_executor, Kind, exact_queues)
{
    completes_on_the_handlers_executor(start_send<Kind>, finish_send);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_receive_frees_its_memory_before_its_handler_runs, Kind, all_queues)
{
    frees_its_memory_before_its_handler_runs(start_receive<Kind>, finish_receive);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_send_frees_its_memory_before_its_handler_runs, Kind, exact_queues)
{
    frees_its_memory_before_its_handler_runs(start_send<Kind>, finish_send);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_receive_takes_no_value, Kind, all_queues)
{
    ends_when_cancelled(start_receive<Kind>,
                        [](weir::error_code error, const std::optional<int>& value) {
                            BOOST_TEST(error == asio::error::operation_aborted);
                            BOOST_TEST(!value.has_value());
                        });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_send_hands_the_value_back, Kind, exact_queues)
{
    ends_when_cancelled(start_send<Kind>, [](sent_int result) {
        BOOST_TEST(result.error() == asio::error::operation_aborted);
        BOOST_TEST(result.value() == 2);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_receive_cancelled_before_its_handler_ran_leaves_the_value, Kind,
                              all_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 1);
        asio::cancellation_signal signal;
        std::optional<int> first, second;
        weir::error_code error;
        queue->async_receive(asio::bind_cancellation_slot(
            signal.slot(), [&](weir::error_code e, std::optional<int> v) {
                error = e;
                first = v;
            }));
        queue->async_receive([&](weir::error_code, std::optional<int> v) { second = v; });
        s.world.run();
        BOOST_TEST(bool(queue->try_send(5)));
        signal.emit(asio::cancellation_type::total);
        s.run();
        BOOST_TEST(error == asio::error::operation_aborted);
        BOOST_TEST(!first.has_value());
        BOOST_TEST(second.value() == 5);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(any_order_of_destruction_is_clean, Kind, free_queues)
{
    weir::test::any_order_of_destruction_is_clean(start_receive<Kind>);
    weir::test::any_order_of_destruction_is_clean(start_send<Kind>);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(any_kind_of_handler_will_do, Kind, all_queues)
{
    simulation s(1);
    auto queue = Kind::make(s.a.get_executor(), 1);
    int calls = 0;
    asio::any_completion_handler<void(weir::error_code, std::optional<int>)> receive =
        [&](weir::error_code error, std::optional<int> v) { calls += !error && v == 4 ? 1 : 0; };
    queue->async_receive(std::move(receive));
    asio::any_completion_handler<void(sent_int)> send = [&](sent_int r) { calls += r ? 1 : 0; };
    queue->async_send(4, std::move(send));
    s.run();
    BOOST_TEST(calls == 2);
}

// ---- order and room

BOOST_AUTO_TEST_CASE_TEMPLATE(values_come_out_in_the_order_they_went_in, Kind, all_queues)
{
    for (const std::size_t capacity : {0, 1, 2, 7, 64})
        in_many_orders(
            [capacity](simulation& s) {
                auto queue = Kind::make(s.a.get_executor(), capacity);
                std::vector<int> got;
                s.spawn(s.a, [&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 20; ++i) {
                        const auto sent = co_await queue->async_send(i);
                        BOOST_TEST(bool(sent));
                        // One more value may be on its way to the waiting receiver.
                        BOOST_TEST(queue->size() <= capacity + (Kind::owns_all ? 0 : 1));
                    }
                    queue->close();
                });
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    while (auto value = co_await queue->async_receive())
                        got.push_back(*value);
                });
                s.run();
                BOOST_REQUIRE(got.size() == 20U);
                for (int i = 0; i < 20; ++i)
                    BOOST_TEST(got[static_cast<std::size_t>(i)] == i);
                BOOST_TEST(queue->sent() == 20U);
                BOOST_TEST(queue->is_ended());
                BOOST_TEST(queue->size() == 0U);
            },
            40);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_capacity_is_exact, Kind, exact_queues)
{
    simulation s(1);
    for (const std::size_t capacity : {1, 2, 3, 5, 8, 100}) {
        auto queue = Kind::make(s.a.get_executor(), capacity);
        BOOST_TEST(queue->capacity() == capacity);
        for (int round = 0; round < 3; ++round) {
            for (std::size_t i = 0; i < capacity; ++i)
                BOOST_TEST(bool(queue->try_send(1)));
            BOOST_TEST((queue->try_send(1).error() == weir::errc::full));
            BOOST_TEST(queue->size() == capacity);
            while (queue->try_receive()) {
            }
            BOOST_TEST(queue->size() == 0U);
        }
        BOOST_TEST(queue->sent() == 3 * capacity);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_receive_leaves_the_room_as_it_was, Kind, all_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 2);
        for (int round = 0; round < 2; ++round) {
            asio::cancellation_signal signal;
            int calls = 0;
            queue->async_receive(asio::bind_cancellation_slot(
                signal.slot(), [&](weir::error_code, std::optional<int>) { ++calls; }));
            s.world.run();
            signal.emit(asio::cancellation_type::terminal);
            s.world.run();
            BOOST_TEST(calls == 1);
            BOOST_TEST(bool(queue->try_send(1)));
            BOOST_TEST(bool(queue->try_send(2)));
            BOOST_TEST(!queue->try_send(3));
            BOOST_TEST(queue->try_receive().value() == 1);
            BOOST_TEST(queue->try_receive().value() == 2);
            BOOST_TEST(!queue->try_receive());
        }
        s.run();
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_a_buffer_a_send_waits_until_its_value_is_taken, Kind,
                              exact_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 0);
        BOOST_TEST((queue->try_send(1).error() == weir::errc::full)); // no receiver waits
        bool sent = false;
        queue->async_send(7, [&](sent_int r) { sent = bool(r); });
        s.world.run();
        BOOST_TEST(!sent);
        BOOST_TEST(queue->try_receive().value() == 7);
        s.world.run();
        BOOST_TEST(sent);
        // A value goes to a waiting receiver without waiting itself.
        std::optional<int> got;
        queue->async_receive([&](weir::error_code, std::optional<int> v) { got = v; });
        s.world.run();
        BOOST_TEST(bool(queue->try_send(8)));
        s.run();
        BOOST_TEST(got.value() == 8);
        BOOST_TEST(queue->sent() == 2U);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(waiting_senders_take_new_room_in_order_before_newcomers, Kind,
                              exact_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 1);
        BOOST_TEST(bool(queue->try_send(0)));
        int settled = 0;
        for (int i = 1; i <= 3; ++i)
            queue->async_send(i, [&](sent_int r) { settled += r ? 1 : 0; });
        for (int i = 0; i <= 3; ++i) {
            BOOST_TEST(!queue->try_send(9));
            BOOST_TEST(queue->try_receive().value() == i);
            s.world.run();
            BOOST_TEST(settled == std::min(i + 1, 3));
        }
        s.run();
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(receivers_are_served_in_line, Kind, all_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 1);
        std::vector<int> got(3, -1);
        for (std::size_t i = 0; i < 3; ++i)
            queue->async_receive(
                [&got, i](weir::error_code, std::optional<int> v) { got[i] = *v; });
        s.world.run();
        for (int i = 0; i < 3; ++i)
            queue->async_send(i, [](sent_int r) { BOOST_TEST(bool(r)); });
        s.run();
        BOOST_TEST(got == (std::vector<int>{0, 1, 2}), boost::test_tools::per_element());
    });
}

// Three receivers have been given a value each and are cancelled before they see it, in any order;
// the values go on to others as they came.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_cancelled_receivers_were_given_keeps_its_order, Kind,
                              exact_queues)
{
    std::vector<std::size_t> order = {0, 1, 2};
    do {
        in_many_orders(
            [&order](simulation& s) {
                auto queue = Kind::make(s.a.get_executor(), 4);
                std::array<asio::cancellation_signal, 3> signals;
                std::vector<int> got;
                for (auto& signal : signals)
                    queue->async_receive(asio::bind_cancellation_slot(
                        signal.slot(), [&](weir::error_code, std::optional<int> value) {
                            if (value)
                                got.push_back(*value);
                        }));
                for (int i = 1; i <= 4; ++i)
                    BOOST_TEST(bool(queue->try_send(int(i))));
                for (const std::size_t i : order)
                    signals[i].emit(asio::cancellation_type::terminal);
                s.world.run(); // they end in any order too
                queue->close();
                s.spawn([&]() -> asio::awaitable<void> {
                    while (auto value = co_await queue->async_receive())
                        got.push_back(*value);
                });
                s.run();
                BOOST_TEST(got == (std::vector<int>{1, 2, 3, 4}), boost::test_tools::per_element());
                BOOST_TEST(queue->size() == 0U);
            },
            20);
    } while (std::next_permutation(order.begin(), order.end()));
}

BOOST_AUTO_TEST_SUITE_END()
