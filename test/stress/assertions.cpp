// What breaks a promise ends the program, with a sentence that names it. Each test is a process of
// its own.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/run/assume_serial.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace asio = boost::asio;
using weir::pool_options;

namespace {

/// How a process ended, and what it wrote to its standard error.
struct ending {
    bool aborted = false;
    std::string words;
};

/// SIGALRM ends a process that hangs.
template <class Body>
ending end_of(Body body)
{
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    std::fflush(nullptr);
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        std::signal(SIGALRM, SIG_DFL);
        std::signal(SIGABRT, SIG_DFL);
        ::alarm(60);
        ::dup2(ends[1], STDERR_FILENO);
        // As in a program: Boost.Test would catch what leaves a test.
        [&]() noexcept { body(); }();
        ::_exit(0);
    }
    ::close(ends[1]);
    ending result;
    char some[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], some, sizeof some)) > 0;)
        result.words.append(some, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    result.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    return result;
}

template <class Body>
void aborts_with(const std::string& words, Body body)
{
    const ending end = end_of(std::move(body));
    BOOST_TEST(end.aborted);
    BOOST_TEST(end.words.find(words) != std::string::npos, "not said: " << words << "\n"
                                                                        << end.words);
}

/// Two threads run the context.
void run_twice(asio::io_context& io)
{
    std::thread other([&io] { io.run(); });
    io.run();
    other.join();
}

#ifndef NDEBUG
constexpr const char* not_serial = "weir::assume_serial: two functions run at the same time";
#endif

template <class T>
void hook_that_throws(T&&)
{
    throw std::runtime_error("a hook threw");
}

} // namespace

BOOST_AUTO_TEST_SUITE(assertions)

#ifndef NDEBUG

BOOST_AUTO_TEST_CASE(an_executor_that_is_assumed_to_be_serial_and_is_not_is_reported)
{
    aborts_with(not_serial, [] {
        asio::io_context io;
        const auto executor = weir::assume_serial(io.get_executor());
        std::latch both(2); // neither leaves before the other has come
        for (int i = 0; i < 2; ++i)
            asio::post(executor, [&both] { both.arrive_and_wait(); });
        run_twice(io);
    });
}

BOOST_AUTO_TEST_CASE(a_pool_over_an_executor_that_is_assumed_to_be_serial_and_is_not_is_reported)
{
    aborts_with(not_serial, [] {
        asio::io_context io;
        weir::task_pool tasks({weir::assume_serial(io.get_executor())}, pool_options(2));
        std::latch both(2);
        for (int i = 0; i < 2; ++i)
            (void)tasks.try_submit([&both] { both.arrive_and_wait(); });
        tasks.close();
        run_twice(io);
    });
}

BOOST_AUTO_TEST_CASE(an_empty_task_has_no_outcome_to_wait_for)
{
    aborts_with("weir::task: an empty task has no job", [] {
        weir::task<int>().async_outcome([](weir::error_code, weir::outcome<int>) {});
    });
}

BOOST_AUTO_TEST_CASE(the_executor_of_a_primitive_whose_context_is_gone_cannot_be_had)
{
    aborts_with("the context of this executor is gone", [] {
        auto io = std::make_unique<asio::io_context>();
        weir::semaphore permits(asio::make_strand(*io), 1);
        io.reset();
        (void)permits.get_executor();
    });
}

BOOST_AUTO_TEST_CASE(a_wait_group_that_is_left_more_often_than_entered_is_reported)
{
    aborts_with("left more often than entered", [] {
        asio::io_context io;
        weir::wait_group group(io.get_executor());
        group.add();
        group.done();
        group.done();
    });
}

#endif

// Functions in turn on two threads, and one that is dispatched inside another.
BOOST_AUTO_TEST_CASE(an_executor_that_is_serial_is_not_reported)
{
    const ending end = end_of([] {
        asio::io_context io;
        const auto executor = weir::assume_serial(asio::make_strand(io));
        int inside = 0, ran = 0;
        const auto nested = [&] {
            if (++inside != 2)
                std::terminate(); // it was not run in place
            --inside;
            ++ran;
        };
        for (int i = 0; i < 1000; ++i)
            asio::post(executor, [&] {
                ++inside;
                asio::dispatch(executor, nested);
                --inside;
            });
        run_twice(io);
        if (ran != 1000)
            std::terminate();
    });
    BOOST_TEST(!end.aborted, end.words);
    BOOST_TEST(end.words == "");
}

BOOST_AUTO_TEST_CASE(without_a_sink_what_a_handler_throws_ends_the_program)
{
    aborts_with("a handler threw", [] {
        weir::runner_pool runners(1);
        std::latch never(1);
        asio::post(runners.executor(0), [] { throw std::runtime_error("a handler threw"); });
        never.wait();
    });
}

// Hooks must not throw. What one throws is not lost in silence.
BOOST_AUTO_TEST_CASE(a_hook_that_throws_ends_the_program)
{
    aborts_with("a hook threw", [] { // a channel's, for what is not delivered
        asio::io_context io;
        weir::channel<int> values(io.get_executor(), 1, hook_that_throws<int>);
        (void)values.try_send(1);
    });
    aborts_with("a hook threw", [] { // a runner pool's, for what handlers throw
        const auto sink = hook_that_throws<std::exception_ptr>;
        weir::runner_pool runners(weir::runner_pool_options().runners(1).on_error(sink));
        std::latch never(1);
        asio::post(runners.executor(0), [] { throw 1; });
        never.wait();
    });
    aborts_with("a hook threw", [] { // a task pool's, for failures whose task is gone
        asio::io_context io;
        weir::task_pool tasks({io.get_executor()}, pool_options(1),
                              hook_that_throws<weir::outcome<void>>);
        (void)tasks.try_submit([]() -> int { throw 1; });
        tasks.close();
        io.run();
    });
    aborts_with("a hook threw", [] { // a worker pool's, for outcomes that are not received
        asio::io_context io;
        weir::worker_pool<int, int> jobs(
            {io.get_executor()}, pool_options(1), [](int job) { return job; },
            hook_that_throws<weir::outcome<int>>);
        (void)jobs.try_submit(1);
        io.poll();
    });
}

BOOST_AUTO_TEST_SUITE_END()
