#include <ordered.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(ordered)

namespace asio = boost::asio;
using numbers = std::vector<std::uint64_t>;

struct fixture {
    asio::io_context context;
    weir_fetch::ordered order{context.get_executor(), 3};
    unsigned entered = 0;

    /// Asks for a place; `entered` counts those that were given.
    void enter()
    {
        asio::co_spawn(
            context,
            [this]() -> asio::awaitable<void> {
                co_await order.enter();
                ++entered;
            },
            asio::detached);
        run();
    }
    void run()
    {
        context.restart();
        context.poll();
    }
    void add(std::uint64_t number)
    {
        weir_fetch::ended item;
        item.result.id = number;
        order.add(std::move(item));
    }
    /// The numbers of those that come out now.
    numbers out()
    {
        numbers all;
        while (auto item = order.next())
            all.push_back(item->result.id);
        return all;
    }
};

BOOST_FIXTURE_TEST_CASE(results_come_out_in_the_order_of_the_input, fixture)
{
    for (int i = 0; i != 3; ++i)
        enter();
    add(3);
    BOOST_TEST(out().empty());
    add(1);
    BOOST_TEST(out() == (numbers{1}), boost::test_tools::per_element());
    add(2);
    BOOST_TEST(out() == (numbers{2, 3}), boost::test_tools::per_element());
    BOOST_TEST(out().empty());
}

BOOST_FIXTURE_TEST_CASE(a_full_window_lets_one_in_for_each_that_comes_out, fixture)
{
    for (int i = 0; i != 5; ++i)
        enter();
    BOOST_TEST(entered == 3u);
    add(2);
    add(3);
    BOOST_TEST(out().empty());
    run();
    BOOST_TEST(entered == 3u); // the first is still missing
    add(1);
    BOOST_TEST(out().size() == 3u);
    run();
    BOOST_TEST(entered == 5u);
}

BOOST_FIXTURE_TEST_CASE(a_place_without_a_url_is_given_back, fixture)
{
    for (int i = 0; i != 4; ++i)
        enter();
    BOOST_TEST(entered == 3u);
    order.leave();
    run();
    BOOST_TEST(entered == 4u);
}

BOOST_FIXTURE_TEST_CASE(the_rest_comes_out_without_those_that_never_came, fixture)
{
    for (int i = 0; i != 3; ++i)
        enter();
    add(3);
    add(2);
    BOOST_TEST(out().empty());
    BOOST_TEST(order.next_of_rest()->result.id == 2u);
    BOOST_TEST(order.next_of_rest()->result.id == 3u);
    BOOST_TEST(!order.next_of_rest());
}

BOOST_AUTO_TEST_SUITE_END()
