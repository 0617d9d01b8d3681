// Real signals, each in a process of its own: what they do is the process's, not the test's.
#include <weir/run/signals.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace asio = boost::asio;

namespace {

/// How the child ended, as `waitpid` says. SIGALRM ends one that hangs.
template <class Body>
int in_a_process(Body body)
{
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGALRM, SIG_DFL);
        ::alarm(20);
        ::_exit(body());
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

bool ended_with(int status, int code)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

} // namespace

BOOST_AUTO_TEST_SUITE(signals)

BOOST_AUTO_TEST_CASE(the_first_signal_cancels_for_shutdown_and_the_second_escalates)
{
    for (const int number : {SIGTERM, SIGINT}) {
        const int status = in_a_process([number] {
            asio::io_context io(1);
            weir::cancel_source stopping;
            int escalated = 0;
            weir::shutdown_signals signals(io.get_executor(), stopping, [&] { ++escalated; });
            ::kill(::getpid(), number);
            while (!stopping.token().cancelled())
                io.run_one();
            if (stopping.token().reason() != weir::cancel_reason::shutdown || escalated != 0)
                return 1;
            ::kill(::getpid(), number);
            while (escalated == 0)
                io.run_one();
            signals.cancel();
            io.run(); // nothing is waited for any more
            return 42;
        });
        BOOST_TEST(ended_with(status, 42));
    }
}

BOOST_AUTO_TEST_CASE(ignored_signals_neither_call_nor_end_the_program)
{
    const int status = in_a_process([] {
        asio::io_context io(1);
        int called = 0;
        weir::shutdown_signals signals(
            io.get_executor(), [&] { ++called; }, [&] { ++called; });
        signals.ignore();
        io.run(); // nothing is waited for any more
        for (const int number : {SIGTERM, SIGINT, SIGTERM})
            ::kill(::getpid(), number);
        io.restart();
        io.poll();
        return called == 0 ? 42 : 1;
    });
    BOOST_TEST(ended_with(status, 42));
}

BOOST_AUTO_TEST_CASE(without_an_escalation_the_second_signal_ends_the_program)
{
    const int status = in_a_process([] {
        asio::io_context io(1);
        int called = 0;
        weir::shutdown_signals signals(io.get_executor(), [&] { ++called; });
        ::kill(::getpid(), SIGTERM);
        while (called == 0)
            io.run_one();
        ::kill(::getpid(), SIGTERM);
        return 42;
    });
    BOOST_TEST((WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
}

BOOST_AUTO_TEST_SUITE_END()
