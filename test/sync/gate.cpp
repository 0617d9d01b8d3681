#include <weir/sync/gate.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <utility>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(gate)

// A gate that is not empty.
struct entered {
    explicit entered(asio::any_io_executor executor)
        : gate(std::make_unique<weir::gate>(executor)), pass(gate->try_enter())
    {
    }
    template <class Handler>
    void begin(Handler handler)
    {
        gate->async_close(std::move(handler));
    }

    std::unique_ptr<weir::gate> gate;
    weir::pass pass;
};

const auto start = [](asio::any_io_executor executor) { return entered(executor); };
const auto finish = [](entered& e) { e.pass.leave(); };

BOOST_AUTO_TEST_CASE(closing_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start, finish);
}

BOOST_AUTO_TEST_CASE(closing_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start, finish);
}

BOOST_AUTO_TEST_CASE(a_cancelled_close_is_aborted)
{
    weir::test::ends_when_cancelled(
        start, [](weir::error_code error) { BOOST_TEST(error == asio::error::operation_aborted); });
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    weir::test::any_order_of_destruction_is_clean(start);
}

BOOST_AUTO_TEST_CASE(a_closed_gate_refuses_entry)
{
    weir::test::simulation s(1);
    weir::gate gate(s.a.get_executor());
    weir::pass first = gate.try_enter();
    weir::pass second = std::move(first);
    BOOST_TEST(!first);
    BOOST_TEST(bool(second));
    BOOST_TEST(gate.inside() == 1U);
    gate.close();
    BOOST_TEST(!gate.try_enter());
    BOOST_TEST(gate.is_closed());
    second = weir::pass();
    BOOST_TEST(gate.inside() == 0U);
}

BOOST_AUTO_TEST_CASE(closing_an_empty_gate_completes_but_not_inside_the_call)
{
    weir::test::simulation s(1);
    weir::gate gate(s.a.get_executor());
    bool closed = false;
    gate.async_close([&](weir::error_code error) { closed = !error; });
    BOOST_TEST(!closed);
    BOOST_TEST(gate.is_closed());
    s.run();
    BOOST_TEST(closed);
}

BOOST_AUTO_TEST_CASE(a_pass_may_outlive_its_gate)
{
    weir::test::simulation s(1);
    auto e = std::make_unique<entered>(s.a.get_executor());
    weir::pass left = std::move(e->pass);
    e.reset();
    left.leave();
    BOOST_TEST(!left);
}

BOOST_AUTO_TEST_SUITE_END()
