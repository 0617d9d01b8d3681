#include <weir/http/detail/system_source.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::http::address_family;
using weir::http::addresses;
using weir::http::name_answer;
using weir::http::detail::system_source;

namespace {

// A system whose look-ups of "hung" names end when the test says so.
std::mutex mutex;
std::condition_variable changed;
bool open = false;
int begun = 0;
int ended = 0;

name_answer look_up(const std::string& name, address_family)
{
    std::unique_lock lock(mutex);
    ++begun;
    changed.notify_all();
    if (name.starts_with("hung"))
        changed.wait(lock, [] { return open; });
    ++ended;
    changed.notify_all();
    return name_answer(addresses(1, asio::ip::make_address("192.0.2.1")), 60s);
}

struct fixture {
    fixture()
    {
        std::lock_guard lock(mutex);
        open = false;
        begun = ended = 0;
    }
    ~fixture() // lets the threads go
    {
        std::unique_lock lock(mutex);
        open = true;
        changed.notify_all();
        changed.wait(lock, [] { return begun == ended; });
    }
    void wait_for(int threads)
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [threads] { return begun >= threads; });
    }

    const weir::test::watchdog guard;
    std::optional<asio::io_context> io{1};
    std::optional<system_source> source{std::in_place, io->get_executor(), &look_up};
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_system_source)

BOOST_AUTO_TEST_CASE(answers_come_where_the_executor_is_and_a_hung_one_holds_up_a_thread_only)
{
    fixture f;
    const auto work = asio::make_work_guard(*f.io);
    f.source->ask("hung", address_family::v4, [](const name_answer&) { BOOST_ERROR("told"); });
    int told = 0;
    for (int i = 0; i < 20; ++i)
        f.source->ask("good", address_family::v4, [&](const name_answer& answer) {
            BOOST_TEST(f.io->get_executor().running_in_this_thread());
            BOOST_TEST(answer.found.size() == 1U);
            if (++told == 20)
                f.io->stop();
        });
    f.io->run();
    BOOST_TEST(told == 20);
}

BOOST_AUTO_TEST_CASE(there_are_never_more_threads_than_the_bound)
{
    fixture f;
    for (std::size_t i = 0; i < 3 * system_source::max_threads; ++i)
        f.source->ask("hung", address_family::v4, [](const name_answer&) {});
    f.wait_for(system_source::max_threads);
    std::lock_guard lock(mutex);
    BOOST_TEST(begun == static_cast<int>(system_source::max_threads));
}

BOOST_AUTO_TEST_CASE(nothing_waits_for_a_look_up_that_hangs)
{
    for (const bool context_first : {false, true}) {
        fixture f;
        const auto shared = std::make_shared<int>();
        for (std::size_t i = 0; i < 2 * system_source::max_threads; ++i)
            f.source->ask("hung", address_family::v4, [shared](const name_answer&) {});
        f.wait_for(system_source::max_threads);
        if (context_first)
            f.io.reset();
        f.source.reset();
        f.io.reset();
        BOOST_TEST(shared.use_count() == 1);
    }
}

BOOST_AUTO_TEST_CASE(one_that_is_abandoned_is_not_begun_and_not_answered)
{
    fixture f;
    for (std::size_t i = 0; i < system_source::max_threads; ++i)
        f.source->ask("hung", address_family::v4, [](const name_answer&) {});
    f.wait_for(system_source::max_threads);
    const auto told = [](const name_answer&) { BOOST_ERROR("told"); };
    f.source->abandon(f.source->ask("good", address_family::v4, told));
    f.io->run(); // nothing keeps it
    f.source.reset();
    BOOST_TEST(begun == static_cast<int>(system_source::max_threads));
}

BOOST_AUTO_TEST_CASE(getaddrinfo_knows_localhost)
{
    const auto answer = system_source::by_getaddrinfo("localhost", address_family::v4);
    BOOST_REQUIRE(answer.found.size() >= 1U);
    BOOST_TEST(answer.found.front().to_string() == "127.0.0.1");
    BOOST_TEST((answer.ttl == 60s));
}

BOOST_AUTO_TEST_SUITE_END()
