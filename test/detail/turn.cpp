#include <weir/detail/turn.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(turn)

// A clock that goes on by a step whenever it is read.
class stepping final : public weir::detail::clock_source {
public:
    explicit stepping(weir::duration s) : step(s) {}
    weir::time_point now() const noexcept override { return at += step; }
    void wake_at(weir::detail::time_service&, weir::time_point,
                 const boost::asio::any_io_executor&) override
    {
    }
    void sleep(weir::detail::time_service&) noexcept override {}
    void shutdown(weir::detail::time_service&) noexcept override {}

    weir::duration step;
    mutable weir::time_point at{};
};

unsigned pieces_in_a_turn(weir::detail::turn& t, const weir::detail::time_service& clock)
{
    t.begin(clock);
    unsigned pieces = 1;
    while (!t.is_over(clock))
        ++pieces;
    return pieces;
}

BOOST_AUTO_TEST_CASE(fast_pieces_are_counted)
{
    boost::asio::io_context io;
    weir::detail::time_service clock(io, std::make_shared<stepping>(0ns));
    weir::detail::turn t(clock);
    BOOST_TEST(pieces_in_a_turn(t, clock) == weir::detail::turn::pieces);
    BOOST_TEST(pieces_in_a_turn(t, clock) == weir::detail::turn::pieces);
}

BOOST_AUTO_TEST_CASE(slow_pieces_end_a_turn_each)
{
    boost::asio::io_context io;
    weir::detail::time_service clock(io, std::make_shared<stepping>(10ms));
    weir::detail::turn t(clock);
    BOOST_TEST(pieces_in_a_turn(t, clock) == 1U);
    BOOST_TEST(pieces_in_a_turn(t, clock) == 1U);
}

BOOST_AUTO_TEST_CASE(after_fast_pieces_slow_ones_are_noticed_within_sixteen)
{
    boost::asio::io_context io;
    const auto source = std::make_shared<stepping>(0ns);
    weir::detail::time_service clock(io, source);
    weir::detail::turn t(clock);
    pieces_in_a_turn(t, clock);
    source->step = 10ms;
    BOOST_TEST(pieces_in_a_turn(t, clock) <= 16U);
    BOOST_TEST(pieces_in_a_turn(t, clock) == 1U);
}

BOOST_AUTO_TEST_CASE(a_turn_of_one_fast_piece_reads_no_clock_until_one_is_slow)
{
    boost::asio::io_context io;
    const auto source = std::make_shared<stepping>(0ns);
    weir::detail::time_service clock(io, source);
    weir::detail::turn t(clock);
    pieces_in_a_turn(t, clock);
    source->step = 1ns;
    for (int i = 0; i < 10; ++i) {
        t.begin(clock);
        BOOST_TEST(!t.is_over(clock));
        BOOST_TEST(!t.is_measured());
    }
    BOOST_TEST((source->at == weir::time_point{}));

    source->step = 10ms;
    pieces_in_a_turn(t, clock);
    const weir::time_point before = source->at;
    t.begin(clock);
    BOOST_TEST(t.is_measured());
    BOOST_TEST((source->at != before));
}

BOOST_AUTO_TEST_CASE(whether_pieces_are_quick_is_what_the_measured_ones_were)
{
    boost::asio::io_context io;
    const auto source = std::make_shared<stepping>(0ns);
    weir::detail::time_service clock(io, source);
    weir::detail::turn t(clock);
    pieces_in_a_turn(t, clock);
    BOOST_TEST(t.is_quick());

    // The fourteen until the next look take fifteen microseconds.
    t.begin(clock);
    t.measure(clock);
    source->step = 15us;
    for (int i = 0; i < 14; ++i)
        BOOST_TEST(!t.is_over(clock));
    BOOST_TEST(!t.is_quick());
}

BOOST_AUTO_TEST_SUITE_END()
