#include <weir/http/client.hpp>

#include <weir/policy/timeout.hpp>

#include "http/support/dns_server.hpp"
#include "http/support/server.hpp"
#include "support/watchdog.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

// The client with a name server: which address of a host is used, and what a silent one holds up.

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using asio::ip::tcp;
using weir::test::dns_server;
using weir::test::server;

namespace {

dns_server::reply by_first_label(const std::string& name, bool v6)
{
    dns_server::reply said;
    const std::string label = name.substr(0, name.find_first_of("-."));
    if (label == "hung" || (label == "silent6" && v6))
        said.silent = true;
    else if (label == "nx")
        said.rcode = 3;
    else if (label == "dead6" && v6)
        said.found.emplace_back("::1"); // where only the black hole listens
    else if (label == "next" && !v6) {
        said.found.emplace_back("127.0.0.2"); // nobody listens there
        said.found.emplace_back("127.0.0.1");
    } else if (!v6)
        said.found.emplace_back("127.0.0.1");
    return said;
}

server::reply ok(const std::string&, int)
{
    return server::reply{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
}

struct fixture {
    fixture()
    {
        http::client_options options;
        options.name_servers({names.address()}).connect_timeout(weir::duration::max());
        client.emplace(io->get_executor(), options);
    }

    std::string url(const std::string& host) const
    {
        return "http://" + host + ":" + std::to_string(port) + "/";
    }

    /// Starts a request, and notes how it ended: `ok`, or the text of its failure.
    void get(const std::string& host)
    {
        auto run = [](fixture& f, std::string name) -> asio::awaitable<void> {
            http::request ask(http::url::parse(f.url(name)).value());
            http::body_sink sink = [](std::string_view) { return weir::error_code(); };
            const auto answer =
                co_await f.client->async_request_into(std::move(ask), std::move(sink));
            f.ended[name] = answer.error ? answer.error->text() : "ok";
            ++f.done;
            if (f.done == f.stop_at)
                f.io->stop();
        };
        asio::co_spawn(*io, run(*this, host), [](std::exception_ptr e) {
            if (e)
                std::rethrow_exception(e);
        });
    }

    void run(int until)
    {
        stop_at = until;
        io->restart();
        io->run();
        BOOST_TEST(done == until);
    }

    const weir::test::watchdog guard;
    dns_server names{by_first_label};
    std::map<std::string, std::string> ended;
    int done = 0;
    int stop_at = 0;
    std::optional<asio::io_context> io{1};
    std::optional<server> peer{std::in_place, *io, ok};
    const std::uint16_t port = http::url::parse(peer->url("/")).value().port();
    std::optional<http::client> client;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_names)

BOOST_AUTO_TEST_CASE(a_host_is_found_by_the_name_server_that_the_options_name)
{
    fixture f;
    f.get("good.test");
    f.run(1);
    BOOST_TEST(f.ended["good.test"] == "ok");
    BOOST_TEST(f.names.asked("good.test", false) == 1);
    BOOST_TEST(f.names.asked("good.test", true) == 1);
}

BOOST_AUTO_TEST_CASE(many_requests_of_one_host_share_one_look_up)
{
    fixture f;
    for (int i = 0; i < 8; ++i)
        f.get("good.test");
    f.run(8);
    BOOST_TEST(f.names.asked("good.test", false) == 1);
    BOOST_TEST(f.names.asked("good.test", true) == 1);
    f.client->close_idle();
    f.get("good.test");
    f.run(9);
    BOOST_TEST(f.names.asked("good.test", false) == 1);
}

BOOST_AUTO_TEST_CASE(a_name_server_that_is_silent_about_ipv6_does_not_hold_ipv4_up)
{
    fixture f;
    f.get("silent6.test");
    f.run(1);
    BOOST_TEST(f.ended["silent6.test"] == "ok");
}

BOOST_AUTO_TEST_CASE(an_address_that_refuses_is_followed_by_the_next)
{
    fixture f;
    f.get("next.test");
    f.run(1);
    BOOST_TEST(f.ended["next.test"] == "ok");
}

BOOST_AUTO_TEST_CASE(an_ipv6_address_that_never_answers_does_not_hold_ipv4_up)
{
    fixture f;
    // A listener whose backlog is full accepts nothing: the black hole.
    asio::io_context other;
    tcp::acceptor hole(other);
    boost::system::error_code error;
    const tcp::endpoint where(asio::ip::address_v6::loopback(), f.port);
    hole.open(tcp::v6(), error);
    if (!error)
        hole.set_option(asio::ip::v6_only(true), error);
    if (!error)
        hole.bind(where, error);
    if (!error)
        hole.listen(0, error);
    if (error)
        return; // no IPv6 here: ::1 refuses, which the case before this one is about
    std::vector<tcp::socket> fill; // Asio's own connect would wait
    for (int i = 0; i < 4; ++i) {
        fill.emplace_back(other).open(tcp::v6());
        fill.back().non_blocking(true);
        if (::connect(fill.back().native_handle(), where.data(), where.size()) != 0)
            BOOST_TEST(errno == EINPROGRESS);
    }
    f.get("dead6.test");
    f.run(1);
    BOOST_TEST(f.ended["dead6.test"] == "ok");
}

BOOST_AUTO_TEST_CASE(a_name_that_is_not_there_is_a_dns_failure_that_says_so)
{
    fixture f;
    f.get("nx.test");
    f.run(1);
    const std::string text = f.ended["nx.test"];
    BOOST_TEST(text.find("cannot find the address of nx.test: Host not found") == 0U, text);
}

void good_ones_end_while_others_hang(int hung)
{
    fixture f;
    for (int i = 0; i < hung; ++i)
        f.get("hung-" + std::to_string(i) + ".test");
    for (int i = 0; i < 100; ++i)
        f.get("good-" + std::to_string(i) + ".test");
    f.run(100);
    int good = 0;
    for (const auto& [name, how] : f.ended)
        good += name.starts_with("good-") && how == "ok";
    BOOST_TEST(good == 100); // and so none of the hung ones has ended
    f.peer.reset();
    f.client.reset();
    f.io.reset(); // waits for none of them
}

BOOST_AUTO_TEST_CASE(eight_hung_names_hold_up_none_of_a_hundred)
{
    good_ones_end_while_others_hang(8);
}

BOOST_AUTO_TEST_CASE(sixty_four_hung_names_hold_up_none_of_a_hundred)
{
    good_ones_end_while_others_hang(64);
}

BOOST_AUTO_TEST_CASE(a_timeout_is_the_end_of_its_look_up)
{
    fixture f;
    http::client_options options;
    options.name_servers({f.names.address()}).connect_timeout(1ms);
    f.client.emplace(f.io->get_executor(), options);
    f.peer->stop(); // so that nothing else keeps the context running
    f.get("hung.test");
    f.io->run(); // returns with the last result
    const std::string text = f.ended["hung.test"];
    BOOST_TEST(text.find("its address was not found") != text.npos, text);
    BOOST_TEST(f.names.asked("hung.test", false) < 3); // it goes out three times if nothing ends it
}

BOOST_AUTO_TEST_SUITE_END()
