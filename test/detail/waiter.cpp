#include <weir/detail/waiter.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(waiter)

class plain final : public weir::detail::waiter {
public:
    template <class Executor>
    plain(const Executor& executor, std::vector<char>& log)
        : weir::detail::waiter(executor), log_(log)
    {
    }
    using weir::detail::waiter::enlist;

private:
    void resumed() override { end('r'); }
    void dropped() noexcept override { end('d'); }
    void context_shutdown() noexcept override { end('s'); }
    void end(char how)
    {
        log_.push_back(how);
        delete this;
    }

    std::vector<char>& log_;
};

BOOST_AUTO_TEST_CASE(it_ends_once_resumed_dropped_or_with_its_context)
{
    std::vector<char> log;
    {
        asio::io_context io;
        (new plain(io.get_executor(), log))->wake();
        BOOST_TEST(log.empty());
        io.run();
        BOOST_TEST(log == (std::vector<char>{'r'}), boost::test_tools::per_element());
        (new plain(io.get_executor(), log))->wake(); // never run
        auto* parked = new plain(io.get_executor(), log);
        BOOST_TEST(parked->enlist());
    }
    BOOST_TEST(log == (std::vector<char>{'r', 's', 'd'}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(it_keeps_its_executor_busy_until_it_has_ended)
{
    asio::io_context io;
    const asio::any_io_executor executors[] = {
        io.get_executor(), asio::make_strand(io.get_executor()),
        asio::make_strand(asio::any_io_executor(io.get_executor()))};
    for (const auto& executor : executors) {
        std::vector<char> log;
        auto* w = new plain(executor, log);
        BOOST_TEST(w->enlist());
        io.poll();
        BOOST_TEST(!io.stopped());
        w->wake();
        io.run();
        BOOST_TEST(log.size() == 1U);
        BOOST_TEST(io.stopped());
        io.restart();
    }
}

BOOST_AUTO_TEST_SUITE_END()
