#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(wait)

BOOST_AUTO_TEST_CASE(a_sleep_takes_its_time_and_no_more)
{
    in_many_orders([](simulation& s) {
        std::vector<weir::time_point> woke;
        for (int i = 3; i > 0; --i)
            s.spawn([&, i]() -> asio::awaitable<void> {
                co_await weir::async_sleep_for(s.a.get_executor(), i * 1s);
                woke.push_back(s.world.now());
                co_await weir::async_sleep_until(s.a.get_executor(), s.world.now() - 1h);
            });
        s.run();
        BOOST_TEST(woke.size() == 3U);
        for (int i = 0; i < 3; ++i)
            BOOST_TEST((woke[static_cast<std::size_t>(i)] == weir::time_point{} + (i + 1) * 1s));
    });
}

BOOST_AUTO_TEST_CASE(a_sleep_that_is_over_at_once_still_completes_later)
{
    simulation s(1);
    bool called = false;
    weir::async_sleep_for(s.a.get_executor(), 0s, [&](weir::error_code error) { called = !error; });
    BOOST_TEST(!called);
    s.run();
    BOOST_TEST(called);
}

struct asleep {
    explicit asleep(asio::any_io_executor e) : executor(e) {}
    template <class Handler>
    void begin(Handler handler)
    {
        weir::async_sleep_for(executor, 24h, std::move(handler));
    }
    asio::any_io_executor executor;
};

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    weir::test::any_order_of_destruction_is_clean(
        [](asio::any_io_executor executor) { return asleep(executor); },
        weir::test::own_strand::must_not_be);
}

BOOST_AUTO_TEST_CASE(a_cancelled_sleep_is_aborted_at_once)
{
    using type = asio::cancellation_type;
    for (const type kind : {type::terminal, type::partial, type::total})
        in_many_orders([&](simulation& s) {
            asio::cancellation_signal signal;
            weir::test::allocations count;
            std::optional<weir::error_code> got;
            const auto handler = [&](weir::error_code error) {
                BOOST_TEST(count.alive == 0U);
                got = error;
            };
            weir::async_sleep_for(
                s.a.get_executor(), 1h,
                asio::bind_allocator(weir::test::counting_allocator<void>(count),
                                     asio::bind_cancellation_slot(signal.slot(), handler)));
            BOOST_TEST(count.made == 1U);
            signal.emit(kind);
            BOOST_TEST(!got.has_value());
            s.run();
            BOOST_REQUIRE(got.has_value());
            BOOST_TEST(*got == asio::error::operation_aborted);
            BOOST_TEST((s.elapsed() == 0s));
        });
}

BOOST_AUTO_TEST_CASE(an_io_context_whose_last_wait_was_cancelled_runs_out_of_work)
{
    asio::io_context io;
    asio::cancellation_signal signal;
    std::optional<weir::error_code> got;
    weir::async_sleep_for(
        io.get_executor(), 24h,
        asio::bind_cancellation_slot(signal.slot(), [&](weir::error_code e) { got = e; }));
    io.poll();
    BOOST_TEST(!got.has_value());
    signal.emit(asio::cancellation_type::terminal);
    io.run(); // would take a day, if the timer stayed armed
    BOOST_TEST((got.value() == asio::error::operation_aborted));
}

BOOST_AUTO_TEST_SUITE_END()
