#include <weir/http/detail/address_book.hpp>

#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::http::address_family;
using weir::http::addresses;
using weir::http::name_answer;
using weir::http::name_source;
using weir::http::detail::address_book;
using weir::test::simulation;

namespace {

// Answers when the test says so.
class simulated_source final : public name_source {
public:
    explicit simulated_source(asio::any_io_executor e) : executor_(std::move(e)) {}

    ticket ask(const std::string& name, address_family, then told) override
    {
        ++asked[name];
        open_.emplace(++last_, std::pair(name, std::move(told)));
        return last_;
    }
    void abandon(ticket which) noexcept override { abandoned += open_.erase(which); }

    /// Every look-up of this name that is under way, in a step of its own.
    void answer(const std::string& name, const name_answer& what)
    {
        for (const auto& [number, each] : open_)
            if (each.first == name)
                asio::post(executor_, [this, n = number, what] {
                    if (const auto found = open_.extract(n))
                        found.mapped().second(what);
                });
    }
    std::size_t open() const { return open_.size(); }

    std::map<std::string, int> asked;
    std::size_t abandoned = 0;

private:
    asio::any_io_executor executor_;
    std::map<ticket, std::pair<std::string, then>> open_;
    ticket last_ = 0;
};

name_answer found(std::chrono::seconds ttl, const char* text = "192.0.2.1")
{
    return name_answer(addresses(1, asio::ip::make_address(text)), ttl);
}

name_answer failing(weir::error_code error)
{
    return name_answer(error);
}

struct fixture {
    explicit fixture(simulation& s)
        : executor(s.a.get_executor()), source(std::make_shared<simulated_source>(executor)),
          book(std::in_place, executor, source)
    {
    }

    // Asks, answers, and runs what that started.
    void look_up(simulation& s, const std::string& name, const name_answer& what,
                 address_family which = address_family::v4)
    {
        int told = 0;
        const auto one = book->ask(name, which, [&](const name_answer&) { ++told; });
        source->answer(name, what);
        s.run();
        BOOST_TEST(told == 1);
    }
    bool knows(const std::string& name) { return book->known(name, address_family::v4) != nullptr; }

    asio::any_io_executor executor;
    std::shared_ptr<simulated_source> source;
    std::optional<address_book> book;
};

// Moves the simulation's clock.
void pass(simulation& s, weir::duration length)
{
    s.spawn([&s, length] {
        return weir::async_sleep_for(s.a.get_executor(), length, asio::use_awaitable);
    });
    s.run();
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_address_book)

BOOST_AUTO_TEST_CASE(one_look_up_serves_all_its_waiters)
{
    simulation s(1);
    fixture f(s);
    std::vector<address_book::wait> waits;
    int told = 0;
    for (int i = 0; i < 50; ++i)
        waits.push_back(f.book->ask("a", address_family::v4, [&](const name_answer& answer) {
            BOOST_TEST(answer.found.size() == 1U);
            ++told;
        }));
    BOOST_TEST(f.source->asked["a"] == 1);
    f.source->answer("a", found(9s));
    BOOST_TEST(told == 0);
    s.run();
    BOOST_TEST(told == 50);
    BOOST_TEST(f.knows("a"));
    BOOST_TEST(!f.book->known("a", address_family::v6)); // a look-up of its own
}

BOOST_AUTO_TEST_CASE(
    an_answer_is_known_for_as_long_as_its_ttl_says_and_never_longer_than_five_minutes)
{
    simulation s(1);
    fixture f(s);
    f.look_up(s, "short", found(2s));
    f.look_up(s, "long", found(24h));
    f.look_up(s, "none", found(0s));
    BOOST_TEST(!f.knows("none"));
    pass(s, 2s - 1ns);
    BOOST_TEST(f.knows("short"));
    pass(s, 1ns);
    BOOST_TEST(!f.knows("short"));
    BOOST_TEST(f.knows("long"));
    pass(s, 298s);
    BOOST_TEST(!f.knows("long"));
    BOOST_TEST(f.book->size() == 0U);
}

BOOST_AUTO_TEST_CASE(that_a_name_is_not_there_is_known_for_five_seconds_and_a_failure_not_at_all)
{
    simulation s(1);
    fixture f(s);
    f.look_up(s, "not found", failing(asio::error::host_not_found));
    f.look_up(s, "no data", failing(asio::error::no_data));
    f.look_up(s, "silent", failing(asio::error::timed_out));
    f.look_up(s, "servfail", failing(asio::error::host_not_found_try_again));
    BOOST_TEST(f.book->size() == 2U);
    pass(s, 5s - 1ns);
    BOOST_REQUIRE(f.knows("not found"));
    BOOST_TEST(
        (f.book->known("not found", address_family::v4)->error == asio::error::host_not_found));
    BOOST_TEST(f.knows("no data"));
    pass(s, 1ns);
    BOOST_TEST(!f.knows("not found"));
    BOOST_TEST(!f.knows("no data"));
}

BOOST_AUTO_TEST_CASE(a_waiter_that_leaves_takes_the_look_up_from_no_other)
{
    simulation s(1);
    fixture f(s);
    int told = 0;
    int told_left = 0;
    auto leaves = f.book->ask("a", address_family::v4, [&](const name_answer&) { ++told_left; });
    const auto stays = f.book->ask("a", address_family::v4, [&](const name_answer&) { ++told; });
    leaves = address_book::wait();
    BOOST_TEST(f.source->open() == 1U);
    f.source->answer("a", found(9s));
    s.run();
    BOOST_TEST(told == 1);
    BOOST_TEST(told_left == 0);
}

BOOST_AUTO_TEST_CASE(the_last_to_leave_abandons_the_look_up_and_the_next_starts_another)
{
    simulation s(1);
    fixture f(s);
    int told = 0;
    const auto count = [&](const name_answer&) { ++told; };
    {
        const auto one = f.book->ask("a", address_family::v4, count);
        const auto other = f.book->ask("a", address_family::v4, count);
    }
    BOOST_TEST(f.source->open() == 0U);
    BOOST_TEST(f.source->abandoned == 1U);
    const auto again = f.book->ask("a", address_family::v4, count);
    BOOST_TEST(f.source->asked["a"] == 2);
    f.source->answer("a", found(9s));
    s.run();
    BOOST_TEST(told == 1);
}

BOOST_AUTO_TEST_CASE(a_waiter_that_leaves_while_others_get_the_answer_gets_none)
{
    simulation s(1);
    fixture f(s);
    address_book::wait second;
    int told = 0;
    const auto first = f.book->ask("a", address_family::v4, [&](const name_answer&) {
        ++told;
        second = address_book::wait();
    });
    second = f.book->ask("a", address_family::v4, [&](const name_answer&) { ++told; });
    f.source->answer("a", found(9s));
    s.run();
    BOOST_TEST(told == 1);
    BOOST_TEST(f.source->abandoned == 0U);
}

BOOST_AUTO_TEST_CASE(a_waiter_that_asks_again_in_its_answer_starts_a_new_look_up)
{
    simulation s(1);
    fixture f(s);
    address_book::wait again;
    int told = 0;
    const auto first = f.book->ask("a", address_family::v4, [&](const name_answer&) {
        again = f.book->ask("a", address_family::v4, [&](const name_answer&) { ++told; });
    });
    f.source->answer("a", failing(asio::error::timed_out));
    s.run();
    BOOST_TEST(f.source->asked["a"] == 2);
    f.source->answer("a", found(9s));
    s.run();
    BOOST_TEST(told == 1);
}

BOOST_AUTO_TEST_CASE(a_book_destroyed_in_one_answer_answers_the_other_waiters)
{
    simulation s(1);
    fixture f(s);
    std::vector<address_book::wait> waits;
    int told = 0;
    for (int i = 0; i < 3; ++i)
        waits.push_back(f.book->ask("a", address_family::v4, [&](const name_answer&) {
            ++told;
            f.book.reset();
        }));
    f.source->answer("a", found(9s));
    s.run();
    BOOST_TEST(told == 3);
}

BOOST_AUTO_TEST_CASE(for_one_more_than_the_bound_the_first_to_expire_is_forgotten)
{
    simulation s(1);
    fixture f(s);
    // The first to expire is neither the first nor the last to come.
    for (std::size_t i = 0; i < address_book::max_answers; ++i)
        f.look_up(s, std::to_string(i), found(i == 7 ? 50s : 100s));
    BOOST_TEST(f.book->size() == address_book::max_answers);
    BOOST_TEST(f.knows("7"));
    f.look_up(s, "one more", found(9s));
    BOOST_TEST(f.book->size() == address_book::max_answers);
    BOOST_TEST(!f.knows("7"));
    BOOST_TEST(f.knows("one more"));
    f.look_up(s, "another", found(9s));
    BOOST_TEST(!f.knows("one more"));
}

BOOST_AUTO_TEST_CASE(what_accepted_a_connection_goes_first_while_its_answer_is_known)
{
    simulation s(1);
    fixture f(s);
    const auto one = asio::ip::make_address("192.0.2.1");
    const auto two = asio::ip::make_address("192.0.2.2");
    addresses both(1, one);
    both.push_back(two);
    f.look_up(s, "a", name_answer(both, 9s));
    BOOST_TEST((f.book->first("a") == address_family::v6));
    f.book->prefer("a", two);
    BOOST_TEST((f.book->first("a") == address_family::v4));
    BOOST_TEST((f.book->known("a", address_family::v4)->found.front() == two));
    f.book->prefer("a", asio::ip::make_address("192.0.2.3"));
    BOOST_TEST((f.book->known("a", address_family::v4)->found.front() == two));
    pass(s, 9s);
    f.look_up(s, "a", name_answer(both, 9s));
    BOOST_TEST((f.book->first("a") == address_family::v6));
}

BOOST_AUTO_TEST_CASE(the_family_that_accepted_last_goes_first)
{
    simulation s(1);
    fixture f(s);
    f.look_up(s, "a", found(9s));
    f.look_up(s, "a", found(9s, "2001:db8::1"), address_family::v6);
    f.book->prefer("a", asio::ip::make_address("192.0.2.1"));
    BOOST_TEST((f.book->first("a") == address_family::v4));
    f.book->prefer("a", asio::ip::make_address("2001:db8::1"));
    BOOST_TEST((f.book->first("a") == address_family::v6));
}

// Waiters of two names come and leave at any step, and a look-up may end at any.
BOOST_AUTO_TEST_CASE(in_many_orders_each_waiter_that_stays_gets_one_answer)
{
    weir::test::in_many_orders([](simulation& s) {
        fixture f(s);
        int told[6] = {};
        std::optional<address_book::wait> waits[6];
        for (int i = 0; i < 6; ++i)
            s.a.at_some_step([&, i] {
                waits[i] = f.book->ask(i % 2 == 0 ? "a" : "b", address_family::v4,
                                       [&told, i](const name_answer&) { ++told[i]; });
            });
        bool left[6] = {};
        for (const int i : {0, 3})
            s.a.at_some_step([&, i] {
                left[i] = waits[i] && told[i] == 0;
                if (left[i])
                    waits[i].reset();
            });
        for (const char* name : {"a", "b", "a", "b"})
            s.a.at_some_step([&f, name] { f.source->answer(name, found(0s)); });
        s.run();
        for (const char* name : {"a", "b"})
            f.source->answer(name, found(0s));
        s.run();
        for (int i = 0; i < 6; ++i)
            BOOST_TEST(told[i] == (left[i] ? 0 : 1));
        BOOST_TEST(f.source->open() == 0U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
