#include <weir/http/detail/response_reader.hpp>

#include "http/support/every_way.hpp"
#include "http/support/reading.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

using weir::error_code;
using weir::http::body_sink;
using weir::http::error_class;
using weir::http::response;
using weir::http::detail::response_limits;
using weir::http::detail::response_reader;
using weir::test::in_parts_of;
using weir::test::read_every_way;
using weir::test::read_parts;
using weir::test::reading;
using weir::test::reading_options;
using state = response_reader::state;

BOOST_AUTO_TEST_SUITE(http_response_reader)

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

struct row {
    std::string text;
    const char* body;
    bool reusable;
    std::string method = "GET";
};

BOOST_AUTO_TEST_CASE(good_responses_are_read_however_they_arrive)
{
    const row rows[] = {
        {ok + "Content-Length: 3\r\n\r\nabc", "abc", true},
        {ok + "Content-Length: 0\r\n\r\n", "", true},
        {chunked + "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", "abcd", true},
        {ok + "\r\nuntil the end", "until the end", false},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + ok +
             "Content-Length: 1\r\n\r\na",
         "a", true},
        // no body
        {"HTTP/1.1 204 No\r\n\r\n", "", true},
        {"HTTP/1.1 304 Not modified\r\nContent-Length: 100\r\n\r\n", "", true},
        {"HTTP/1.1 304 Not modified\r\nTransfer-Encoding: chunked\r\n\r\n", "", true},
        {ok + "Content-Length: 100\r\n\r\n", "", true, "HEAD"},
        {chunked, "", true, "HEAD"},
        {ok + "\r\n", "", true, "HEAD"},
        // the connection
        {ok + "Content-Length: 1\r\nConnection: close\r\n\r\na", "a", false},
        {ok + "Content-Length: 1\r\nConnection: keep-alive\r\nConnection: x,\tClose\r\n\r\na", "a",
         false},
        {ok + "Content-Length: 1\r\nConnection: closed\r\n\r\na", "a", true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\na", "a", true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: close, keep-alive\r\n\r\na", "a",
         false},
    };
    for (const row& r : rows) {
        reading_options options;
        options.method = r.method;
        const reading got = read_every_way(r.text, options);
        BOOST_TEST_CONTEXT(r.text)
        {
            BOOST_TEST(got.error == "");
            BOOST_TEST(got.body == r.body);
            BOOST_TEST(got.reusable == r.reusable);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_final_header_is_kept_and_those_before_it_are_not)
{
    const reading got = read_every_way("HTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 404 No\r\n"
                                       "Content-Encoding: gzip\r\nX: y\r\nx: z\r\n\r\n");
    BOOST_TEST(got.status == 404U);
    BOOST_TEST(got.fields == "Content-Encoding: gzip\nX: y\nx: z\n");
}

BOOST_AUTO_TEST_CASE(an_early_end_is_incomplete_wherever_it_comes)
{
    const std::string whole =
        "HTTP/1.1 100 Go on\r\n\r\n" + chunked + "3;a\r\nabc\r\n0\r\nA: b\r\n\r\n";
    for (std::size_t size = 0; size < whole.size(); ++size)
        BOOST_TEST(read_every_way(whole.substr(0, size)).error == "incomplete", size);
    const std::string sized = ok + "Content-Length: 3\r\n\r\nabc";
    for (std::size_t size = 0; size < sized.size(); ++size)
        BOOST_TEST(read_every_way(sized.substr(0, size)).error == "incomplete", size);
    BOOST_TEST(read_parts({ok + "Content-Length: 3\r\n\r\nab"}).text ==
               "the connection ended inside the body, after 2 of 3 bytes: the server closed it");
    BOOST_TEST(read_parts({}).text ==
               "the connection ended without an answer: the server closed it");
}

BOOST_AUTO_TEST_CASE(a_body_until_the_end_needs_an_end_that_is_meant)
{
    reading_options options;
    options.end = boost::asio::error::connection_reset;
    const reading got = read_every_way(ok + "\r\nabc", options);
    BOOST_TEST(got.error == "incomplete");
    BOOST_TEST(got.body == "abc");
}

// ---- limits

std::string error_of(const std::string& text, const response_limits& limits)
{
    reading_options options;
    options.limits = limits;
    const reading got = read_every_way(text, options);
    return got.error + (got.text.empty() ? "" : ": ") + got.text;
}

BOOST_AUTO_TEST_CASE(a_header_has_limits_for_its_bytes_fields_and_first_line)
{
    response_limits limits;
    limits.header_bytes = 60;
    limits.header_fields = 3;
    limits.status_line_bytes = 20;
    const std::string end = "Content-Length: 0\r\n\r\n"; // 21 bytes, and 17 are ok
    BOOST_TEST(error_of(ok + "A: " + std::string(17, 'x') + "\r\n" + end, limits) == "");
    const std::string larger = "too_large: the response's header is larger than the limit of 60";
    BOOST_TEST(error_of(ok + "A: " + std::string(18, 'x') + "\r\n" + end, limits) ==
               larger + " bytes");
    BOOST_TEST(error_of(ok + "A: " + std::string(99, 'x'), limits) == larger + " bytes");
    BOOST_TEST(error_of(ok + "A:\r\n\r\n" + std::string(99, 'x'), limits) == "");
    BOOST_TEST(error_of(ok + "A:\r\nB:\r\n" + end, limits) == "");
    BOOST_TEST(error_of(ok + "A:\r\nB:\r\nC:\r\n" + end, limits) ==
               "too_large: the response's header has more than 3 fields");
    BOOST_TEST(error_of("HTTP/1.1 200 45678\r\n" + end, limits) == "");
    const std::string long_line = "too_large: the status line is longer than the limit of 20 bytes";
    BOOST_TEST(error_of("HTTP/1.1 200 456789\r\n" + end, limits) == long_line);
    BOOST_TEST(error_of("HTTP/1.1 200 4567890123", limits) == long_line);
}

BOOST_AUTO_TEST_CASE(each_interim_header_has_the_limits_of_one)
{
    response_limits limits;
    limits.header_bytes = 60;
    limits.header_fields = 1;
    const std::string interim = "HTTP/1.1 103 Hints\r\nLink: abcdefghijkl\r\n\r\n";
    BOOST_TEST(error_of(interim + interim + ok + "Content-Length: 0\r\n\r\n", limits) == "");
}

BOOST_AUTO_TEST_CASE(a_field_may_be_as_long_as_the_header)
{
    const std::string value(200 * 1024, 'v');
    const reading got =
        read_parts(in_parts_of(1000, ok + "A: " + value + "\r\nContent-Length: 0\r\n\r\n"));
    BOOST_TEST(got.error == "");
    BOOST_TEST(got.fields.size() == value.size() + 4 + 18);
    const reading over = read_parts(in_parts_of(1000, ok + "A: " + value + value));
    BOOST_TEST(over.error == "too_large");
}

BOOST_AUTO_TEST_CASE(chunks_have_limits_for_their_lines_and_extensions)
{
    response_limits limits;
    limits.chunk_line_bytes = 10;
    limits.extension_bytes = 12;
    const std::string end = "0\r\n\r\n";
    BOOST_TEST(error_of(chunked + "1;345678\r\na\r\n" + end, limits) == "");
    const std::string line =
        "too_large: the size and extensions of a chunk have more than 10 bytes";
    BOOST_TEST(error_of(chunked + "1;3456789\r\na\r\n" + end, limits) == line);
    BOOST_TEST(error_of(chunked + "0000000000001\r\na\r\n" + end, limits) == line);
    BOOST_TEST(error_of(chunked + "1;" + std::string(99, 'x'), limits) == line);
    // 7 bytes a chunk: the second may have them, besides one of the body and 12 always
    BOOST_TEST(error_of(chunked + "1;345678\r\na\r\n1;34567\r\na\r\n" + end, limits) == "");
    BOOST_TEST(error_of(chunked + "1;345678\r\na\r\n1;345678\r\na\r\n" + end, limits) ==
               "too_large: the extensions of chunks have 14 bytes, after 1 of the body");
    std::string signed_chunks;
    for (int i = 0; i < 100; ++i)
        signed_chunks += "a;345678\r\n0123456789\r\n";
    BOOST_TEST(error_of(chunked + signed_chunks + end, limits) == "");
}

BOOST_AUTO_TEST_CASE(zeros_before_a_size_count_as_an_extension)
{
    response_limits limits;
    limits.extension_bytes = 12;
    const std::string zeros(28, '0');
    BOOST_TEST(error_of(chunked + zeros + "\r\n\r\n", limits) == "");
    BOOST_TEST(error_of(chunked + zeros + "0\r\n\r\n", limits) ==
               "too_large: the extensions of chunks have 13 bytes, after 0 of the body");
}

BOOST_AUTO_TEST_CASE(trailers_have_limits_of_their_own)
{
    response_limits limits;
    limits.trailer_bytes = 12;
    limits.trailer_fields = 2;
    BOOST_TEST(error_of(chunked + "0\r\nA: 345678\r\n\r\n", limits) ==
               "too_large: the response's "
               "trailer section is larger than the limit of 12 bytes");
    BOOST_TEST(error_of(chunked + "0\r\nA: 34567\r\n\r\n", limits) == "");
    BOOST_TEST(error_of(chunked + "0\r\nA:\r\nB:\r\n\r\n", limits) == "");
    BOOST_TEST(error_of(chunked + "0\r\nA:\r\nB:\r\nC:\r\n\r\n", limits) ==
               "too_large: the response's trailer section has more than 2 fields");
}

BOOST_AUTO_TEST_CASE(of_a_body_that_is_too_large_the_sink_gets_what_is_allowed)
{
    reading_options options;
    options.limits.body_bytes = 3;
    for (const std::string& text : {chunked + "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", ok + "\r\nabcd"}) {
        const reading got = read_every_way(text, options);
        BOOST_TEST(got.error == "too_large");
        BOOST_TEST(got.text == "the body is larger than the limit of 3 bytes");
        BOOST_TEST(got.body == "abc");
    }
    BOOST_TEST(read_every_way(ok + "Content-Length: 3\r\n\r\nabc", options).error == "");
    BOOST_TEST(read_every_way(chunked + "3\r\nabc\r\n0\r\n\r\n", options).error == "");
    const reading told = read_every_way(ok + "Content-Length: 4\r\n\r\nabcd", options);
    BOOST_TEST(told.text == "the body has 4 bytes, the limit is 3");
    BOOST_TEST(told.body == "");
}

// ---- the sink

state feed_all(response_reader& reader, std::string_view bytes)
{
    const state at = reader.feed(bytes);
    return at == state::head ? reader.feed(bytes) : at;
}

BOOST_AUTO_TEST_CASE(the_sink_sees_the_bytes_that_were_fed_and_no_copy)
{
    const std::string text = chunked + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    std::size_t calls = 0;
    const body_sink sink = [&](std::string_view piece) {
        BOOST_TEST((piece.data() >= text.data() && piece.data() < text.data() + text.size()));
        ++calls;
        return error_code();
    };
    response into;
    response_reader reader("GET", response_limits(), sink, into);
    BOOST_TEST((feed_all(reader, text) == state::done));
    BOOST_TEST(calls == 2U);
    BOOST_TEST(reader.kept() == 0U);
}

BOOST_AUTO_TEST_CASE(what_the_sink_says_ends_the_response_with_class_io)
{
    response into;
    const body_sink full = [](std::string_view) {
        return error_code(
            boost::system::errc::make_error_code(boost::system::errc::no_space_on_device));
    };
    response_reader refused("GET", response_limits(), full, into);
    BOOST_TEST((feed_all(refused, ok + "\r\nabc") == state::failed));
    BOOST_TEST((into.error->kind() == error_class::io));
    BOOST_TEST((into.error->code() == boost::system::errc::no_space_on_device));

    const body_sink throws = [](std::string_view) -> error_code {
        throw std::runtime_error("no more");
    };
    response_reader thrown("GET", response_limits(), throws, into);
    into.error.reset();
    BOOST_TEST((feed_all(thrown, chunked + "1\r\na\r\n") == state::failed));
    BOOST_TEST((into.error->kind() == error_class::io));
    BOOST_TEST(into.error->text() == "no more");
}

BOOST_AUTO_TEST_CASE(what_stood_in_the_response_before_does_not_count)
{
    response into;
    into.bytes = 99;
    into.trailers.append("Old", "x");
    response_reader reader(
        "GET", response_limits(), [](auto) { return error_code(); }, into);
    BOOST_TEST((feed_all(reader, ok + "Content-Length: 3\r\n\r\nabc") == state::done));
    BOOST_TEST(into.bytes == 3U);
    BOOST_TEST(into.trailers.empty());
}

BOOST_AUTO_TEST_CASE(a_discarded_body_is_counted_up_to_its_limit_and_reaches_no_sink)
{
    const body_sink none = [](std::string_view) -> error_code {
        throw std::logic_error("the body was discarded");
    };
    const auto discard = [&](const std::string& text, std::uint64_t most, std::uint64_t bytes,
                             bool reusable) {
        response into;
        response_limits limits;
        limits.body_bytes = 1;
        response_reader reader("GET", limits, none, into);
        std::string_view left = text;
        BOOST_TEST((reader.feed(left) == state::head));
        reader.discard_body(most);
        BOOST_TEST((reader.feed(left) == state::done));
        BOOST_TEST(!into.error.has_value());
        BOOST_TEST(into.wire_bytes == bytes);
        BOOST_TEST(into.bytes == 0U);
        BOOST_TEST(reader.reusable() == reusable);
    };
    discard(ok + "Content-Length: 4\r\n\r\nabcd", 4, 4, true);
    discard(ok + "Content-Length: 4\r\n\r\nabcd", 3, 3, false);
    discard(chunked + "4\r\nabcd\r\n0\r\n\r\n", 4, 4, true);
    discard(chunked + "4\r\nabcd\r\n0\r\n\r\n", 3, 3, false);
}

BOOST_AUTO_TEST_CASE(a_connection_that_ended_is_not_reusable)
{
    response into;
    response_reader reader(
        "GET", response_limits(), [](auto) { return error_code(); }, into);
    BOOST_TEST(!reader.started());
    BOOST_TEST((feed_all(reader, ok + "Content-Length: 0\r\n\r\n") == state::done));
    BOOST_TEST(reader.started());
    BOOST_TEST(reader.reusable());
    BOOST_TEST((reader.end({}) == state::done));
    BOOST_TEST(!reader.reusable());
}

// ---- memory and work

// Feeds `times` copies of `text` in parts of `step` bytes. Each byte is searched at most once,
// and never more than `most` bytes are kept.
void endless(const std::string& head, const std::string& text, std::size_t times, std::size_t step,
             std::size_t most, const response_limits& limits)
{
    response into;
    response_reader reader(
        "GET", limits, [](auto) { return error_code(); }, into);
    BOOST_TEST((feed_all(reader, head) == state::more));
    std::size_t kept = 0;
    for (std::size_t n = 0; n < times; ++n)
        for (std::string_view left = text; !left.empty();) {
            std::string_view bytes = left.substr(0, step);
            left.remove_prefix(bytes.size());
            BOOST_REQUIRE((reader.feed(bytes) == state::more));
            kept = std::max(kept, reader.kept());
        }
    BOOST_TEST(kept <= most);
    BOOST_TEST(kept > 0U);
    BOOST_TEST(reader.searched() <= head.size() + times * text.size());
}

BOOST_AUTO_TEST_CASE(endless_extensions_keep_no_more_than_one_line)
{
    response_limits limits;
    limits.extension_bytes = UINT64_MAX;
    const std::string chunk = "1;" + std::string(4000, 'x') + "\r\na\r\n";
    endless(chunked, chunk, 64 * 1024 * 1024 / chunk.size(), 61, 4003, limits);
    endless(chunked, chunk, 64, 1, 4003, limits);
}

BOOST_AUTO_TEST_CASE(a_line_in_single_bytes_is_searched_once)
{
    response_limits limits;
    limits.header_bytes = 1024 * 1024;
    endless("", ok + "A: " + std::string(512 * 1024, 'x'), 1, 1, 512 * 1024 + 3, limits);
    limits.trailer_bytes = 1024 * 1024;
    endless(chunked, "0\r\nA: " + std::string(512 * 1024, 'x'), 1, 1, 512 * 1024 + 3, limits);
}

BOOST_AUTO_TEST_CASE(a_body_is_not_searched)
{
    response into;
    response_reader reader(
        "GET", response_limits(), [](auto) { return error_code(); }, into);
    BOOST_TEST((feed_all(reader, chunked + "ffffff\r\n") == state::more));
    const auto before = reader.searched();
    BOOST_TEST((feed_all(reader, std::string(100000, '\n')) == state::more));
    BOOST_TEST(reader.searched() == before);
}

BOOST_AUTO_TEST_CASE(endless_headers_and_trailers_end)
{
    const auto bytes_until_failed = [](const std::string& head, const std::string& text) {
        response into;
        response_reader reader(
            "GET", response_limits(), [](auto) { return error_code(); }, into);
        std::size_t bytes = head.size();
        auto at = feed_all(reader, head);
        for (; at == state::more; bytes += text.size())
            at = feed_all(reader, text);
        BOOST_TEST((into.error->kind() == error_class::too_large));
        return bytes;
    };
    BOOST_TEST(bytes_until_failed("", "HTTP/1.1 ") <= 9000U);
    BOOST_TEST(bytes_until_failed(ok, "X: y\r\n") <= 8000U);
    BOOST_TEST(bytes_until_failed(ok, "X: yyyyyyyyyyyyyyyyyyyyyy") <= 257U * 1024);
    BOOST_TEST(bytes_until_failed(ok + "X: y\r\n", " \r\n") <= 257U * 1024);
    BOOST_TEST(bytes_until_failed(chunked, "1;xxxxxxx\r\na\r\n") <= 64U * 1024);
    BOOST_TEST(bytes_until_failed(chunked, ";") <= 5000U);
    BOOST_TEST(bytes_until_failed(chunked + "0\r\n", "X: y\r\n") <= 1000U);
    BOOST_TEST(bytes_until_failed(chunked + "0\r\n", "X: yyyyyyyyyyyyyyyyyyyyyyy") <= 17000U);
}

BOOST_AUTO_TEST_SUITE_END()
