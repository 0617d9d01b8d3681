#include <weir/http/detail/exchange.hpp>

#include <weir/error.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using weir::http::client_options;
using weir::http::error_class;
using weir::http::failure;
using weir::http::hop;
using weir::http::io_step;
using weir::http::processed;
using weir::http::request;
using weir::http::response;
using weir::http::url;
using weir::http::detail::exchange;
using weir::http::detail::upload;
using action = exchange::action;
using ending = exchange::ending;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(http_exchange)

// An exchange without a socket: the test says what each read gives.
struct fixture {
    void begin(std::string method = "GET")
    {
        asked = request(url::parse("http://h/a").value(), method);
        sending.emplace(asked, 1000);
        if (wholly_sent)
            sending->sent();
        talk.emplace(asked, options, options.requests(), *sending, to, start, into);
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
    struct outlet final : weir::http::detail::body_outlet {
        explicit outlet(fixture& by) : owner(by) {}
        std::optional<failure> begin(const response&, const std::optional<std::uint64_t>&) override
        {
            owner.begun = true;
            if (owner.begin_throws)
                throw 5;
            return std::nullopt;
        }
        weir::error_code write(std::string_view part) override
        {
            if (owner.throws)
                throw 5;
            owner.body += part;
            return {};
        }
        fixture& owner;
    };
    outlet to{*this};
    bool begun = false;
    client_options options;
    request asked{url::parse("http://h/a").value()};
    hop into;
    bool wholly_sent = true;
    bool throws = false;
    bool begin_throws = false;
    std::optional<upload> sending;
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

BOOST_FIXTURE_TEST_CASE(a_sink_may_throw_anything, fixture)
{
    throws = true;
    begin();
    read(whole);
    BOOST_TEST((talk->next() == action::done));
    BOOST_TEST((talk->how() == ending::close));
    BOOST_TEST((into.answer.processed == processed::yes));
    BOOST_TEST_REQUIRE(into.answer.error.has_value());
    BOOST_TEST((into.answer.error->kind() == error_class::io));
}

BOOST_AUTO_TEST_CASE(a_request_may_ask_for_the_end_of_its_connection_among_other_words)
{
    const std::vector<std::vector<std::string>> fields = {
        {"close"}, {"keep-alive", "close"}, {"close", "keep-alive"}};
    for (const auto& values : fields) {
        fixture f;
        f.begin();
        for (const std::string& each : values)
            f.asked.header("Connection", each);
        f.read(whole);
        BOOST_TEST((f.talk->next() == action::done));
        BOOST_TEST((f.talk->how() == ending::close), values.front() << " first");
    }
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

BOOST_FIXTURE_TEST_CASE(a_server_that_wants_a_certificate_has_looked_at_no_request, fixture)
{
    const weir::error_code wanted(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED),
                                  boost::asio::error::get_ssl_category());
    begin();
    end(wanted);
    BOOST_TEST((talk->next() == action::done));
    BOOST_TEST((talk->how() == ending::close));
    BOOST_TEST((into.answer.processed == processed::no));
    BOOST_TEST_REQUIRE(into.answer.error.has_value());
    BOOST_TEST((into.answer.error->kind() == error_class::tls));
    begin(); // once it has begun to answer it is another matter
    read("HTTP/1.1 ");
    end(wanted);
    BOOST_TEST((into.answer.processed == processed::yes));
    BOOST_TEST((into.answer.error->kind() == error_class::incomplete));
}

BOOST_FIXTURE_TEST_CASE(it_says_whether_the_server_may_have_acted, fixture)
{
    begin();
    end(boost::asio::error::connection_reset);
    BOOST_TEST((talk->next() == action::done));
    BOOST_TEST((talk->how() == ending::close));
    BOOST_TEST((into.answer.processed == processed::maybe));
    begin();
    read("HTTP/1.1");
    BOOST_TEST((into.answer.processed == processed::yes));
    end();
    BOOST_TEST((talk->how() == ending::close));
    BOOST_TEST((into.answer.processed == processed::yes));
    BOOST_TEST_REQUIRE(into.answer.error.has_value());
    BOOST_TEST((into.answer.error->kind() == error_class::incomplete));
}

BOOST_AUTO_TEST_CASE(a_server_that_began_to_answer_may_have_acted_whatever_the_sink_does)
{
    fixture f;
    f.begin_throws = true;
    f.begin();
    BOOST_CHECK_THROW(f.read(whole), int);
    BOOST_TEST((f.into.answer.processed == processed::yes));
}

// The server says it of a connection that was idle, and did not see the request.
BOOST_FIXTURE_TEST_CASE(a_request_timeout_on_a_used_connection_says_nothing_of_the_request, fixture)
{
    constexpr std::string_view late = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    into.answer.reused = true;
    begin();
    read(late);
    BOOST_TEST((talk->how() == ending::close));
    BOOST_TEST((into.answer.processed == processed::maybe));
    begin("POST"); // it would not be sent again
    read(late);
    BOOST_TEST((into.answer.processed == processed::yes));
    into.answer.reused = false;
    begin();
    read(late);
    BOOST_TEST((into.answer.processed == processed::yes));
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

BOOST_AUTO_TEST_CASE(a_redirect_on_a_connection_that_ends_is_followed_at_once)
{
    for (const char* head :
         {"HTTP/1.0 302 Found\r\n", "HTTP/1.1 302 Found\r\nConnection: close\r\n",
          "HTTP/1.1 302 Found\r\n"}) {
        fixture f;
        f.begin();
        f.read(std::string(head) + "Location: /b\r\n" +
               (std::string_view(head).find("1.1 302 Found\r\nC") == std::string_view::npos
                    ? "\r\nslow"
                    : "Content-Length: 9\r\n\r\nslow"));
        BOOST_TEST((f.talk->next() == action::done), head);
        BOOST_TEST((f.talk->how() == ending::close));
        BOOST_TEST(f.into.next.has_value());
        BOOST_TEST(!f.into.answer.error.has_value());
        BOOST_TEST(f.body.empty());
    }
}

BOOST_AUTO_TEST_CASE(more_codings_than_are_undone_matter_only_where_the_body_does)
{
    const auto answer = [](fixture& f, const char* status) {
        f.options.decoding(weir::http::decoding_options());
        f.begin();
        f.read(std::string("HTTP/1.1 ") + status +
               "\r\nLocation: /b\r\nContent-Encoding: gzip, gzip, gzip, gzip\r\n"
               "Content-Length: 3\r\n\r\nabc");
        return f.into.answer.error;
    };
    fixture moved;
    BOOST_TEST(!answer(moved, "302 Found").has_value());
    BOOST_TEST(moved.into.next.has_value());
    BOOST_TEST((moved.talk->how() == ending::keep));
    fixture is;
    const auto error = answer(is, "200 OK");
    BOOST_TEST_REQUIRE(error.has_value());
    BOOST_TEST((error->kind() == error_class::too_large));
    BOOST_TEST(!is.begun);
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

BOOST_FIXTURE_TEST_CASE(an_answer_before_all_was_sent_closes_the_connection, fixture)
{
    wholly_sent = false;
    begin("POST");
    read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    BOOST_TEST(!sending->stopped()); // it may be made from what is still being sent
    read("bc");
    BOOST_TEST((talk->next() == action::done));
    BOOST_TEST((talk->how() == ending::close));
    BOOST_TEST(!into.answer.error.has_value());
    for (const char* first : {"HTTP/1.1 413 Content Too Large", "HTTP/1.1 302 Found",
                              "HTTP/1.1 300 Multiple Choices"}) {
        begin("POST");
        // The body is still to come: nothing but the header can have said it.
        read(std::string(first) + "\r\nLocation: /b\r\nContent-Length: 3\r\n\r\na");
        BOOST_TEST(sending->stopped(), first);
    }
}

BOOST_AUTO_TEST_SUITE_END()
