// What the reader and the exchange make of content codings. The decoder itself: content_decoder.cpp
#include <weir/http/detail/body_outlet.hpp>
#include <weir/http/detail/exchange.hpp>
#include <weir/http/detail/response_reader.hpp>
#include <weir/http/detail/upload.hpp>

#include "http/support/encoding.hpp"
#include "http/support/every_way.hpp"
#include "http/support/reading.hpp"
#include "http/support/simulated_client.hpp"
#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <weir/time/sleep.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::http::client_options;
using weir::http::content_codings;
using weir::http::decoding_options;
using weir::http::hop;
using weir::http::io_step;
using weir::http::request;
using weir::http::url;
using weir::http::detail::exchange;
using weir::http::detail::function_outlet;
using weir::http::detail::upload;
using weir::test::read_every_way;
using weir::test::reading;
using weir::test::reading_options;
using weir::test::to_br;
using weir::test::to_gzip;

BOOST_AUTO_TEST_SUITE(http_response_codings)

std::string answer(const std::string& coding, const std::string& body, int status = 200)
{
    return "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Encoding: " + coding +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

reading read(const std::string& text, std::string method = "GET")
{
    reading_options options;
    options.method = std::move(method);
    options.decoding = decoding_options();
    return read_every_way(text, options);
}

BOOST_AUTO_TEST_CASE(a_length_counts_the_wire_and_the_sink_gets_the_text)
{
    const std::string text(1000, 'a'), body = to_gzip(text);
    const reading got = read(answer("x-gzip", body));
    BOOST_TEST(got.error == "");
    BOOST_TEST(got.body == text);
    BOOST_TEST(got.wire_bytes == body.size());
    BOOST_TEST(got.coding == "");
    BOOST_TEST(got.reusable);
    BOOST_TEST(got.fields.substr(0, 25) == "Content-Encoding: x-gzip\n"); // they stay as they came
}

BOOST_AUTO_TEST_CASE(chunks_and_bodies_until_the_end_are_decoded_too)
{
    const std::string body = to_br("text");
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n";
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n1\r\n" + body[0] +
                                "\r\n" + std::to_string(body.size() - 1) + "\r\n" + body.substr(1) +
                                "\r\n0\r\nTrailer: t\r\n\r\n";
    const reading got = read(chunked);
    BOOST_TEST(got.error == "");
    BOOST_TEST(got.body == "text");
    BOOST_TEST(got.trailers == "Trailer: t\n");
    BOOST_TEST(read(head + "\r\n" + body).body == "text");
    BOOST_TEST(read(head + "\r\n" + body.substr(0, body.size() - 1)).error == "incomplete");
}

BOOST_AUTO_TEST_CASE(a_whole_message_with_a_body_that_is_cut_off_is_incomplete)
{
    const std::string body = to_gzip("text");
    const reading got = read(answer("gzip", body.substr(0, body.size() - 4)));
    BOOST_TEST(got.error == "incomplete");
    BOOST_TEST(got.text == "the body ended inside its gzip data, after 4 decoded bytes");
    BOOST_TEST(!got.reusable);
}

BOOST_AUTO_TEST_CASE(what_was_not_asked_for_arrives_as_it_is_and_is_named)
{
    const std::string body = to_gzip("text");
    const reading got = read_every_way(answer("gzip", body), reading_options());
    BOOST_TEST(got.body == body);
    BOOST_TEST(got.coding == "gzip");
    for (const char* const unknown : {"compress", "gzip, foo", "gzip, gzip, gzip, foo"}) {
        const reading raw = read(answer(unknown, body));
        BOOST_TEST(raw.error == "");
        BOOST_TEST(raw.body == body);
        BOOST_TEST(raw.coding == unknown);
    }
}

// The first three stop in the middle of their bodies; the next finds no room, one later does.
BOOST_AUTO_TEST_CASE(all_responses_of_a_client_decode_in_the_same_memory)
{
    weir::test::simulation s(1);
    const std::string whole = answer("gzip", to_gzip("text"));
    const std::size_t half = whole.size() - 3;
    const auto script = [&](weir::test::simulated_peer& by) -> asio::awaitable<void> {
        const bool stops = (co_await by.head()).find("GET /first ") == 0;
        co_await by.say(whole.substr(0, half));
        if (stops)
            co_await weir::async_sleep_for(s.b.get_executor(), 5s);
        co_await by.say(whole.substr(half));
    };
    const auto little = decoding_options().max_memory_of_all(128 * 1024);
    weir::test::machines m(s, client_options().decoding(little));
    weir::test::simulated_peers peers(m.all, weir::test::web, s.b, script);
    for (int i = 0; i < 3; ++i) // each takes 40 kB
        m.expect("http://192.0.2.1/first", std::nullopt, "text", 5s);
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 1s);
        m.expect("http://192.0.2.1/next", weir::http::error_class::too_large, "");
        co_await weir::async_sleep_for(s.a.get_executor(), 5s);
        m.expect("http://192.0.2.1/later", std::nullopt, "text");
    });
    s.run();
    BOOST_TEST(peers.connections == 5U);
}

BOOST_AUTO_TEST_CASE(a_response_without_a_body_has_nothing_to_decode)
{
    const std::string head = "x\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n";
    for (const reading& got : {read("HTTP/1.1 200 " + head, "HEAD"), read("HTTP/1.1 204 " + head),
                               read("HTTP/1.1 304 " + head), read(answer("gzip", ""))}) {
        BOOST_TEST(got.error == "");
        BOOST_TEST(got.body == "");
        BOOST_TEST(got.coding == "");
        BOOST_TEST(got.reusable);
    }
}

BOOST_AUTO_TEST_CASE(a_part_of_a_body_is_not_decoded)
{
    const reading got = read(answer("gzip", "art of it", 206));
    BOOST_TEST(got.error == "");
    BOOST_TEST(got.body == "art of it");
    BOOST_TEST(got.coding == "gzip");
}

BOOST_AUTO_TEST_CASE(at_most_three_codings_are_undone)
{
    const std::string thrice = to_gzip(to_gzip(to_gzip("text")));
    BOOST_TEST(read(answer("gzip, identity, gzip, gzip", thrice)).body == "text");
    const reading got = read(answer("gzip, gzip, gzip, gzip", to_gzip(thrice)));
    BOOST_TEST(got.error == "too_large");
    BOOST_TEST(got.text == "the body has 4 content codings, the limit is 3");
}

BOOST_AUTO_TEST_CASE(wire_and_decoded_bytes_have_limits_of_their_own)
{
    const std::string text(1000, 'a'), body = to_gzip(text);
    reading_options options;
    options.decoding = decoding_options().max_bytes(100);
    options.limits.body_bytes = body.size();
    reading got = read_every_way(answer("gzip", body), options);
    BOOST_TEST(got.error == "too_large");
    BOOST_TEST(got.text == "the decoded body is larger than the limit of 100 bytes");
    BOOST_TEST(got.body == text.substr(0, 100));
    options.decoding = decoding_options();
    BOOST_TEST(read_every_way(answer("gzip", body), options).error == "");
    options.limits.body_bytes = body.size() - 1;
    BOOST_TEST(read_every_way(answer("gzip", body), options).error == "too_large");
}

// ---- the exchange

struct fixture {
    std::string talk(request what, const std::string& response)
    {
        function_outlet to([this](std::string_view part) {
            if (refuse)
                return weir::error_code(boost::asio::error::fault);
            body += part;
            return weir::error_code();
        });
        upload sending(what, 0);
        sending.sent();
        exchange rules(what, options, options.requests(), sending, to, {}, into);
        const std::string head = rules.head();
        const io_step step(io_step::state::done, response.size());
        rules.took(step, response, false, {});
        for (auto before = body.size(); rules.next() == exchange::action::resume; ++pauses) {
            largest = std::max(largest, body.size() - before);
            before = body.size();
            rules.resume({});
        }
        BOOST_TEST((rules.next() == exchange::action::done));
        kept = rules.how() == exchange::ending::keep;
        const auto at = head.find("Accept-Encoding: ");
        return at == std::string::npos ? "" : head.substr(at, head.find("\r\n", at) - at);
    }

    const request asked{url::parse("http://h/a").value()};
    client_options options;
    std::string body;
    bool refuse = false;
    bool kept = false;
    std::size_t pauses = 0;
    std::size_t largest = 0; // what came between two pauses
    hop into;
};

BOOST_AUTO_TEST_CASE(a_client_asks_for_all_codings_and_undoes_them)
{
    fixture f;
    BOOST_TEST(f.talk(f.asked, answer("gzip", to_gzip("text"))) ==
               "Accept-Encoding: gzip, deflate, br, zstd");
    BOOST_TEST(f.body == "text");
    BOOST_TEST(f.kept);
}

BOOST_AUTO_TEST_CASE(a_request_that_asks_by_hand_gets_what_comes)
{
    fixture f;
    const std::string encoded = to_gzip("text");
    BOOST_TEST(f.talk(request(f.asked).header("Accept-Encoding", "gzip"),
                      answer("gzip", encoded)) == "Accept-Encoding: gzip");
    BOOST_TEST(f.body == encoded);
    BOOST_TEST(f.into.answer.coding == "gzip");
}

BOOST_AUTO_TEST_CASE(a_client_asks_for_none_when_its_options_say_so)
{
    fixture f;
    const std::string encoded = to_gzip("text");
    f.options.decoding(decoding_options().accept(content_codings::none));
    BOOST_TEST(f.talk(f.asked, answer("gzip", encoded)) == "");
    BOOST_TEST(f.body == encoded);
}

BOOST_AUTO_TEST_CASE(a_range_is_asked_for_without_codings)
{
    fixture f;
    BOOST_TEST(f.talk(request(f.asked).header("Range", "bytes=1-"), answer("gzip", "x")) ==
               "Accept-Encoding: identity");
    BOOST_TEST(f.into.answer.coding == "gzip"); // nobody asked for it
}

BOOST_AUTO_TEST_CASE(the_body_of_a_redirect_is_not_decoded)
{
    fixture f;
    std::string moved = answer("gzip", "not gzip at all", 302);
    moved.insert(moved.find("Content-E"), "Location: /b\r\n");
    f.talk(f.asked, moved);
    BOOST_TEST(f.into.next.has_value());
    BOOST_TEST(!f.into.answer.error.has_value());
    BOOST_TEST(f.into.answer.wire_bytes == 15U);
    BOOST_TEST(f.body == "");
    BOOST_TEST(f.kept);
}

BOOST_AUTO_TEST_CASE(a_sink_that_refuses_ends_a_decoded_body_at_once)
{
    fixture f;
    f.refuse = true;
    f.talk(f.asked, answer("gzip", to_gzip(std::string(1'000'000, 'a'))));
    BOOST_TEST((f.into.answer.error->kind() == weir::http::error_class::io));
    BOOST_TEST(f.into.answer.bytes == 32 * 1024U);
}

std::string some_noise(int seed)
{
    std::mt19937 random(static_cast<unsigned>(seed));
    std::string noise;
    for (int i = 0; i < 100; ++i)
        noise += static_cast<char>(random());
    return noise;
}

BOOST_AUTO_TEST_CASE(what_one_read_decodes_to_comes_in_parts)
{
    constexpr std::size_t kibibyte = 1024;
    fixture f;
    std::string text;
    for (int i = 0; i < 160; ++i) // a hundred times as much as on the wire, and more
        text.append(100 * kibibyte, static_cast<char>('a' + i % 26)).append(some_noise(i));
    f.talk(f.asked, answer("gzip", to_gzip(text)));
    BOOST_TEST((f.body == text));
    BOOST_TEST(f.kept);
    BOOST_TEST(f.pauses >= 10U);
    BOOST_TEST(f.largest <= (256 + 1032) * kibibyte);
    fixture small;
    small.talk(small.asked, answer("gzip", to_gzip(std::string(200 * kibibyte, 'a'))));
    BOOST_TEST(small.pauses == 0U);
}

// "text" by zstd and a frame to skip: so many bytes in all.
std::string to_zstd_of(std::size_t size)
{
    std::string body = weir::test::to_zstd("text");
    const std::size_t skipped = size - body.size() - 8;
    body.append("\x50\x2a\x4d\x18", 4);
    for (const unsigned shift : {0U, 8U, 16U, 24U})
        body += static_cast<char>(skipped >> shift);
    return body.append(skipped, 's');
}

BOOST_AUTO_TEST_CASE(bytes_behind_a_decoded_body_close_its_connection)
{
    for (const std::size_t size : {100U, 1024U, 2048U, 5000U}) // it is decoded in slices of 1024
        for (const std::size_t behind : {0U, 1U, 5000U}) {
            fixture f;
            f.talk(f.asked, answer("zstd", to_zstd_of(size)) + std::string(behind, 'x'));
            BOOST_TEST(f.body == "text");
            BOOST_TEST(!f.into.answer.error.has_value());
            BOOST_TEST(f.kept == (behind == 0));
        }
}

BOOST_AUTO_TEST_SUITE_END()
