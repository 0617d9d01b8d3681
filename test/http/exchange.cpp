#include <weir/http/detail/exchange.hpp>

#include <weir/error.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

using weir::http::body_sink;
using weir::http::client_options;
using weir::http::error_class;
using weir::http::hop;
using weir::http::io_step;
using weir::http::request;
using weir::http::url;
using weir::http::detail::exchange;
using action = exchange::action;
using ending = exchange::ending;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(http_exchange)

// An exchange without a socket: the test says what each read gives.
struct fixture {
    void begin(std::string method = "GET")
    {
        asked = request(url::parse("http://h/a").value(), method);
        talk.emplace(asked, options, sink, start, into);
    }

    void read(std::string_view bytes, bool more_likely = false)
    {
        const io_step step(io_step::state::done, bytes.size());
        talk->took(step, bytes, more_likely, start + 3s);
    }
    void end(weir::error_code error = {})
    {
        const auto what = error ? io_step::state::failed : io_step::state::end;
        io_step step(what);
        step.error = error;
        talk->took(step, {}, false, start + 3s);
    }

    const weir::time_point start{};
    std::string body;
    body_sink sink = [this](std::string_view part) {
        body += part;
        return weir::error_code();
    };
    client_options options;
    request asked{url::parse("http://h/a").value()};
    hop into;
    std::optional<exchange> talk;
};

constexpr std::string_view whole = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

BOOST_FIXTURE_TEST_CASE(it_waits_first_and_keeps_the_connection_of_a_whole_response, fixture)
{
    begin();
    BOOST_TEST(talk->head().substr(0, 16) == "GET /a HTTP/1.1\r");
    BOOST_TEST((talk->next() == action::wait));
    read(whole);
    BOOST_TEST((talk->next() == action::done));
    BOOST_TEST((talk->how() == ending::keep));
    BOOST_TEST(body == "abc");
    BOOST_TEST(into.answer.status == 200u);
    BOOST_TEST((into.answer.timings.first_byte == 3s));
}

BOOST_FIXTURE_TEST_CASE(it_reads_on_while_more_is_likely_and_gives_others_a_turn, fixture)
{
    begin();
    read("HTTP/1.1 200 OK\r\n\r\n", true);
    std::size_t turns = 0;
    for (int i = 0; i < 64; ++i) {
        BOOST_TEST((talk->next() == action::read || talk->next() == action::turn));
        turns += talk->next() == action::turn ? 1 : 0;
        read("x", true);
    }
    BOOST_TEST(turns == 4u); // one read in sixteen
    read("y");
    BOOST_TEST((talk->next() == action::wait));
}

BOOST_FIXTURE_TEST_CASE(a_read_that_finds_nothing_waits_again, fixture)
{
    begin();
    talk->took(io_step(io_step::state::wait_read), {}, true, start);
    BOOST_TEST((talk->next() == action::wait));
}

BOOST_FIXTURE_TEST_CASE(a_reused_connection_that_was_closed_is_tried_again, fixture)
{
    into.answer.reused = true;
    begin();
    end(boost::asio::error::connection_reset);
    BOOST_TEST((talk->next() == action::done));
    BOOST_TEST((talk->how() == ending::retry));
}

BOOST_FIXTURE_TEST_CASE(a_request_is_not_sent_twice_when_that_may_matter, fixture)
{
    begin(); // a new connection: the server meant it
    end();
    BOOST_TEST((talk->how() == ending::close));
    into.answer.reused = true;
    begin("POST"); // not idempotent
    end();
    BOOST_TEST((talk->how() == ending::close));
    begin();
    read("HTTP/1.1"); // the answer had begun
    end();
    BOOST_TEST((talk->how() == ending::close));
    BOOST_TEST_REQUIRE(into.answer.error.has_value());
    BOOST_TEST((into.answer.error->kind() == error_class::incomplete));
}

BOOST_FIXTURE_TEST_CASE(a_redirect_leads_on_and_its_body_reaches_no_sink, fixture)
{
    begin();
    read("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 3\r\n\r\nabc");
    BOOST_TEST((talk->how() == ending::keep));
    BOOST_TEST_REQUIRE(into.next.has_value());
    BOOST_TEST(into.next->target().target() == "/b");
    BOOST_TEST(body.empty());
}

BOOST_FIXTURE_TEST_CASE(a_redirect_whose_body_is_cut_off_is_followed_all_the_same, fixture)
{
    begin();
    read("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 3\r\n\r\na");
    end();
    BOOST_TEST((talk->how() == ending::close));
    BOOST_TEST(into.next.has_value());
    BOOST_TEST(!into.answer.error.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_redirect_that_cannot_be_followed_is_an_error, fixture)
{
    begin();
    read("HTTP/1.1 302 Found\r\nLocation: ftp://h/\r\nContent-Length: 0\r\n\r\n");
    BOOST_TEST((talk->next() == action::done));
    BOOST_TEST((talk->how() == ending::close));
    BOOST_TEST(!into.next.has_value());
    BOOST_TEST_REQUIRE(into.answer.error.has_value());
    BOOST_TEST((into.answer.error->kind() == error_class::redirect));
}

BOOST_FIXTURE_TEST_CASE(without_redirects_a_redirect_is_an_answer, fixture)
{
    options.max_redirects(0);
    begin();
    read("HTTP/1.1 302 Found\r\nLocation: ftp://h/\r\nContent-Length: 1\r\n\r\na");
    BOOST_TEST(!into.answer.error.has_value());
    BOOST_TEST(!into.next.has_value());
    BOOST_TEST(body == "a");
}

BOOST_AUTO_TEST_SUITE_END()
