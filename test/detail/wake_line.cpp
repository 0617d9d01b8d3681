// Where one thread runs a context, wake-ups wait in one line and are resumed together.
#include <weir/detail/waiter.hpp>

#include "support/custom_executor.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(wake_line)

// Logs how each waiter ended: a letter for the way, then its own letter.
class lettered final : public weir::detail::waiter {
public:
    lettered(asio::io_context& io, std::string& log, char letter,
             std::function<void()> then = nullptr)
        : lettered(io.get_executor(), log, letter, std::move(then))
    {
    }
    template <class Executor>
    requires(!std::derived_from<Executor, asio::io_context>)
        lettered(const Executor& executor, std::string& log, char letter,
                 std::function<void()> then = nullptr)
        : weir::detail::waiter(executor), log_(log), letter_(letter), then_(std::move(then))
    {
        BOOST_TEST(enlist());
    }

    void wake_up()
    {
        woken_ = true;
        wake();
    }

private:
    void resumed() override { end('r'); }
    void dropped() noexcept override { end('d'); }
    void context_shutdown() noexcept override
    {
        if (!woken_)
            end('s');
    }
    void end(char how)
    {
        log_ += how;
        log_ += letter_;
        const auto then = std::move(then_);
        delete this;
        if (then)
            then();
    }

    std::string& log_;
    const char letter_;
    std::function<void()> then_;
    bool woken_ = false;
};

struct one_thread : asio::io_context {
    one_thread() : asio::io_context(1) { weir::detail::only_one_thread(*this); }
};

BOOST_AUTO_TEST_CASE(woken_waiters_resume_in_order_in_one_handler_outside_the_call)
{
    one_thread io;
    std::string log;
    for (const char letter : {'a', 'b', 'c'})
        (new lettered(io, log, letter))->wake_up();
    BOOST_TEST(log.empty());
    BOOST_TEST(io.poll_one() == 1U);
    BOOST_TEST(log == "rarbrc");
    BOOST_TEST(io.poll() == 0U);
    BOOST_TEST(io.stopped()); // no waiter: there is no work
}

BOOST_AUTO_TEST_CASE(a_waiter_woken_by_another_resumes_behind_the_rest)
{
    one_thread io;
    std::string log;
    auto* const c = new lettered(io, log, 'c');
    auto* const d = new lettered(io, log, 'd');
    (new lettered(io, log, 'a', [c, d] {
        c->wake_up();
        d->wake_up();
    }))->wake_up();
    (new lettered(io, log, 'b'))->wake_up();
    io.run();
    BOOST_TEST(log == "rarbrcrd");
}

BOOST_AUTO_TEST_CASE(the_line_is_begun_anew_once_it_was_empty)
{
    one_thread io;
    std::string log;
    for (const char letter : {'a', 'b', 'c'}) {
        (new lettered(io, log, letter))->wake_up();
        io.run();
        io.restart();
    }
    BOOST_TEST(log == "rarbrc");
}

BOOST_AUTO_TEST_CASE(what_one_throws_leaves_the_rest_in_line_for_the_next_run)
{
    one_thread io;
    std::string log;
    auto* const e = new lettered(io, log, 'e');
    (new lettered(io, log, 'a', [e] { e->wake_up(); }))->wake_up();
    (new lettered(io, log, 'b', [] { throw std::runtime_error("b"); }))->wake_up();
    (new lettered(io, log, 'c', [] { throw std::runtime_error("c"); }))->wake_up();
    (new lettered(io, log, 'd'))->wake_up();
    BOOST_CHECK_THROW(io.run(), std::runtime_error);
    BOOST_TEST(log == "rarb");
    (new lettered(io, log, 'f'))->wake_up();
    BOOST_CHECK_THROW(io.run(), std::runtime_error);
    BOOST_TEST(log == "rarbrc");
    io.run();
    BOOST_TEST(log == "rarbrcrdrerf"); // those that came meanwhile are behind those that were left
}

BOOST_AUTO_TEST_CASE(later_waiters_resume_after_the_last_in_line_throws)
{
    one_thread io;
    std::string log;
    (new lettered(io, log, 'a', [] { throw std::runtime_error("a"); }))->wake_up();
    BOOST_CHECK_THROW(io.run(), std::runtime_error);
    io.restart(); // there was no work left
    (new lettered(io, log, 'b'))->wake_up();
    io.run();
    BOOST_TEST(log == "rarb");
}

BOOST_AUTO_TEST_CASE(wake_ups_that_never_end_leave_others_their_turn)
{
    one_thread io;
    std::string log;
    bool others = false;
    int resumed = 0;
    std::function<void()> again = [&] {
        if (!others && ++resumed < 100'000)
            (new lettered(io, log, 'x', again))->wake_up();
    };
    again();
    // Behind the handler that resumes, whenever that is posted.
    asio::post(io, [&] { asio::post(io, [&] { others = true; }); });
    io.run();
    BOOST_TEST(others);
    BOOST_TEST(resumed <= 1000);
}

// What a waiter's executor promises, it keeps where one thread runs the context, too.
BOOST_AUTO_TEST_CASE(a_waiter_on_a_strand_resumes_in_its_strand)
{
    one_thread io;
    std::string log;
    const auto strand = asio::make_strand(io.get_executor());
    const auto erased = asio::make_strand(asio::any_io_executor(io.get_executor()));
    const auto in_it = [&](const auto& s) {
        return [&] { BOOST_TEST(s.running_in_this_thread()); };
    };
    for (int round = 0; round < 2; ++round) { // registered on the context's thread, or elsewhere
        const auto begin = [&] {
            (new lettered(strand, log, 'a', in_it(strand)))->wake_up();
            (new lettered(asio::any_io_executor(strand), log, 'b', in_it(strand)))->wake_up();
            (new lettered(erased, log, 'c', in_it(erased)))->wake_up();
        };
        if (round == 0)
            begin();
        else
            asio::post(io, begin);
        io.run();
        io.restart();
    }
    BOOST_TEST(log.size() == 12U);
}

BOOST_AUTO_TEST_CASE(a_waiter_on_an_executor_of_the_users_own_resumes_on_it)
{
    one_thread io;
    std::string log;
    int inside = 0;
    const weir::test::custom_executor custom(io, inside);
    for (const char letter : {'a', 'b'})
        (new lettered(custom, log, letter, [&] { BOOST_TEST(inside == 1); }))->wake_up();
    io.run();
    BOOST_TEST(log == "rarb");
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_drops_each_in_line_once)
{
    std::string log;
    {
        one_thread io;
        (new lettered(io, log, 'a'))->wake_up();
        new lettered(io, log, 'p'); // parked
        (new lettered(io, log, 'b'))->wake_up();
    }
    BOOST_TEST(log == "spdadb");
}

BOOST_AUTO_TEST_CASE(a_waiter_woken_during_context_shutdown_is_dropped)
{
    std::string log;
    {
        one_thread io;
        auto* const p = new lettered(io, log, 'p');
        new lettered(io, log, 'q', [p] { p->wake_up(); }); // shut down first
        (new lettered(io, log, 'a'))->wake_up();
        (new lettered(io, log, 'b'))->wake_up();
    }
    BOOST_TEST(log == "sqdadbdp");
}

BOOST_AUTO_TEST_CASE(what_is_left_by_a_throw_goes_with_the_context)
{
    std::string log;
    {
        one_thread io;
        (new lettered(io, log, 'a', [] { throw std::runtime_error("a"); }))->wake_up();
        (new lettered(io, log, 'b'))->wake_up();
        (new lettered(io, log, 'c'))->wake_up();
        BOOST_CHECK_THROW(io.run(), std::runtime_error);
    }
    BOOST_TEST(log == "radbdc");
}

BOOST_AUTO_TEST_CASE(a_context_at_the_place_of_another_has_a_line_of_its_own)
{
    std::string log;
    std::optional<one_thread> io;
    for (const char letter : {'a', 'b', 'c'}) {
        io.emplace();
        (new lettered(*io, log, letter))->wake_up();
        if (letter != 'b')
            io->run();
        io.reset();
    }
    BOOST_TEST(log == "radbrc");
}

// Those that began on its one thread may end on any other.
BOOST_AUTO_TEST_CASE(a_context_that_any_thread_may_run_again_has_no_line)
{
    one_thread io;
    std::string log;
    auto* const outside = new lettered(io, log, 'o');
    lettered* inside = nullptr;
    asio::post(io, [&] { inside = new lettered(io, log, 'i'); });
    io.poll();
    (new lettered(io, log, 'a'))->wake_up();
    (new lettered(io, log, 'b'))->wake_up();
    weir::detail::any_threads(io);
    io.poll_one(); // what was in line by then
    BOOST_TEST(log == "rarb");
    outside->wake_up();
    BOOST_TEST(!io.stopped());
    inside->wake_up();
    BOOST_TEST(io.poll_one() == 1U);
    BOOST_TEST(log == "rarbro");
    BOOST_TEST(io.poll_one() == 1U);
    BOOST_TEST(log == "rarbrori");
    BOOST_TEST(io.poll() == 0U);
    BOOST_TEST(io.stopped());
}

BOOST_AUTO_TEST_CASE(run_continues_while_any_waiter_is_left_wherever_it_began)
{
    one_thread io;
    std::string log;
    auto* const outside = new lettered(io, log, 'o');
    lettered* inside[3] = {};
    asio::post(io, [&] {
        for (std::size_t i = 0; i < 3; ++i)
            inside[i] = new lettered(io, log, static_cast<char>('a' + i));
    });
    BOOST_TEST(io.poll() == 1U);
    BOOST_TEST(!io.stopped());
    for (const std::size_t next : {1U, 0U}) {
        inside[next]->wake_up();
        io.poll();
        BOOST_TEST(!io.stopped());
    }
    outside->wake_up();
    io.poll();
    BOOST_TEST(!io.stopped());
    inside[2]->wake_up();
    io.run();
    BOOST_TEST(io.stopped());
    BOOST_TEST(log == "rbrarorc");
}

BOOST_AUTO_TEST_CASE(a_destroyed_context_ends_every_waiter_wherever_it_began)
{
    std::string log;
    {
        one_thread io;
        new lettered(io, log, 'o');
        auto* const p = new lettered(io, log, 'p');
        asio::post(io, [&] {
            auto* const a = new lettered(io, log, 'a');
            new lettered(io, log, 'b', [a, p] {
                a->wake_up();
                p->wake_up();
            });
        });
        io.poll();
    }
    BOOST_TEST(log.size() == 8U);
    for (const char* const each : {"so", "dp", "da", "sb"})
        BOOST_TEST(log.find(each) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
