#include <weir/http/detail/tunnel.hpp>

#include <weir/http/proxies.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace http = weir::http;
using http::detail::tunnel;

BOOST_AUTO_TEST_SUITE(http_tunnel)

http::proxy some_proxy(const std::string& user = "")
{
    const http::proxies all = http::proxies().http(user + "proxy.example:3128");
    return *all.of(http::url::parse("http://a/").value());
}

// What is left for the tunnel when the reply arrives in pieces of this size; the text of the fault.
struct outcome {
    bool over = false;
    std::string left;
    std::string fault;
};

outcome feed(const http::proxy& by, const std::string& reply, std::size_t piece)
{
    tunnel asked(by, "a.example:443");
    outcome all;
    for (std::size_t at = 0; at < reply.size(); at += piece) {
        std::string_view bytes = std::string_view(reply).substr(at, piece);
        if (all.over) {
            all.left += bytes;
            continue;
        }
        all.over = asked.took(bytes);
        all.left += bytes;
    }
    if (!all.over)
        asked.ended(boost::asio::error::eof);
    if (asked.fault()) {
        BOOST_TEST((asked.fault()->kind() == http::error_class::proxy));
        all.fault = asked.fault()->text();
    }
    return all;
}

BOOST_AUTO_TEST_CASE(a_tunnel_is_asked_for)
{
    const http::proxy by = some_proxy("user:pass@");
    BOOST_TEST(tunnel(by, "a.example:443").head("weir") ==
               "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nUser-Agent: weir\r\n"
               "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n");
    const http::proxy open = some_proxy();
    BOOST_TEST(
        tunnel(open, "[2001:db8::1]:1").head("x") ==
        "CONNECT [2001:db8::1]:1 HTTP/1.1\r\nHost: [2001:db8::1]:1\r\nUser-Agent: x\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_reply_of_2xx_makes_it_and_what_follows_is_the_tunnels)
{
    const http::proxy by = some_proxy();
    for (const char* reply :
         {"HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200\r\n\r\n",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nVia: x\r\n\r\n",
          // these count for no tunnel
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"})
        for (const std::size_t piece : {1U, 7U, 1000U})
            BOOST_TEST_CONTEXT(reply << " in pieces of " << piece)
            {
                const outcome all = feed(by, std::string(reply) + "\x16\x03tls", piece);
                BOOST_TEST(all.over);
                BOOST_TEST(all.fault == "");
                BOOST_TEST(all.left == "\x16\x03tls");
            }
}

BOOST_AUTO_TEST_CASE(every_other_reply_is_a_fault_in_a_sentence)
{
    struct row {
        std::string reply;
        const char* says;
    };
    const row rows[] = {
        {"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nbody", "403 Forbidden"},
        {"HTTP/1.1 407 Auth\r\n\r\n", "407 Proxy Authentication Required; write http://user"},
        {"HTTP/1.1 502 x\r\n\r\n", "502 Bad Gateway"},
        {"HTTP/1.1 302 x\r\nLocation: http://b/\r\n\r\n", ": 302"},
        {"HTTP/1.1 799 x\r\n\r\n", ": 799"},
        {"HTTP/1.1 101 x\r\n\r\n", "another protocol"},
        {"SSH-2.0 hello\r\n", "HTTP"},
        {"HTTP/1.1 200 OK\r\nVia: ", "ended inside the response's header"},
        {"", "ended without an answer"},
        {"HTTP/1.1 200 OK\r\nX: " + std::string(17000, 'x'), "limit"},
        {"HTTP/1.1 200 OK\r\n" +
             [] {
                 std::string fields;
                 for (int i = 0; i < 101; ++i)
                     fields += "X: y\r\n";
                 return fields;
             }() +
             "\r\n",
         "fields"},
    };
    for (const row& r : rows)
        for (const std::size_t piece : {1U, 100000U})
            BOOST_TEST_CONTEXT(r.reply.substr(0, 40) << " in pieces of " << piece)
            {
                const outcome all = feed(some_proxy(), r.reply, piece);
                BOOST_TEST(all.fault.find("the proxy proxy.example:3128 made no tunnel to "
                                          "a.example:443: ") == 0U);
                BOOST_TEST(all.fault.find(r.says) != std::string::npos, all.fault);
            }
    const outcome known = feed(some_proxy("u:secret@"), "HTTP/1.1 407 Auth\r\n\r\n", 1);
    BOOST_TEST(known.fault.find("does not accept this user name") != std::string::npos);
    BOOST_TEST(known.fault.find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
