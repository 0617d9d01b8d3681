#include <weir/http/detail/ares_source.hpp>

#include <weir/http/name_source.hpp>

#include "http/support/dns_server.hpp"
#include "support/watchdog.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Real sockets and c-ares' own clock. What is silent stays silent: no test waits for a length of
// time, and the watchdog ends those that hang.

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::http::address_family;
using weir::http::name_answer;
using weir::http::name_source;
using weir::http::detail::ares_source;
using weir::test::dns_server;

namespace {

dns_server::reply by_first_label(const std::string& name, bool v6)
{
    dns_server::reply said;
    const std::string label = name.substr(0, name.find_first_of("-."));
    if (label == "hung")
        said.silent = true;
    else if (label == "nx")
        said.rcode = 3;
    else if (label == "fail")
        said.rcode = 2;
    else if (label == "many" || label == "big")
        for (int i = 1; i <= (label == "big" ? 60 : 8); ++i)
            said.found.push_back("127.0.0." + std::to_string(i));
    else if (label != "v4" || !v6)
        said.found.emplace_back(v6 ? "::1" : "127.0.0.1");
    said.by_tcp = label == "big";
    if (label == "alias")
        said.alias = 7;
    return said;
}

struct fixture {
    explicit fixture(std::vector<std::string> servers = {})
        : io(std::in_place, 1),
          source(std::in_place, io->get_executor(),
                 servers.empty() ? std::vector<std::string>(1, server.address()) : servers)
    {
    }

    name_answer find(const std::string& name, address_family which = address_family::v4)
    {
        std::optional<name_answer> got;
        source->ask(name, which, [&](const name_answer& answer) { got = answer; });
        BOOST_TEST(!got.has_value());
        io->restart();
        io->run();
        BOOST_REQUIRE(got.has_value());
        return *got;
    }

    const weir::test::watchdog guard;
    dns_server server{by_first_label};
    std::optional<asio::io_context> io;
    std::optional<ares_source> source;
};

void good_ones_end_while_others_hang(int hung, int good)
{
    fixture f;
    std::vector<name_source::ticket> pending;
    int ended = 0;
    int hung_ended = 0;
    for (int i = 0; i < hung; ++i)
        for (const address_family which : {address_family::v6, address_family::v4})
            pending.push_back(f.source->ask("hung-" + std::to_string(i) + ".test", which,
                                            [&](const name_answer&) { ++hung_ended; }));
    for (int i = 0; i < good; ++i)
        for (const address_family which : {address_family::v6, address_family::v4})
            f.source->ask("good-" + std::to_string(i) + ".test", which,
                          [&](const name_answer& answer) {
                              BOOST_TEST(!answer.error);
                              if (++ended == 2 * good)
                                  f.io->stop();
                          });
    f.io->run();
    BOOST_TEST(ended == 2 * good);
    BOOST_TEST(hung_ended == 0);
    for (const auto each : pending)
        f.source->abandon(each);
    f.io->restart();
    f.io->run(); // returns, though nothing came from the server
    BOOST_TEST(hung_ended == 0);
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_ares_source)

BOOST_AUTO_TEST_CASE(an_answer_has_the_addresses_of_its_family_and_the_ttl)
{
    fixture f;
    const auto four = f.find("good.test");
    BOOST_REQUIRE(four.found.size() == 1U);
    BOOST_TEST(four.found.front().to_string() == "127.0.0.1");
    BOOST_TEST((four.ttl == 60s));
    const auto six = f.find("good.test", address_family::v6);
    BOOST_REQUIRE(six.found.size() == 1U);
    BOOST_TEST(six.found.front().to_string() == "::1");
    BOOST_TEST(f.find("many.test").found.size() == 8U);
}

BOOST_AUTO_TEST_CASE(the_ttl_is_the_least_on_the_way_to_the_addresses)
{
    fixture f;
    const auto answer = f.find("alias.test");
    BOOST_TEST(answer.found.size() == 1U);
    BOOST_TEST((answer.ttl == 7s));
}

BOOST_AUTO_TEST_CASE(what_is_too_long_for_udp_comes_by_tcp)
{
    fixture f;
    BOOST_TEST(f.find("big.test").found.size() == 60U);
    BOOST_TEST(f.server.asked("big.test", false) == 2);
}

BOOST_AUTO_TEST_CASE(errors_of_the_name_the_family_and_the_server_differ)
{
    fixture f;
    BOOST_TEST((f.find("nx.test").error == asio::error::host_not_found));
    BOOST_TEST((f.find("v4.test", address_family::v6).error == asio::error::no_data));
    BOOST_TEST((f.find("fail.test").error == asio::error::host_not_found_try_again));
    BOOST_TEST((f.find("not..a.name").error == asio::error::host_not_found));
}

BOOST_AUTO_TEST_CASE(addresses_and_localhost_are_never_asked_for)
{
    fixture f;
    BOOST_TEST(f.find("192.0.2.1").found.size() == 1U);
    BOOST_TEST((f.find("192.0.2.1", address_family::v6).error == asio::error::no_data));
    BOOST_TEST(f.find("localhost").found.front().to_string() == "127.0.0.1");
    BOOST_TEST(f.find("a.localhost", address_family::v6).found.front().to_string() == "::1");
    for (const char* name : {"192.0.2.1", "localhost", "a.localhost"})
        for (const bool v6 : {false, true})
            BOOST_TEST(f.server.asked(name, v6) == 0);
}

BOOST_AUTO_TEST_CASE(eight_hung_names_hold_up_none_of_a_hundred)
{
    good_ones_end_while_others_hang(8, 100);
}

BOOST_AUTO_TEST_CASE(sixty_four_hung_names_hold_up_none_of_a_hundred)
{
    good_ones_end_while_others_hang(64, 100);
}

BOOST_AUTO_TEST_CASE(one_that_is_abandoned_takes_the_answer_from_no_other)
{
    fixture f;
    int told = 0;
    const auto hung =
        f.source->ask("hung.test", address_family::v4, [&](const name_answer&) { ++told; });
    f.source->ask("good.test", address_family::v4, [&](const name_answer& answer) {
        BOOST_TEST(!answer.error);
        told += 10;
    });
    f.source->abandon(hung);
    f.io->run(); // the good one's answer is the end of the hung one
    BOOST_TEST(told == 10);
    BOOST_TEST(f.server.asked("hung.test", false) <
               3); // it goes out three times if nothing ends it
}

BOOST_AUTO_TEST_CASE(one_that_is_asked_for_right_after_it_was_abandoned_is_answered)
{
    fixture f;
    for (int i = 0; i < 20; ++i) {
        bool abandoned = false;
        bool told_late = false;
        const auto first = f.source->ask("good.test", address_family::v4,
                                         [&](const name_answer&) { told_late = abandoned; });
        if (i % 2 == 0)
            f.io->poll(); // the answer may be there already
        f.source->abandon(first);
        abandoned = true;
        BOOST_TEST(f.find("good.test").found.size() == 1U);
        BOOST_TEST(!told_late);
    }
}

BOOST_AUTO_TEST_CASE(a_server_that_does_not_listen_is_an_error)
{
    std::string closed;
    {
        dns_server gone(by_first_label);
        closed = gone.address();
    }
    fixture f(std::vector<std::string>(1, closed));
    BOOST_TEST((f.find("good.test").error == asio::error::host_not_found_try_again));
}

// While look-ups are under way: the context goes first, or the source, or both after a turn.
BOOST_AUTO_TEST_CASE(any_order_of_destruction_waits_for_no_look_up)
{
    for (int order = 0; order < 3; ++order)
        for (const bool in_strand : {false, true})
            for (const int turns : {0, 1, 5}) {
                fixture f;
                if (in_strand)
                    f.source.emplace(asio::make_strand(*f.io),
                                     std::vector<std::string>(1, f.server.address()));
                const auto shared = std::make_shared<int>();
                for (int i = 0; i < 40; ++i)
                    f.source->ask((i % 2 == 0 ? "hung-" : "good-") + std::to_string(i),
                                  address_family::v4, [shared](const name_answer&) {});
                for (int i = 0; i < turns; ++i)
                    f.io->poll_one();
                if (order != 0)
                    f.source.reset();
                if (order == 2)
                    f.io->run();
                f.io.reset();
                f.source.reset();
                BOOST_TEST(shared.use_count() == 1);
            }
}

BOOST_AUTO_TEST_CASE(a_source_may_be_destroyed_in_its_own_answer)
{
    fixture f;
    f.source->ask("hung.test", address_family::v4, [](const name_answer&) {});
    f.source->ask("good.test", address_family::v4, [&](const name_answer&) { f.source.reset(); });
    f.io->run();
    BOOST_TEST(!f.source.has_value());
}

BOOST_AUTO_TEST_CASE(one_whose_context_is_gone_answers_nothing)
{
    fixture f;
    f.io.reset();
    const auto kept = std::make_shared<int>();
    for (const char* name : {"good.test", "localhost"})
        f.source->ask(name, address_family::v4,
                      [kept](const name_answer&) { BOOST_ERROR("told"); });
    BOOST_TEST(kept.use_count() == 1); // nothing waits there for ever
}

BOOST_AUTO_TEST_SUITE_END()
