#include <weir/http/detail/response_reader.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <string_view>

using weir::http::body_sink;
using weir::http::error_class;
using weir::http::response;
using weir::http::verb;
using weir::http::detail::response_limits;
using weir::http::detail::response_reader;

BOOST_AUTO_TEST_SUITE(http_response_reader)

struct read {
    response answer;
    std::string body;
    bool reusable = false;
};

// Fed in parts of `step` bytes, then the connection ends, if it is still needed.
read read_in_parts(std::string_view text, std::size_t step, response_limits limits = {},
                   verb method = verb::get)
{
    using state = response_reader::state;
    read got;
    const body_sink sink = [&](std::string_view part) {
        got.body += part;
        return boost::system::error_code();
    };
    response_reader reader(method, limits, sink, got.answer);
    auto at = state::more;
    while (!text.empty() && at == state::more) {
        auto part = text.substr(0, step);
        text.remove_prefix(part.size());
        at = reader.feed(part);
        if (at == state::head)
            at = reader.feed(part);
    }
    if (at == state::more)
        at = reader.end({});
    got.reusable = at == state::done && reader.reusable();
    return got;
}

struct row {
    const char* text;
    const char* body;
    bool reusable;
};

BOOST_AUTO_TEST_CASE(good_responses_are_read_however_they_arrive)
{
    const row rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true},
        {"HTTP/1.1 204 No\r\n\r\n", "", true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
         "abcd", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na", "a", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a", false},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end", false},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
         "Content-Length: 1\r\n\r\na",
         "a", true},
    };
    for (const row& r : rows)
        for (const std::size_t step : {1U, 2U, 7U, 1000U}) {
            const read got = read_in_parts(r.text, step);
            BOOST_TEST_CONTEXT(r.text << " in parts of " << step)
            {
                BOOST_TEST(!got.answer.error);
                BOOST_TEST(got.body == r.body);
                BOOST_TEST(got.reusable == r.reusable);
            }
        }
}

BOOST_AUTO_TEST_CASE(bad_ones_have_their_class)
{
    const auto error_of = [](const std::string& text, response_limits limits = {}) {
        const read got = read_in_parts(text, 5, limits);
        return got.answer.error ? std::string(name(got.answer.error->kind())) : "none";
    };
    response_limits small;
    small.body_bytes = 3;
    small.header_bytes = 200;
    BOOST_TEST(error_of("SSH-2.0-OpenSSH\r\n\r\n") == "protocol");
    BOOST_TEST(error_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc") == "incomplete");
    BOOST_TEST(error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab") ==
               "incomplete");
    BOOST_TEST(error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") ==
               "protocol");
    BOOST_TEST(error_of("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", small) == "too_large");
    BOOST_TEST(
        error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
                 small) == "too_large");
    BOOST_TEST(error_of("HTTP/1.1 200 OK\r\nX: " + std::string(500, 'x') + "\r\n\r\n", small) ==
               "too_large");
    std::string endless;
    for (int i = 0; i < 100; ++i)
        endless += "HTTP/1.1 100 Continue\r\n\r\n";
    BOOST_TEST(error_of(endless) == "protocol");
}

BOOST_AUTO_TEST_CASE(bytes_after_the_response_cost_the_connection)
{
    const read got = read_in_parts("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1", 1000);
    BOOST_TEST(!got.answer.error);
    BOOST_TEST(!got.reusable);
}

BOOST_AUTO_TEST_CASE(head_has_no_body_whatever_its_length)
{
    const read got =
        read_in_parts("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 9, {}, verb::head);
    BOOST_TEST(!got.answer.error);
    BOOST_TEST(got.reusable);
}

BOOST_AUTO_TEST_SUITE_END()
