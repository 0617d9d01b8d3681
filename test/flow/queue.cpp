#include <weir/flow/queue.hpp>

#include "flow/queue_kinds.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

// One suite over every queue: weir's channel, and both of Asio's through `asio_queue`, with a
// channel of its own and over one whose other side may be used by plain calls.

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
    q.let_go();
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

// Nothing in it: a receive has to wait.
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

// No room in it: a send has to wait.
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
                        // One more may be on its way to the receiver that waits.
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
        BOOST_TEST((queue->try_send(1).error() == weir::errc::full)); // nobody there
        bool sent = false;
        queue->async_send(7, [&](sent_int r) { sent = bool(r); });
        s.world.run();
        BOOST_TEST(!sent);
        BOOST_TEST(queue->try_receive().value() == 7);
        s.world.run();
        BOOST_TEST(sent);
        // A receiver that waits can be given a value without waiting.
        std::optional<int> got;
        queue->async_receive([&](weir::error_code, std::optional<int> v) { got = v; });
        s.world.run();
        BOOST_TEST(bool(queue->try_send(8)));
        s.run();
        BOOST_TEST(got.value() == 8);
        BOOST_TEST(queue->sent() == 2U);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(senders_come_in_as_room_appears_and_nobody_overtakes, Kind,
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

// ---- close

BOOST_AUTO_TEST_CASE_TEMPLATE(close_delivers_what_is_buffered_and_hands_back_what_is_not, Kind,
                              exact_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 2);
        BOOST_TEST(bool(queue->try_send(1)));
        BOOST_TEST(bool(queue->try_send(2)));
        std::optional<int> back;
        weir::error_code error;
        queue->async_send(3, [&](sent_int r) {
            error = r.error();
            back = r.value();
        });
        queue->close();
        BOOST_TEST(queue->is_closed());
        BOOST_TEST(!queue->is_ended());
        s.world.run();
        BOOST_TEST((error == weir::errc::closed));
        BOOST_TEST(back.value() == 3);
        BOOST_TEST((queue->try_send(4).error() == weir::errc::closed));
        queue->async_send(5, [&](sent_int r) {
            error = r.error();
            back = r.value();
        });
        s.world.run();
        BOOST_TEST(back.value() == 5);
        std::vector<int> got;
        s.spawn([&]() -> asio::awaitable<void> {
            while (auto value = co_await queue->async_receive())
                got.push_back(*value);
        });
        s.run();
        BOOST_TEST(got == (std::vector<int>{1, 2}), boost::test_tools::per_element());
        BOOST_TEST(queue->is_ended());
        BOOST_TEST(queue->sent() == 2U);
        queue->close(); // any number of times
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_receiver_sees_the_end_of_the_stream_once, Kind, all_queues)
{
    for (const std::size_t capacity : {0, 1, 3})
        in_many_orders(
            [capacity](simulation& s) {
                auto queue = Kind::make(s.a.get_executor(), capacity);
                int ends = 0;
                int values = 0;
                const auto until_end = [&]() -> asio::awaitable<void> {
                    while (const auto value = co_await queue->async_receive())
                        values += value ? 1 : 0;
                    ++ends;
                };
                s.spawn(s.a, until_end);
                s.spawn(s.b, until_end);
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 5; ++i) {
                        const auto sent = co_await queue->async_send(i);
                        BOOST_TEST(bool(sent));
                    }
                    queue->close();
                });
                s.run();
                s.spawn(s.b, until_end); // it comes late
                s.run();
                BOOST_TEST(ends == 3);
                BOOST_TEST(values == 5);
                BOOST_TEST(!queue->try_receive());
            },
            60);
}

// ---- destruction

BOOST_AUTO_TEST_CASE_TEMPLATE(destroying_it_is_closing_it_and_what_is_left_goes_to_the_hook, Kind,
                              exact_queues)
{
    in_many_orders([](simulation& s) {
        std::vector<int> lost;
        std::optional<int> back;
        auto queue = Kind::make(s.a.get_executor(), 2, [&](int&& value) { lost.push_back(value); });
        BOOST_TEST(bool(queue->try_send(1)));
        BOOST_TEST(bool(queue->try_send(2)));
        queue->async_send(3, [&](sent_int r) { back = r.value(); });
        queue.queue.reset();
        s.run();
        BOOST_TEST(lost == (std::vector<int>{1, 2}), boost::test_tools::per_element());
        BOOST_TEST(back.value() == 3);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(destroying_it_wakes_receivers_with_the_end_of_the_stream, Kind,
                              all_queues)
{
    in_many_orders([](simulation& s) {
        auto queue = Kind::make(s.a.get_executor(), 2);
        int ends = 0;
        for (int i = 0; i < 2; ++i)
            queue->async_receive([&](weir::error_code error, std::optional<int> v) {
                ends += !error && !v ? 1 : 0;
            });
        s.world.run();
        queue.queue.reset();
        s.run();
        BOOST_TEST(ends == 2);
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_value_whose_sender_is_destroyed_goes_to_the_hook, Kind,
                              exact_queues)
{
    weir::sim::world w(1);
    weir::sim::context b(w);
    std::vector<int> lost;
    auto queue = Kind::make(b.get_executor(), 1, [&](int&& value) { lost.push_back(value); });
    BOOST_TEST(bool(queue->try_send(1)));
    {
        weir::sim::context a(w);
        queue->async_send(2, asio::bind_executor(a.get_executor(), [](sent_int) {}));
        w.run();
    }
    BOOST_TEST(lost == (std::vector<int>{2}), boost::test_tools::per_element());
    BOOST_TEST(queue->sent() == 2U);
    BOOST_TEST(queue->size() == 1U);
    BOOST_TEST(queue->try_receive().value() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_receiver_destroyed_while_it_waits_takes_nothing, Kind, all_queues)
{
    weir::sim::world w(1);
    weir::sim::context b(w);
    auto queue = Kind::make(b.get_executor(), 1);
    {
        weir::sim::context a(w);
        const auto never = [](weir::error_code, std::optional<int>) { BOOST_ERROR("called"); };
        queue->async_receive(asio::bind_executor(a.get_executor(), never));
        w.run();
    }
    BOOST_TEST(bool(queue->try_send(5)));
    w.run();
    BOOST_TEST(queue->try_receive().value() == 5);
    BOOST_TEST(w.outstanding() == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_completion_that_is_destroyed_gives_the_value_to_the_next, Kind,
                              all_queues)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        weir::sim::world w(seed);
        auto a = std::make_unique<weir::sim::context>(w);
        weir::sim::context b(w);
        auto queue = Kind::make(b.get_executor(), 1);
        std::optional<int> got;
        const auto never = [](weir::error_code, std::optional<int>) { BOOST_ERROR("called"); };
        const auto keep = [&](weir::error_code, std::optional<int> v) { got = v; };
        queue->async_receive(asio::bind_executor(a->get_executor(), never));
        queue->async_receive(asio::bind_executor(b.get_executor(), keep));
        w.run();
        BOOST_TEST(bool(queue->try_send(5))); // for the first, on a
        a.reset();
        w.run();
        BOOST_TEST(got.value() == 5);
    }
}

// ---- all at once

// Law 2 as a sum: sent = received + handed back + hook, under cancels and close at random.
template <class Kind>
void nothing_is_lost(simulation& s, std::size_t capacity)
{
    std::vector<int> seen(40, 0);
    int sent = 0, back = 0, hooked = 0, ended = 0, ends = 0, cut = 0;
    auto queue = Kind::make(s.a.get_executor(), capacity, [&](int&& v) {
        ++hooked;
        ++seen[static_cast<std::size_t>(v)];
    });
    const auto token = asio::as_tuple(asio::use_awaitable);
    std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
    std::vector<bool> started; // Boost 1.81 loses a coroutine cancelled before that
    const auto spawn = [&](weir::sim::context& where, auto body) {
        started.push_back(false);
        signals.push_back(std::make_unique<asio::cancellation_signal>());
        asio::co_spawn(where.get_executor(), std::move(body),
                       asio::bind_cancellation_slot(signals.back()->slot(),
                                                    [&](std::exception_ptr) { ++ended; }));
    };
    for (int sender = 0; sender < 4; ++sender)
        spawn(sender % 2 == 0 ? s.a : s.b, [&, sender]() -> asio::awaitable<void> {
            co_await asio::this_coro::throw_if_cancelled(false);
            started[static_cast<std::size_t>(sender)] = true;
            for (int i = 0; i < 10; ++i) {
                const int value = sender * 10 + i;
                auto result = co_await queue->async_send(value, token);
                sent_int& r = std::get<0>(result);
                if (r) {
                    ++sent;
                } else {
                    ++back;
                    BOOST_TEST(r.value() == value);
                    ++seen[static_cast<std::size_t>(r.value())];
                }
            }
        });
    for (int receiver = 0; receiver < 3; ++receiver)
        spawn(receiver % 2 == 0 ? s.a : s.b, [&, receiver]() -> asio::awaitable<void> {
            co_await asio::this_coro::throw_if_cancelled(false);
            started[static_cast<std::size_t>(4 + receiver)] = true;
            for (;;) {
                auto got = co_await queue->async_receive(token);
                if (!std::get<1>(got)) {
                    ++(std::get<0>(got) ? cut : ends);
                    break;
                }
                ++seen[static_cast<std::size_t>(*std::get<1>(got))];
            }
        });
    std::mt19937_64 random(s.world.seed());
    const int close_at = static_cast<int>(random() % 250);
    for (int step = 0; s.world.run_one(); ++step) {
        const std::size_t victim = random() % signals.size();
        if (random() % 40 == 0 && started[victim])
            signals[victim]->emit(asio::cancellation_type::terminal);
        if (step == close_at)
            queue->close();
    }
    queue->close();
    s.world.run();
    while (const std::optional<int> value = queue->try_receive()) // all receivers were cut short
        ++seen[static_cast<std::size_t>(*value)];
    s.world.run();
    BOOST_TEST(queue->is_ended());
    BOOST_TEST(queue->sent() == static_cast<std::uint64_t>(sent));
    queue.queue.reset();
    s.world.run();
    int accounted = 0;
    for (const int count : seen) {
        BOOST_TEST(count <= 1);
        accounted += count;
    }
    BOOST_TEST(accounted == sent + back);
    BOOST_TEST(hooked == 0); // nobody was destroyed, and all was taken out
    BOOST_TEST(ended == 7);
    BOOST_TEST(ends + cut == 3);
    BOOST_TEST(s.world.outstanding() == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_is_lost_and_nothing_comes_twice, Kind, all_queues)
{
    for (const std::size_t capacity : {0, 1, 2, 3})
        in_many_orders([capacity](simulation& s) { nothing_is_lost<Kind>(s, capacity); }, 250);
}

BOOST_AUTO_TEST_SUITE_END()
