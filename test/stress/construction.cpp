// What cannot be made is an exception: never a hang, nor the end of the program. Each test is a
// process of its own, which has too little of something.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/run/blocking_lane.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <system_error>
#include <tuple>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int as_it_should = 42;

// Clang's UBSan looks at an object's memory through a pipe, and reports it when it gets none.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define WEIR_NEEDS_DESCRIPTORS
#endif
#endif
#ifdef WEIR_NEEDS_DESCRIPTORS
constexpr bool may_lack_descriptors = false;
#else
constexpr bool may_lack_descriptors = true;
#endif

/// How the child ended, as `waitpid` says. SIGALRM ends one that hangs.
template <class Body>
int in_a_process(Body body)
{
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGALRM, SIG_DFL);
        ::alarm(60);
        ::_exit(body());
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

bool ended_well(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == as_it_should;
}

bool set_limit(int resource, rlim_t soft)
{
    rlimit limit;
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0)
        return false;
    limit.rlim_cur = soft;
    return ::setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0;
}

/// Limits the threads that this process may start. The limit counts all threads of a user and does
/// not bind root: root becomes a user that no other process has. Any other user's processes count
/// too, so that it may be able to start none at all.
bool allow_threads(rlim_t number)
{
    const uid_t nobody_else = 61234;
    if (::getuid() == 0 && ::setuid(nobody_else) != 0)
        return false;
    return set_limit(RLIMIT_NPROC, 1 + number);
}

/// This process may open no descriptor more.
bool allow_no_descriptors()
{
    const int lowest = ::dup(0);
    if (lowest < 0)
        return false;
    ::close(lowest);
    return set_limit(RLIMIT_NOFILE, static_cast<rlim_t>(lowest));
}

/// Whether `make` throws what the system says. 0: yes.
template <class Error, class Make>
int refused(Make make)
{
    try {
        make();
    } catch (const Error&) {
        return 0;
    } catch (...) {
        return 2;
    }
    return 1;
}

/// `make` fails for want of a thread, whether it is the first or a later one.
template <class Make>
void needs_threads(rlim_t needed, Make make)
{
    for (rlim_t allowed = 0; allowed < needed; ++allowed) {
        const int status = in_a_process([&] {
            if (!allow_threads(allowed))
                return 3;
            for (int again = 0; again < 3; ++again) // and those that were started are gone
                if (const int wrong = refused<std::system_error>(make))
                    return wrong;
            return as_it_should;
        });
        BOOST_TEST(ended_well(status));
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(construction)

BOOST_AUTO_TEST_CASE(a_runner_pool_that_gets_no_threads_throws)
{
    needs_threads(4, [] { const weir::runner_pool runners(4); });
}

BOOST_AUTO_TEST_CASE(a_runner_pool_that_gets_no_threads_has_run_nothing_and_leaves_your_contexts)
{
    const int status = in_a_process([] {
        asio::io_context a(1), b(1), c(1);
        int ran = 0;
        asio::post(a, [&ran] { ++ran; });
        if (!allow_threads(2))
            return 3;
        if (const int wrong = refused<std::system_error>([&] {
                const weir::runner_pool runners({&a, &b, &c});
            }))
            return wrong;
        if (ran != 0)
            return 4;
        a.run();
        return ran == 1 ? as_it_should : 5;
    });
    BOOST_TEST(ended_well(status));
}

BOOST_AUTO_TEST_CASE(a_blocking_lane_that_gets_no_threads_throws)
{
    needs_threads(4, [] { const weir::blocking_lane lane(4); });
}

BOOST_AUTO_TEST_CASE(a_pool_that_gets_no_thread_to_watch_for_stuck_jobs_throws)
{
    asio::io_context io(1);
    const std::vector<asio::any_io_executor> executors = {io.get_executor()};
    auto options = weir::pool_options(2);
    options.timeout(1s).on_stuck([](const weir::stuck_job&) {});
    needs_threads(1, [&] { const weir::task_pool jobs(executors, options); });
    const auto twice = [](int n) { return 2 * n; };
    needs_threads(1, [&] { const weir::worker_pool<int, int> jobs(executors, options, twice); });
}

BOOST_AUTO_TEST_CASE(a_runner_pool_that_gets_no_descriptors_throws)
{
    if (!may_lack_descriptors) {
        BOOST_TEST_MESSAGE("skipped: the sanitizer needs a pipe to look at an object");
        return;
    }
    const int status = in_a_process([] {
        asio::io_context yours(1);
        if (!allow_no_descriptors())
            return 3;
        for (int again = 0; again < 3; ++again) {
            const auto own = [] { const weir::runner_pool runners(2); };
            if (const int wrong = refused<weir::system_error>(own))
                return wrong;
            const auto over = [&yours] { const weir::runner_pool runners({&yours}); };
            if (const int wrong = refused<weir::system_error>(over))
                return wrong;
        }
        if (!set_limit(RLIMIT_NOFILE, 100)) // and when there are some again, it works
            return 4;
        weir::runner_pool runners(2);
        runners.join();
        return as_it_should;
    });
    BOOST_TEST(ended_well(status));
}

BOOST_AUTO_TEST_CASE(without_descriptors_a_sleep_fails_and_all_else_goes_on)
{
    if (!may_lack_descriptors) {
        BOOST_TEST_MESSAGE("skipped: the sanitizer needs a pipe to look at an object");
        return;
    }
    const int status = in_a_process([] {
        weir::runner_pool runners(2);
        if (!allow_no_descriptors())
            return 3;
        weir::blocking_lane lane(2);
        weir::task_pool jobs(runners, weir::pool_options(2));
        const auto everything = [&]() -> asio::awaitable<int> {
            const auto slept = co_await weir::async_sleep_for(runners.executor(0), 1ms,
                                                              asio::as_tuple(asio::deferred));
            if (std::get<0>(slept) != std::errc::too_many_files_open)
                co_return 5;
            auto job = co_await jobs.async_run([] { return 20; });
            co_return job.value() + co_await lane.async_run([] { return 22; });
        };
        return asio::co_spawn(runners.executor(0), everything, asio::use_future).get();
    });
    BOOST_TEST(ended_well(status));
}

BOOST_AUTO_TEST_SUITE_END()
