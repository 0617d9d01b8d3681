// TLS with a real server: sessions that are resumed, and which are not; versions.
#include <weir/http/client.hpp>

#include <weir/http/detail/tls_tickets.hpp>

#include "http/support/tls_server.hpp"
#include "support/watchdog.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using http::detail::tls_tickets;
using weir::test::self_signed;
using weir::test::tls_server;

namespace {

tls_tickets::session session_of(int version)
{
    tls_tickets::session made(SSL_SESSION_new(), SSL_SESSION_free);
    SSL_SESSION_set_protocol_version(made.get(), version);
    return made;
}

struct fixture {
    explicit fixture(int oldest = TLS1_2_VERSION, int newest = TLS1_3_VERSION,
                     const std::string& name = "IP:127.0.0.1,DNS:localhost")
        : who(name), peer(io, who, oldest, newest)
    {
    }

    http::client_options options(http::network_options rules = http::network_options()) const
    {
        return http::client_options().ca_file(who.path()).network(std::move(rules));
    }

    void run(std::function<asio::awaitable<void>()> test)
    {
        std::exception_ptr error;
        asio::co_spawn(io, test(), [&](std::exception_ptr e) {
            error = e;
            io.stop();
        });
        io.run();
        if (error)
            std::rethrow_exception(error);
    }

    // The text of the failure; empty when the answer came.
    asio::awaitable<std::string> get(http::client& by, std::string url)
    {
        http::request ask(http::url::parse(url).value());
        auto asking = by.async_request(std::move(ask));
        const http::response answer = co_await std::move(asking);
        if (!answer.error)
            co_return std::string();
        BOOST_TEST((answer.error->kind() == http::error_class::tls));
        co_return answer.error->text();
    }

    // Which of the handshakes resumed a session: a letter for each.
    std::string resumed() const
    {
        std::string out;
        for (const auto& each : peer.done)
            out += each.resumed ? 'r' : 'f';
        return out;
    }

    const weir::test::watchdog guard;
    asio::io_context io{1};
    self_signed who;
    tls_server peer;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_tls)

BOOST_AUTO_TEST_CASE(a_second_connection_resumes_the_session_of_the_first)
{
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        BOOST_TEST_CONTEXT(version)
        {
            fixture f(version, version);
            http::client client(f.io.get_executor(), f.options());
            f.run([&]() -> asio::awaitable<void> {
                for (int i = 0; i < 4; ++i) {
                    const std::string fault = co_await f.get(client, f.peer.url());
                    BOOST_TEST(fault == "");
                }
                const std::string other = co_await f.get(client, f.peer.url("localhost"));
                BOOST_TEST(other == ""); // another name, another session
            });
            BOOST_TEST(f.resumed() == "frrrf");
            for (const auto& each : f.peer.done)
                BOOST_TEST(each.version == version);
        }
}

BOOST_AUTO_TEST_CASE(sessions_of_tls_1_2_are_resumed_by_their_ids_too)
{
    fixture f(TLS1_2_VERSION, TLS1_2_VERSION);
    SSL_CTX_set_options(f.peer.native(), SSL_OP_NO_TICKET);
    http::client client(f.io.get_executor(), f.options());
    f.run([&]() -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i)
            (void)co_await f.get(client, f.peer.url());
    });
    BOOST_TEST(f.resumed() == "frr");
}

BOOST_AUTO_TEST_CASE(none_is_resumed_where_the_options_say_so_nor_by_another_client)
{
    fixture f;
    http::network_options none;
    http::client client(f.io.get_executor(), f.options(none.tls_sessions(0)));
    http::client other(f.io.get_executor(), f.options());
    http::client third(f.io.get_executor(), f.options());
    f.run([&]() -> asio::awaitable<void> {
        (void)co_await f.get(client, f.peer.url());
        (void)co_await f.get(client, f.peer.url());
        (void)co_await f.get(other, f.peer.url());
        (void)co_await f.get(third, f.peer.url());
    });
    BOOST_TEST(f.resumed() == "ffff");
}

// A session with a server that did not prove its identity would be a way around the proof.
BOOST_AUTO_TEST_CASE(a_failed_verification_is_never_resumed)
{
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        BOOST_TEST_CONTEXT(version)
        {
            fixture f(version, version, "DNS:other.example");
            http::client careful(f.io.get_executor(), f.options());
            http::client careless(f.io.get_executor(), f.options().peer(http::verification::none));
            f.run([&]() -> asio::awaitable<void> {
                for (int i = 0; i < 2; ++i) {
                    const std::string fault = co_await f.get(careful, f.peer.url());
                    BOOST_TEST(fault.find("certificate") != std::string::npos, fault);
                }
                for (int i = 0; i < 2; ++i) {
                    const std::string fault = co_await f.get(careless, f.peer.url());
                    BOOST_TEST(fault == "");
                }
                const std::string fault = co_await f.get(careful, f.peer.url());
                BOOST_TEST(fault.find("certificate") != std::string::npos, fault);
            });
            const std::string all = f.resumed();
            BOOST_TEST(std::count(all.begin(), all.end(), 'r') == 1); // that of the careless one
        }
}

// A server may stumble over what it said to another one behind the same name.
BOOST_AUTO_TEST_CASE(after_a_failed_handshake_nothing_is_resumed)
{
    const auto refuse = [](SSL*, int* alert, void*) {
        *alert = SSL_AD_HANDSHAKE_FAILURE;
        return SSL_CLIENT_HELLO_ERROR;
    };
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        BOOST_TEST_CONTEXT(version)
        {
            fixture f(version, version);
            http::client client(f.io.get_executor(), f.options());
            f.run([&]() -> asio::awaitable<void> {
                const std::string first = co_await f.get(client, f.peer.url());
                BOOST_TEST(first == "");
                SSL_CTX_set_client_hello_cb(f.peer.native(), refuse, nullptr);
                const std::string second = co_await f.get(client, f.peer.url());
                BOOST_TEST(second != "");
                SSL_CTX_set_client_hello_cb(f.peer.native(), nullptr, nullptr);
                const std::string third = co_await f.get(client, f.peer.url());
                BOOST_TEST(third == "");
            });
            BOOST_TEST(f.resumed() == "ff");
        }
}

// Without its dot no name would be left to check.
BOOST_AUTO_TEST_CASE(a_host_that_is_nothing_but_a_dot_is_checked)
{
    fixture f;
    http::network_options rules;
    rules.resolve(".", {"127.0.0.1"});
    http::client client(f.io.get_executor(), f.options(rules));
    std::string url = f.peer.url();
    url.replace(url.find("127.0.0.1"), 9, ".");
    f.run([&]() -> asio::awaitable<void> {
        const std::string fault = co_await f.get(client, url);
        BOOST_TEST(fault.find("certificate is not accepted") != std::string::npos, fault);
    });
}

BOOST_AUTO_TEST_CASE(older_versions_than_the_oldest_are_refused)
{
    fixture f(TLS1_2_VERSION, TLS1_2_VERSION);
    http::network_options rules;
    http::client client(f.io.get_executor(), f.options(rules.tls_from(http::tls_version::v1_3)));
    http::client open(f.io.get_executor(), f.options());
    f.run([&]() -> asio::awaitable<void> {
        const std::string fault = co_await f.get(client, f.peer.url());
        BOOST_TEST(fault.find("version") != std::string::npos, fault);
        const std::string none = co_await f.get(open, f.peer.url());
        BOOST_TEST(none == "");
    });
    BOOST_TEST(f.resumed() == "f");
}

// In TLS 1.3 it says so after the handshake, when the request is on its way.
BOOST_AUTO_TEST_CASE(a_server_that_wants_a_certificate_is_a_failure_of_tls_that_says_so)
{
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        BOOST_TEST_CONTEXT(version)
        {
            fixture f(version, version);
            SSL_CTX_set_verify(f.peer.native(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                               nullptr);
            http::client client(f.io.get_executor(), f.options());
            f.run([&]() -> asio::awaitable<void> {
                const std::string fault = co_await f.get(client, f.peer.url());
                BOOST_TEST(fault.find("wants a certificate of its client") != std::string::npos,
                           fault);
            });
            BOOST_TEST(client.connections() == 0U);
        }
}

// What is not verified is not to blame.
BOOST_AUTO_TEST_CASE(the_same_failure_has_the_same_words_where_nothing_is_verified)
{
    fixture f(TLS1_2_VERSION, TLS1_2_VERSION);
    SSL_CTX_set_verify(f.peer.native(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    http::client client(f.io.get_executor(), http::client_options().peer(http::verification::none));
    f.run([&]() -> asio::awaitable<void> {
        const std::string fault = co_await f.get(client, f.peer.url());
        BOOST_TEST(fault.find("wants a certificate of its client") != std::string::npos, fault);
    });
}

// It does not mind: the certificate was asked for, and is not needed.
BOOST_AUTO_TEST_CASE(a_server_that_asks_for_a_certificate_and_needs_none_is_served)
{
    fixture f;
    SSL_CTX_set_verify(f.peer.native(), SSL_VERIFY_PEER, nullptr);
    http::client client(f.io.get_executor(), f.options());
    f.run([&]() -> asio::awaitable<void> {
        const std::string fault = co_await f.get(client, f.peer.url());
        BOOST_TEST(fault == "");
    });
}

BOOST_AUTO_TEST_CASE(a_ticket_of_tls_1_3_is_given_out_once)
{
    tls_tickets all(10);
    const auto one = session_of(TLS1_3_VERSION), two = session_of(TLS1_3_VERSION);
    all.keep("a", one);
    all.keep("a", two);
    BOOST_TEST(all.take("b") == nullptr);
    BOOST_TEST((all.take("a") == two)); // the newest
    BOOST_TEST((all.take("a") == one));
    BOOST_TEST(all.take("a") == nullptr);
    const auto old = session_of(TLS1_2_VERSION), newer = session_of(TLS1_2_VERSION);
    all.keep("a", old);
    all.keep("a", newer);
    BOOST_TEST(all.size() == 1U);
    BOOST_TEST((all.take("a") == newer));
    BOOST_TEST((all.take("a") == newer));
    all.forget("a");
    BOOST_TEST(all.take("a") == nullptr);
}

BOOST_AUTO_TEST_CASE(the_oldest_tickets_are_dropped)
{
    tls_tickets all(6);
    for (int i = 0; i < 9; ++i)
        all.keep("a", session_of(TLS1_3_VERSION));
    BOOST_TEST(all.size() == tls_tickets::per_origin);
    for (const char* origin : {"b", "c", "d"})
        all.keep(origin, session_of(TLS1_3_VERSION));
    BOOST_TEST(all.size() == 6U);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(all.take("a") != nullptr);
    BOOST_TEST(all.take("a") == nullptr);
    BOOST_TEST(all.take("b") != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
