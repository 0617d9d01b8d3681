#include <weir/sync/channel.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::errc;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(channel_ends)

using ints = weir::channel<int>;
using sent_int = weir::send_result<int>;

template <class Handle>
concept sends = requires(Handle& h)
{
    h.try_send(1);
};
template <class Handle>
concept receives = requires(Handle& h)
{
    h.try_receive();
};
template <class Handle>
concept closes = requires(Handle& h)
{
    h.close();
};

BOOST_AUTO_TEST_CASE(an_end_can_do_only_its_side)
{
    using sender = weir::channel_sender<int>;
    using receiver = weir::channel_receiver<int>;
    static_assert(sends<sender> && !receives<sender> && !closes<sender>);
    static_assert(!sends<receiver> && receives<receiver> && !closes<receiver>);
    simulation s(1);
    ints values(s.a.get_executor(), 4);
    sender in = values.sender();
    receiver out = values.receiver();
    BOOST_TEST((in.get_executor() == asio::any_io_executor(s.a.get_executor())));
    BOOST_TEST((out.get_executor() == asio::any_io_executor(s.a.get_executor())));
    BOOST_TEST(bool(in.try_send(1)));
    std::vector<int> more = {2, 3};
    BOOST_TEST(in.try_send_n(more) == 2U);
    in.try_reserve().send(4);
    BOOST_TEST(!in.try_send(5));
    BOOST_TEST(out.try_receive().value() == 1);
    std::vector<int> got;
    BOOST_TEST(out.try_receive_n(got, 9) == 3U);
    BOOST_TEST(got == (std::vector<int>{2, 3, 4}), boost::test_tools::per_element());
    BOOST_TEST(!out.is_ended());
    BOOST_TEST(!in.is_closed());
}

BOOST_AUTO_TEST_CASE(the_last_sender_closes_the_channel)
{
    in_many_orders([](simulation& s) {
        ints values(s.a.get_executor(), 2);
        std::vector<int> got;
        const auto send = [&s](weir::channel_sender<int> in, int first) -> asio::awaitable<void> {
            for (int i = 0; i < 3; ++i) {
                co_await weir::async_sleep_for(s.b.get_executor(), 1ms);
                const auto sent = co_await in.async_send(first + i);
                BOOST_TEST(bool(sent));
            }
        };
        {
            const weir::channel_sender<int> in = values.sender();
            for (const int first : {10, 20, 30})
                s.spawn(s.b, [in, first, &send] { return send(in, first); });
        }
        s.spawn([&, out = values.receiver()]() mutable -> asio::awaitable<void> {
            while (auto value = co_await out.async_receive())
                got.push_back(*value);
            BOOST_TEST(out.is_ended());
        });
        s.run();
        BOOST_TEST(got.size() == 9U);
    });
}

BOOST_AUTO_TEST_CASE(the_last_receiver_closes_the_channel_and_what_is_buffered_goes_to_the_hook)
{
    simulation s(1);
    std::vector<int> lost;
    ints values(s.a.get_executor(), 2, [&lost](int&& v) { lost.push_back(v); });
    weir::channel_sender<int> in = values.sender();
    weir::channel_receiver<int> out = values.receiver();
    weir::channel_receiver<int> copy = out;
    auto place = in.try_reserve();
    BOOST_TEST(bool(in.try_send(1)));
    std::optional<int> back;
    weir::error_code error;
    in.async_send(2, [&](sent_int r) {
        error = r.error();
        back = r.value();
    });
    out.release();
    BOOST_TEST(!out);
    BOOST_TEST(!values.is_closed());
    BOOST_TEST(lost.empty());
    copy = weir::channel_receiver<int>();
    BOOST_TEST(values.is_closed());
    BOOST_TEST(lost == (std::vector<int>{1}), boost::test_tools::per_element());
    place.send(3); // cannot fail, and no receiver will come
    BOOST_TEST(lost == (std::vector<int>{1, 3}), boost::test_tools::per_element());
    s.world.run();
    BOOST_TEST((error == errc::closed));
    BOOST_TEST(back.value() == 2);
    BOOST_TEST((in.try_send(4).error() == errc::closed));
    BOOST_TEST(values.is_ended());
}

BOOST_AUTO_TEST_CASE(a_channel_itself_is_no_end)
{
    simulation s(1);
    ints values(s.a.get_executor(), 2);
    BOOST_TEST(bool(values.try_send(1)));
    BOOST_TEST(!values.is_closed()); // no sender was ever asked for
    {
        const auto in = values.sender();
    }
    BOOST_TEST(values.is_closed()); // though the channel is there
    BOOST_TEST((values.try_send(2).error() == errc::closed));
    BOOST_TEST(values.try_receive().value() == 1);
}

BOOST_AUTO_TEST_CASE(an_end_asked_for_after_the_last_has_gone_is_closed)
{
    simulation s(1);
    ints values(s.a.get_executor(), 2);
    values.sender().release();
    auto late = values.sender();
    BOOST_TEST(late.is_closed());
    BOOST_TEST((late.try_send(1).error() == errc::closed));
    ints others(s.a.get_executor(), 2);
    auto in = others.sender();
    others.receiver().release();
    auto out = others.receiver();
    BOOST_TEST(out.is_ended());
    BOOST_TEST(!out.try_receive());
    BOOST_TEST((in.try_send(1).error() == errc::closed));
}

BOOST_AUTO_TEST_CASE(an_end_that_is_moved_or_assigned_over_is_counted_once)
{
    simulation s(1);
    ints values(s.a.get_executor(), 2), others(s.a.get_executor(), 2);
    auto first = values.sender();
    auto& same = first;
    first = std::move(same);
    BOOST_TEST(bool(first));
    first = same;
    BOOST_TEST(!values.is_closed());
    auto second = std::move(first);
    first = second;
    second.release();
    BOOST_TEST(!values.is_closed());
    first = others.sender();
    BOOST_TEST(values.is_closed());
    BOOST_TEST(!others.is_closed());
}

BOOST_AUTO_TEST_CASE(an_end_may_outlive_its_channel)
{
    simulation s(1);
    auto values = std::make_unique<ints>(s.a.get_executor(), 2);
    auto in = values->sender();
    auto out = values->receiver();
    BOOST_TEST(bool(in.try_send(1)));
    values.reset();
    BOOST_TEST((in.try_send(2).error() == errc::closed));
    BOOST_TEST(out.is_ended());
}

// A strand must not be kept past its context, so an end drops it then.
BOOST_AUTO_TEST_CASE(an_end_may_outlive_its_executors_context)
{
    auto io = std::make_unique<asio::io_context>(1);
    ints values(asio::make_strand(*io), 2);
    auto in = values.sender();
    auto out = values.receiver();
    const auto copy = out;
    BOOST_TEST(bool(in.try_send(1)));
    io.reset();
    BOOST_TEST((in.try_send(2).error() == errc::closed));
    BOOST_TEST(out.try_receive().value() == 1);
    BOOST_TEST(copy.is_ended());
}

// An operation that has begun is no end: it goes on without its handle.
BOOST_AUTO_TEST_CASE(a_wait_whose_handle_has_gone_sees_the_end)
{
    in_many_orders([](simulation& s) {
        ints values(s.a.get_executor(), 1);
        int ended = 0;
        auto in = values.sender();
        values.receiver().async_receive([&](weir::error_code error, std::optional<int> value) {
            BOOST_TEST(!error);
            BOOST_TEST(!value);
            ++ended;
        });
        s.run();
        BOOST_TEST(ended == 1);
        BOOST_TEST(in.is_closed());
    });
}

BOOST_AUTO_TEST_CASE(a_coroutine_destroyed_with_its_context_is_an_end_no_more)
{
    simulation s(1);
    auto away = std::make_unique<weir::sim::context>(s.world);
    ints values(s.a.get_executor(), 1);
    bool ended = false;
    away->spawn([&away, in = values.sender()]() mutable -> asio::awaitable<void> {
        co_await weir::async_sleep_for(away->get_executor(), 1h);
        (void)co_await in.async_send(1);
    });
    s.spawn([&]() -> asio::awaitable<void> {
        const auto value = co_await values.async_receive();
        ended = !value;
    });
    for (int i = 0; i < 10; ++i)
        if (!ended && s.world.now() == s.world.began())
            s.world.run_one();
    away.reset();
    s.world.run();
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(cancelled_operations_of_an_end_do_as_those_of_the_channel)
{
    in_many_orders([](simulation& s) {
        ints values(s.a.get_executor(), 1);
        auto in = values.sender();
        auto out = values.receiver();
        asio::cancellation_signal receiving, sending;
        weir::error_code received, sent;
        int back = 0;
        out.async_receive(asio::bind_cancellation_slot(
            receiving.slot(), [&](weir::error_code e, std::optional<int>) { received = e; }));
        receiving.emit(asio::cancellation_type::terminal);
        s.run();
        BOOST_TEST(bool(in.try_send(1)));
        in.async_send(2, asio::bind_cancellation_slot(sending.slot(), [&](sent_int r) {
                          sent = r.error();
                          back = r.value();
                      }));
        sending.emit(asio::cancellation_type::terminal);
        s.run();
        BOOST_TEST((received == asio::error::operation_aborted));
        BOOST_TEST((sent == asio::error::operation_aborted));
        BOOST_TEST(back == 2);
        BOOST_TEST(values.size() == 1U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
