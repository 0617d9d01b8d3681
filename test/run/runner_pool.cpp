#include <weir/run/runner_pool.hpp>

#include <weir/sync/event.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <stdexcept>
#include <vector>

BOOST_AUTO_TEST_SUITE(runner_pool)

BOOST_AUTO_TEST_CASE(no_runners_are_refused)
{
    BOOST_CHECK_THROW(weir::runner_pool(0), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(the_default_is_at_least_one)
{
    BOOST_TEST(weir::runner_pool::default_size() >= 1U);
}

BOOST_AUTO_TEST_CASE(executors_are_handed_out_in_turn)
{
    weir::runner_pool runners(2);
    const auto first = runners.get_executor();
    const auto second = runners.get_executor();
    BOOST_TEST((first != second));
    BOOST_TEST((runners.get_executor() == first));
    BOOST_TEST(runners.executors().size() == 2U);
    BOOST_CHECK_THROW(runners.executor(2), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(contexts_of_yours_are_there_and_each_once)
{
    boost::asio::io_context io(1);
    using contexts = std::vector<boost::asio::io_context*>;
    BOOST_CHECK_THROW(weir::runner_pool(contexts{}), std::invalid_argument);
    BOOST_CHECK_THROW(weir::runner_pool(contexts{&io, nullptr}), std::invalid_argument);
    BOOST_CHECK_THROW(weir::runner_pool(contexts{&io, &io}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(any_threads_may_run_a_context_again_once_the_pool_has_gone)
{
    boost::asio::io_context io;
    {
        weir::runner_pool runners(std::vector<boost::asio::io_context*>{&io});
    }
    io.restart();
    int called = 0;
    weir::event happened;
    for (int i = 0; i < 2; ++i)
        happened.async_wait(io.get_executor(), [&](weir::error_code) { ++called; });
    happened.set();
    io.poll_one(); // a handler each: another thread may take the next one
    BOOST_TEST(called == 1);
    io.poll();
    BOOST_TEST(called == 2);
}

BOOST_AUTO_TEST_CASE(options_that_mean_nothing_are_refused)
{
    weir::runner_pool_options options;
    BOOST_TEST(options.runners() == weir::runner_pool::default_size());
    BOOST_CHECK_THROW(options.runners(0), std::invalid_argument);
    BOOST_CHECK_THROW(options.poll_first(-std::chrono::nanoseconds(1)), std::invalid_argument);
    BOOST_CHECK_THROW(options.pin_to({}), std::invalid_argument);
    BOOST_TEST(!options.pins());
    BOOST_TEST(options.pin().pins());
}

BOOST_AUTO_TEST_SUITE_END()
