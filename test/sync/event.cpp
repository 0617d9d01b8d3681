#include <weir/sync/event.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(event)

struct pending {
    explicit pending(asio::any_io_executor e) : executor(e) {}
    template <class Handler>
    void begin(Handler handler)
    {
        event.async_wait(executor, std::move(handler));
    }

    asio::any_io_executor executor;
    weir::event event;
};

const auto start = [](asio::any_io_executor executor) { return pending(executor); };
const auto finish = [](pending& p) { p.event.set(); };

BOOST_AUTO_TEST_CASE(a_wait_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start, finish);
}

BOOST_AUTO_TEST_CASE(a_wait_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start, finish);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_is_aborted)
{
    weir::test::ends_when_cancelled(
        start, [](weir::error_code error) { BOOST_TEST(error == asio::error::operation_aborted); });
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    weir::test::any_order_of_destruction_is_clean(start, weir::test::own_strand::must_not_be);
}

BOOST_AUTO_TEST_CASE(it_happens_once)
{
    weir::test::simulation s(1);
    weir::event event;
    const weir::event same = event;
    BOOST_TEST(!same.is_set());
    BOOST_TEST(event.set());
    BOOST_TEST(!event.set());
    BOOST_TEST(same.is_set());
    bool told = false;
    event.async_wait(s.a.get_executor(), [&](weir::error_code error) { told = !error; });
    s.run();
    BOOST_TEST(told);
}

BOOST_AUTO_TEST_SUITE_END()
