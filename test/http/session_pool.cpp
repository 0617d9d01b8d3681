#include <weir/http/detail/session_pool.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string>

using weir::http::processed;
using weir::http::detail::session_pool;
using after = session_pool::after;
using kind = session_pool::action::kind;
using repeatable = session_pool::repeatable;
using namespace std::chrono_literals;

namespace {

struct fixture {
    std::uint64_t ask(const std::string& origin = "a", repeatable again = repeatable::yes)
    {
        return pool.ask(origin, again, now);
    }
    bool keep(std::uint64_t request, processed how = processed::yes)
    {
        return pool.ended(request, how, after::keep, 4s, now);
    }
    bool close(std::uint64_t request, processed how)
    {
        return pool.ended(request, how, after::close, 0s, now);
    }

    // What has to be done, such as "open 1 for 2".
    std::string next()
    {
        std::string all;
        while (const auto what = pool.next()) {
            const char* names[] = {"open ", "serve ", "fail ", "close "};
            all += (all.empty() ? "" : ", ") + std::string(names[static_cast<int>(what->what)]) +
                   std::to_string(what->session);
            if (what->what != kind::close)
                all += " for " + std::to_string(what->request);
        }
        return all;
    }

    session_pool pool{{2, 3, 4s}};
    weir::time_point now{};
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_session_pool)

BOOST_AUTO_TEST_CASE(requests_beyond_the_limit_wait_and_get_what_becomes_free)
{
    fixture f;
    f.ask();
    f.ask();
    f.ask();
    BOOST_TEST(f.next() == "open 1 for 1, open 2 for 2");
    f.pool.opened(2, 1, f.now);
    BOOST_TEST(f.next() == "serve 2 for 1"); // whichever is ready first
    BOOST_TEST(!f.keep(1));
    BOOST_TEST(f.next() == "serve 2 for 2");
    f.pool.opened(1, 1, f.now);
    BOOST_TEST(f.next() == "serve 1 for 3");
    BOOST_TEST(f.pool.in_use() == 2U);
    BOOST_TEST(f.pool.waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(one_more_that_waits_takes_no_look_at_all_that_do)
{
    constexpr std::uint64_t many =
        300'000; // with a look at all, this takes until the test is killed
    const weir::time_point now{};
    session_pool pool{{many, 3, 4s}};
    std::uint64_t opened = 0;
    for (std::uint64_t i = 1; i <= many; ++i) {
        BOOST_REQUIRE(pool.ask("a", repeatable::yes, now) == i);
        while (const auto what = pool.next())
            opened += what->what == kind::open && what->request == i ? 1 : 0;
    }
    BOOST_TEST(opened == many);
    std::uint64_t closed = 0;
    for (std::uint64_t i = many; i != 0; --i) {
        pool.leave(i, now);
        while (const auto what = pool.next())
            closed += what->what == kind::close ? 1 : 0;
    }
    BOOST_TEST(closed == many);
    BOOST_TEST(pool.size() == 0U);
}

BOOST_AUTO_TEST_CASE(the_session_used_last_is_used_first)
{
    fixture f;
    f.ask();
    f.ask();
    f.pool.opened(1, 1, f.now);
    f.pool.opened(2, 1, f.now);
    f.keep(2);
    f.keep(1);
    f.next();
    BOOST_TEST(f.pool.idle() == 2U);
    f.ask();
    BOOST_TEST(f.next() == "serve 1 for 3");
    BOOST_TEST(f.pool.waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_opened_in_vain_is_kept_but_ended_when_its_request_leaves)
{
    fixture f;
    f.ask();
    f.pool.opened(1, 1, f.now);
    f.ask();
    BOOST_TEST(f.next() == "open 1 for 1, serve 1 for 1, open 2 for 2");
    f.keep(1); // the second is served before its own session is ready
    BOOST_TEST(f.next() == "serve 1 for 2");
    f.pool.opened(2, 1, f.now);
    BOOST_TEST(f.pool.idle() == 1U);
    f.ask("b");
    f.ask("b");
    BOOST_TEST(f.next() == "open 3 for 3, open 4 for 4");
    f.pool.leave(3, f.now);
    BOOST_TEST(f.next() == "close 4"); // the first goes to who waits
    f.pool.opened(3, 1, f.now);
    BOOST_TEST(f.next() == "serve 3 for 4");
}

BOOST_AUTO_TEST_CASE(one_that_cannot_be_opened_fails_the_first_in_line_and_no_other)
{
    fixture f;
    f.ask();
    f.ask();
    f.ask();
    f.next();
    f.pool.failed(2, f.now);
    BOOST_TEST(f.next() == "fail 2 for 1, open 3 for 3");
    f.pool.opened(1, 1, f.now);
    BOOST_TEST(f.next() == "serve 1 for 2");
    f.keep(2);
    BOOST_TEST(f.next() == "serve 1 for 3");
    f.pool.failed(3, f.now);
    BOOST_TEST(f.next() == "");
}

BOOST_AUTO_TEST_CASE(none_fails_while_enough_others_are_on_their_way)
{
    fixture f;
    f.pool = session_pool({3, 3, 4s});
    f.ask();
    f.pool.opened(1, 1, f.now);
    f.ask();
    f.ask();
    f.keep(1);
    BOOST_TEST(f.next() == "open 1 for 1, serve 1 for 1, open 2 for 2, open 3 for 3, "
                           "serve 1 for 2");
    f.pool.failed(2, f.now);
    BOOST_TEST(f.next() == "");
    f.pool.failed(3, f.now);
    BOOST_TEST(f.next() == "fail 3 for 3");
}

BOOST_AUTO_TEST_CASE(idle_sessions_end_with_their_time_or_as_the_oldest_of_too_many)
{
    fixture f;
    for (const char* origin : {"a", "b", "c", "d"}) {
        const auto r = f.ask(origin);
        f.pool.opened(r, 1, f.now);
        f.next();
        f.pool.ended(r, processed::yes, after::keep, r == 2 ? 1s : 4s, f.now);
        BOOST_TEST(f.next() == (r == 4 ? "close 1" : ""));
    }
    BOOST_TEST((*f.pool.next_expiry() == f.now + 1s));
    f.now += 1s;
    f.pool.reap(f.now);
    BOOST_TEST(f.next() == "close 2");
    BOOST_TEST(f.pool.close_oldest(f.now));
    BOOST_TEST(f.next() == "close 3");
    f.now += 3s;
    f.ask("d"); // before it is reaped
    BOOST_TEST(f.next() == "close 4, open 5 for 5");
    BOOST_TEST(!f.pool.close_oldest(f.now));
    BOOST_TEST(!f.pool.next_expiry().has_value());
}

BOOST_AUTO_TEST_CASE(what_is_made_again_is_what_no_server_acted_on)
{
    fixture f;
    f.ask();
    f.pool.opened(1, 1, f.now);
    BOOST_TEST(!f.close(1, processed::maybe)); // the first of its session: its user may repeat it
    f.ask();
    f.next();
    f.pool.opened(2, 1, f.now);
    f.keep(2);
    f.ask();
    BOOST_TEST(f.next() == "serve 2 for 2, serve 2 for 3");
    BOOST_TEST(f.close(3, processed::maybe)); // once, and not on what may be stale, too
    BOOST_TEST(f.next() == "close 2, open 3 for 3");
    f.pool.opened(3, 1, f.now);
    BOOST_TEST(f.next() == "serve 3 for 3");
    BOOST_TEST(!f.close(3, processed::maybe));
    f.next();
    f.ask("b", repeatable::no);
    f.pool.opened(4, 1, f.now);
    f.keep(4);
    f.ask("b", repeatable::no);
    BOOST_TEST(!f.close(5, processed::maybe));
    f.next();
    f.ask("b", repeatable::no);
    f.pool.opened(5, 1, f.now);
    f.keep(6);
    f.ask("b", repeatable::no);
    BOOST_TEST(f.close(7, processed::no));
    BOOST_TEST(!f.pool.is_used(6));
}

BOOST_AUTO_TEST_CASE(a_server_that_refuses_for_ever_is_asked_four_times)
{
    fixture f;
    f.ask();
    f.pool.opened(1, 4, f.now);
    BOOST_TEST(f.keep(1, processed::no));
    BOOST_TEST(f.keep(1, processed::no));
    BOOST_TEST(f.keep(1, processed::no));
    BOOST_TEST(!f.keep(1, processed::no));
}

BOOST_AUTO_TEST_CASE(when_one_turns_out_to_have_room_for_all_the_others_are_ended)
{
    fixture f;
    f.pool = session_pool({3, 3, 4s});
    for (int i = 0; i < 5; ++i)
        f.ask();
    BOOST_TEST(f.next() == "open 1 for 1, open 2 for 2, open 3 for 3");
    f.pool.opened(2, 8, f.now);
    BOOST_TEST(f.next() == "serve 2 for 1, serve 2 for 2, serve 2 for 3, serve 2 for 4, "
                           "serve 2 for 5, close 3, close 1");
    for (int i = 0; i < 5; ++i)
        f.ask();
    BOOST_TEST(f.next() == "serve 2 for 6, serve 2 for 7, serve 2 for 8, open 4 for 9");
}

BOOST_AUTO_TEST_CASE(a_session_that_drains_ends_with_its_last_exchange)
{
    fixture f;
    f.ask();
    f.ask();
    f.pool.opened(1, 4, f.now);
    f.next();
    f.pool.drain(1, f.now);
    f.ask();
    BOOST_TEST(f.next() == "open 3 for 3");
    BOOST_TEST(f.keep(2, processed::no)); // the server will not look at it
    f.keep(1);
    BOOST_TEST(f.next() == "close 1");
    f.pool.opened(3, 4, f.now);
    BOOST_TEST(f.next() == "serve 3 for 2, serve 3 for 3"); // it keeps its place in line
}

BOOST_AUTO_TEST_SUITE_END()
