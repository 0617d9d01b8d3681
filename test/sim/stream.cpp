#include <weir/sim/stream.hpp>

#include <weir/sim/context.hpp>
#include <weir/sim/world.hpp>

#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::sim::stream;
using weir::sim::stream_options;
using weir::sim::stream_pair;
using weir::test::in_every_order;
using weir::test::in_many_orders;
using weir::test::simulation;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

// Both ends, kept where their operations look for them.
struct connection {
    explicit connection(simulation& s, const stream_options& options = stream_options())
        : ends(stream_pair(s.a, s.b, options))
    {
    }
    stream& first() { return ends.first; }
    stream& second() { return ends.second; }

    std::pair<stream, stream> ends;
};

asio::awaitable<std::string> read_all(stream& from, weir::error_code& end)
{
    std::string all;
    const auto result = co_await asio::async_read(from, asio::dynamic_buffer(all), quietly);
    end = std::get<0>(result);
    co_return all;
}

std::string text_of(std::size_t length)
{
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
        text += static_cast<char>('a' + i % 26);
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(stream_pair_in_memory)

BOOST_AUTO_TEST_CASE(bytes_arrive_in_order_however_they_are_cut)
{
    for (const stream_options& options :
         {stream_options(), stream_options().chunk(7), stream_options().delay(1ms, 9ms),
          stream_options().delay(0ms, 1s).chunk(3).buffer(10)})
        in_many_orders(
            [&](simulation& s) {
                connection c(s, options);
                const std::string sent = text_of(500);
                std::string received;
                weir::error_code end;
                s.spawn(s.a, [&]() -> asio::awaitable<void> {
                    co_await asio::async_write(c.first(), asio::buffer(sent), asio::use_awaitable);
                    c.first().close();
                });
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    received = co_await read_all(c.second(), end);
                });
                s.run();
                BOOST_TEST(received == sent);
                BOOST_TEST(end == asio::error::eof);
            },
            50);
}

BOOST_AUTO_TEST_CASE(both_directions_are_independent_and_lines_can_be_read)
{
    in_many_orders([](simulation& s) {
        connection c(s, stream_options().chunk(4).delay(0ms, 10ms));
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            std::string line;
            for (int i = 0; i < 3; ++i) {
                const std::size_t length = co_await asio::async_read_until(
                    c.second(), asio::dynamic_buffer(line), '\n', asio::use_awaitable);
                co_await asio::async_write(c.second(), asio::buffer(line, length),
                                           asio::use_awaitable);
                line.erase(0, length);
            }
        });
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            const std::string lines = "one\ntwo\nthree\n";
            co_await asio::async_write(c.first(), asio::buffer(lines), asio::use_awaitable);
            std::string echo(lines.size(), ' ');
            co_await asio::async_read(c.first(), asio::buffer(echo), asio::use_awaitable);
            BOOST_TEST(echo == lines);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(bytes_take_their_time)
{
    std::set<weir::duration> lengths;
    in_many_orders([&](simulation& s) {
        connection c(s, stream_options().delay(100ms, 500ms));
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await c.first().async_write_some(asio::buffer("x", 1), asio::use_awaitable);
            BOOST_TEST((s.elapsed() == 0ms));
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            char byte = 0;
            co_await c.second().async_read_some(asio::buffer(&byte, 1), asio::use_awaitable);
            lengths.insert(s.elapsed());
        });
        s.run();
    });
    const std::set<weir::duration> five = {100ms, 200ms, 300ms, 400ms, 500ms};
    BOOST_TEST((lengths == five));
}

BOOST_AUTO_TEST_CASE(every_way_to_cut_is_explored)
{
    std::set<std::string> cuts;
    in_every_order([&](simulation& s) {
        auto ends = stream_pair(s.a, s.a, stream_options().chunk(3));
        std::string cut;
        bool written = false;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await asio::async_write(ends.first, asio::buffer("abc", 3), asio::use_awaitable);
            written = true;
            ends.first.close();
            char bytes[3];
            for (;;) {
                const auto result =
                    co_await ends.second.async_read_some(asio::buffer(bytes), quietly);
                if (std::get<0>(result))
                    break;
                cut += std::string(bytes, std::get<1>(result)) + '|';
            }
        });
        s.run();
        BOOST_REQUIRE(written);
        cuts.insert(cut);
    });
    const std::set<std::string> all = {"a|b|c|", "a|bc|", "ab|c|", "abc|"};
    BOOST_TEST(cuts == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_write_waits_for_room)
{
    in_many_orders([](simulation& s) {
        connection c(s, stream_options().buffer(4));
        bool written = false;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await asio::async_write(c.first(), asio::buffer("abcdef", 6), asio::use_awaitable);
            written = true;
        });
        s.world.run();
        BOOST_TEST(!written);
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            char bytes[6];
            co_await asio::async_read(c.second(), asio::buffer(bytes), asio::use_awaitable);
            BOOST_TEST(std::string(bytes, 6) == "abcdef");
        });
        s.run();
        BOOST_TEST(written);
    });
}

BOOST_AUTO_TEST_CASE(shutting_down_one_direction_leaves_the_other)
{
    in_many_orders([](simulation& s) {
        connection c(s);
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            c.first().shutdown_send();
            char byte = 0;
            auto late = co_await c.first().async_write_some(asio::buffer(&byte, 1), quietly);
            BOOST_TEST(std::get<0>(late) == asio::error::broken_pipe);
            co_await c.first().async_read_some(asio::buffer(&byte, 1), asio::use_awaitable);
            BOOST_TEST(byte == 'y');
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            weir::error_code end;
            const std::string nothing = co_await read_all(c.second(), end);
            BOOST_TEST(nothing.empty());
            BOOST_TEST(end == asio::error::eof);
            co_await c.second().async_write_some(asio::buffer("y", 1), asio::use_awaitable);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_write_to_a_closed_peer_fails_with_broken_pipe)
{
    in_many_orders([](simulation& s) {
        connection c(s, stream_options().buffer(1));
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            const auto result =
                co_await asio::async_write(c.first(), asio::buffer("abc", 3), quietly);
            BOOST_TEST(std::get<0>(result) == asio::error::broken_pipe);
            BOOST_TEST(std::get<1>(result) <= 1U);
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            c.second().close();
            BOOST_TEST(!c.second().is_open());
            char byte = 0;
            const auto read = co_await c.second().async_read_some(asio::buffer(&byte, 1), quietly);
            BOOST_TEST(std::get<0>(read) == asio::error::bad_descriptor);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(closing_an_end_aborts_what_waits_there)
{
    in_many_orders([](simulation& s) {
        connection c(s);
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            char byte = 0;
            const auto read = co_await c.first().async_read_some(asio::buffer(&byte, 1), quietly);
            BOOST_TEST(std::get<0>(read) == asio::error::operation_aborted);
        });
        s.world.run();
        asio::post(s.a.get_executor(), [&] { c.first().close(); });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_reset_at_any_step_is_seen_by_both_ends)
{
    bool whole = false;
    bool lost = false;
    in_every_order([&](simulation& s) {
        connection c(s);
        weir::error_code errors[2];
        const auto talk = [&](stream& end, weir::error_code& error) -> asio::awaitable<void> {
            std::string text = "ping";
            auto result = co_await asio::async_write(end, asio::buffer(text), quietly);
            if (!std::get<0>(result))
                result = co_await asio::async_read(end, asio::buffer(text), quietly);
            error = std::get<0>(result);
        };
        s.spawn(s.a, [&] { return talk(c.first(), errors[0]); });
        s.spawn(s.b, [&] { return talk(c.second(), errors[1]); });
        s.world.at_some_step([&] { c.first().reset(); });
        s.run();
        for (const weir::error_code& error : errors) {
            BOOST_REQUIRE((!error || error == asio::error::connection_reset));
            (error ? lost : whole) = true;
        }
    });
    BOOST_TEST(whole);
    BOOST_TEST(lost);
}

BOOST_AUTO_TEST_CASE(a_moved_end_goes_on_and_a_destroyed_one_is_closed)
{
    simulation s(1);
    connection c(s);
    auto moved = std::make_unique<stream>(std::move(c.first()));
    BOOST_TEST(!c.first().is_open());
    s.spawn(s.b, [&]() -> asio::awaitable<void> {
        weir::error_code end;
        BOOST_TEST((co_await read_all(c.second(), end)) == "x");
        BOOST_TEST(end == asio::error::eof);
    });
    s.spawn(s.a, [&]() -> asio::awaitable<void> {
        co_await moved->async_write_some(asio::buffer("x", 1), asio::use_awaitable);
        moved.reset();
    });
    s.run();
}

BOOST_AUTO_TEST_CASE(nothing_to_move_completes_at_once)
{
    simulation s(1);
    connection c(s);
    s.spawn([&]() -> asio::awaitable<void> {
        BOOST_TEST((co_await c.first().async_read_some(asio::mutable_buffer(),
                                                       asio::use_awaitable)) == 0U);
        BOOST_TEST(
            (co_await c.first().async_write_some(asio::const_buffer(), asio::use_awaitable)) == 0U);
    });
    s.run();
}

BOOST_AUTO_TEST_CASE(a_cancelled_read_or_write_moves_nothing)
{
    for (const bool reads : {true, false})
        in_every_order([reads](simulation& s) {
            connection c(s, stream_options().buffer(1));
            asio::cancellation_signal signal;
            bool cancelled = false;
            s.spawn(s.a, [&]() -> asio::awaitable<void> {
                char byte = 'x';
                auto token = asio::bind_cancellation_slot(signal.slot(), quietly);
                co_await c.first().async_write_some(asio::buffer("a", 1), asio::use_awaitable);
                weir::error_code error;
                if (reads)
                    error = std::get<0>(
                        co_await c.first().async_read_some(asio::buffer(&byte, 1), token));
                else
                    error = std::get<0>(
                        co_await c.first().async_write_some(asio::buffer("b", 1), token));
                BOOST_REQUIRE((!error || error == asio::error::operation_aborted));
                cancelled = bool(error);
                c.first().close();
            });
            std::string got;
            s.spawn(s.b, [&]() -> asio::awaitable<void> {
                weir::error_code end;
                if (reads)
                    co_await c.second().async_write_some(asio::buffer("c", 1), quietly);
                got = co_await read_all(c.second(), end);
            });
            s.a.at_some_step([&] { signal.emit(asio::cancellation_type::total); });
            s.run();
            BOOST_REQUIRE(got == (reads || cancelled ? "a" : "ab"));
        });
}

BOOST_AUTO_TEST_CASE(an_operation_of_a_context_that_is_gone_is_dropped)
{
    weir::sim::world w(1);
    auto a = std::make_unique<weir::sim::context>(w);
    weir::sim::context b(w);
    auto ends = stream_pair(*a, b, stream_options().delay(1s, 1s));
    auto alive = std::make_shared<int>(0);
    char byte = 0;
    ends.first.async_read_some(asio::buffer(&byte, 1),
                               [alive](weir::error_code, std::size_t) { ++*alive; });
    a.reset();
    BOOST_TEST(alive.use_count() == 1);
    ends.second.async_write_some(asio::buffer("x", 1), [](weir::error_code, std::size_t) {});
    w.run_to_end();
    BOOST_TEST(*alive == 0);
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused)
{
    BOOST_CHECK_THROW(stream_options().chunk(0), std::invalid_argument);
    BOOST_CHECK_THROW(stream_options().buffer(0), std::invalid_argument);
    BOOST_CHECK_THROW(stream_options().delay(2s, 1s), std::invalid_argument);
    BOOST_CHECK_THROW(stream_options().delay(-1s, 1s), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
