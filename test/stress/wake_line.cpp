#include <weir/detail/wait_operation.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(stress_wake_line)

constexpr int wakers = 3;

struct account {
    std::array<int, wakers> resumed{}; // of each waker, on the context's thread only
    int out_of_order = 0;
    std::atomic<int> dropped{0};
};

// Every hundredth throws.
class numbered final : public weir::detail::waiter {
public:
    numbered(asio::io_context& io, account& a, int from, int number)
        : weir::detail::waiter(io.get_executor()), account_(a),
          from_(static_cast<std::size_t>(from)), number_(number)
    {
    }
    using weir::detail::waiter::enlist;

private:
    void resumed() override
    {
        int& last = account_.resumed[from_];
        account_.out_of_order += last == number_ ? 0 : 1;
        ++last;
        const bool throws = number_ % 100 == 99;
        delete this;
        if (throws)
            throw std::runtime_error("one of a hundred");
    }
    void dropped() noexcept override
    {
        ++account_.dropped;
        delete this;
    }
    void context_shutdown() noexcept override {} // all have been woken

    account& account_;
    const std::size_t from_;
    const int number_;
};

void wake_many(asio::io_context& io, account& a, int from, int many)
{
    for (int i = 0; i < many; ++i) {
        auto* const w = new numbered(io, a, from, i);
        if (w->enlist())
            w->wake();
        if (i % 64 == 0)
            std::this_thread::yield(); // the line is empty now and then
    }
}

BOOST_AUTO_TEST_CASE(no_waiter_is_lost_when_woken_while_others_resume)
{
    const weir::test::watchdog guard;
    constexpr int many = 20'000;
    asio::io_context io(1);
    weir::detail::only_one_thread(io);
    auto work = asio::make_work_guard(io);
    account a;
    int thrown = 0;
    std::thread runner([&] {
        for (;;) {
            try {
                io.run();
                return;
            } catch (const std::runtime_error&) {
                ++thrown;
            }
        }
    });
    std::vector<std::thread> threads;
    for (int from = 0; from < wakers; ++from)
        threads.emplace_back([&, from] { wake_many(io, a, from, many); });
    for (std::thread& t : threads)
        t.join();
    work.reset();
    runner.join();
    for (const int resumed : a.resumed)
        BOOST_TEST(resumed == many);
    BOOST_TEST(a.out_of_order == 0);
    BOOST_TEST(a.dropped == 0);
    BOOST_TEST(thrown == wakers * many / 100);
}

// Stopped in the middle: every waiter was either resumed or dropped.
BOOST_AUTO_TEST_CASE(a_context_that_goes_with_a_line_drops_the_rest)
{
    const weir::test::watchdog guard;
    constexpr int many = 400;
    for (int round = 0; round < 50; ++round) {
        account a;
        {
            asio::io_context io(1);
            weir::detail::only_one_thread(io);
            auto work = asio::make_work_guard(io);
            std::thread runner([&] {
                while (!io.stopped()) {
                    try {
                        io.run();
                    } catch (const std::runtime_error&) {
                    }
                }
            });
            std::thread waker([&] { wake_many(io, a, 0, many); });
            wake_many(io, a, 1, round * 8);
            io.stop();
            runner.join();
            waker.join();
        }
        BOOST_TEST(a.resumed[0] + a.resumed[1] + a.dropped == many + round * 8);
        BOOST_TEST(a.out_of_order == 0);
    }
}

BOOST_AUTO_TEST_SUITE_END()
