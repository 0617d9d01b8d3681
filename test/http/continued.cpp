// Bodies that break off, for receivers that take the rest.
#include <weir/http/body_receiver.hpp>
#include <weir/http/client.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/sim/network.hpp>

#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using http::error_class;
using weir::test::in_many_orders;
using weir::test::simulated_peer;
using weir::test::simulated_peers;
using weir::test::simulation;

namespace {

const weir::sim::network::endpoint web(asio::ip::make_address("192.0.2.1"), 80);

class file final : public http::body_receiver {
public:
    asio::awaitable<weir::error_code> begin(std::uint64_t offset, const http::response&) override
    {
        begun.push_back(offset);
        BOOST_TEST((offset == 0 || offset == got.size()));
        got.resize(offset);
        co_return weir::error_code();
    }
    asio::awaitable<weir::error_code> write(std::string_view part) override
    {
        got += part;
        co_return weir::error_code();
    }
    asio::awaitable<weir::error_code> end() override
    {
        ++ended;
        co_return weir::error_code();
    }
    bool accepts_offset() const override { return takes_rest; }

    bool takes_rest = true;
    std::string got;
    std::vector<std::uint64_t> begun;
    int ended = 0;
};

// Its server gives one of these answers on each connection, and closes it.
struct scene {
    explicit scene(simulation& sim, std::vector<std::string> answers,
                   const http::client_options& options = http::client_options())
        : s(sim), all(sim.world), answers_(std::move(answers)),
          client(sim.a.get_executor(), options,
                 std::make_shared<http::simulated_network>(sim.a, all)),
          peers(all, web, sim.b, [this](simulated_peer& by) { return serve(by); })
    {
    }

    asio::awaitable<void> serve(simulated_peer& by)
    {
        asked.push_back(co_await by.head());
        BOOST_REQUIRE(asked.size() <= answers_.size());
        const std::string answer = answers_[asked.size() - 1];
        co_await by.say(answer);
    }

    http::response get()
    {
        http::response answer;
        s.spawn([&]() -> asio::awaitable<void> {
            http::request ask(http::url::parse("http://192.0.2.1/a").value());
            auto asking = client.async_request_into(std::move(ask), to);
            answer = co_await std::move(asking);
            client.close_idle();
        });
        s.run();
        return answer;
    }

    simulation& s;
    weir::sim::network all;
    std::vector<std::string> answers_;
    http::client client;
    file to;
    std::vector<std::string> asked;
    simulated_peers peers;
};

std::string head(const char* status, std::size_t length, const char* more)
{
    return std::string("HTTP/1.1 ") + status + "\r\nContent-Length: " + std::to_string(length) +
           "\r\n" + more + "\r\n";
}

const std::string broken = head("200 OK", 10, "ETag: \"a\"\r\n") + "0123";
constexpr const char* rest_of_a = "ETag: \"a\"\r\nContent-Range: bytes 4-9/10\r\n";

} // namespace

BOOST_AUTO_TEST_SUITE(http_continued)

BOOST_AUTO_TEST_CASE(the_rest_is_asked_for_and_follows)
{
    in_many_orders([](simulation& s) {
        scene x(s, {broken, head("206 Partial Content", 6, rest_of_a) + "456789"});
        const auto answer = x.get();
        BOOST_TEST(!answer.error);
        BOOST_TEST(answer.status == 200U); // that of the body as a whole
        BOOST_TEST(answer.bytes == 10U);
        BOOST_TEST(x.to.got == "0123456789");
        BOOST_TEST(x.to.begun == std::vector<std::uint64_t>({0, 4}),
                   boost::test_tools::per_element());
        BOOST_TEST(x.to.ended == 1);
        BOOST_REQUIRE(x.asked.size() == 2U);
        BOOST_TEST(x.asked[0].find("Range:") == std::string::npos);
        BOOST_TEST(x.asked[1].find("\r\nRange: bytes=4-\r\n") != std::string::npos);
        BOOST_TEST(x.asked[1].find("\r\nIf-Range: \"a\"\r\n") != std::string::npos);
        BOOST_TEST(answer.attempts.size() == 2U);
    });
}

BOOST_AUTO_TEST_CASE(it_may_break_off_again_while_something_arrives)
{
    simulation s(1);
    const std::string second = head("206 Partial Content", 6, rest_of_a) + "45";
    const std::string third =
        head("206 Partial Content", 4, "ETag: \"a\"\r\nContent-Range: bytes 6-9/10\r\n") + "6789";
    scene x(s, {broken, second, third});
    BOOST_TEST(!x.get().error);
    BOOST_TEST(x.to.got == "0123456789");
    BOOST_TEST(x.to.ended == 1);
}

BOOST_AUTO_TEST_CASE(the_trailers_are_those_of_the_rest)
{
    simulation s(1);
    scene x(s, {broken, std::string("HTTP/1.1 206 Partial Content\r\n") + rest_of_a +
                            "Transfer-Encoding: chunked\r\n\r\n"
                            "6\r\n456789\r\n0\r\nX-Sum: 45\r\n\r\n"});
    const auto answer = x.get();
    BOOST_TEST(!answer.error);
    BOOST_TEST(x.to.got == "0123456789");
    BOOST_TEST(answer.trailers["X-Sum"] == "45");
}

BOOST_AUTO_TEST_CASE(it_ends_where_nothing_more_arrives)
{
    simulation s(1);
    scene x(s, {broken, head("206 Partial Content", 6, rest_of_a)});
    const auto answer = x.get();
    BOOST_REQUIRE(answer.error.has_value());
    BOOST_TEST((answer.error->kind() == error_class::incomplete));
    BOOST_TEST(x.to.got == "0123");
    BOOST_TEST(x.to.ended == 0);
}

BOOST_AUTO_TEST_CASE(a_body_that_has_changed_comes_whole)
{
    simulation s(1);
    scene x(s, {broken, head("200 OK", 3, "ETag: \"b\"\r\n") + "new"});
    const auto answer = x.get();
    BOOST_TEST(!answer.error);
    BOOST_TEST(answer.fields["ETag"] == "\"b\"");
    BOOST_TEST(answer.bytes == 3U);
    BOOST_TEST(x.to.got == "new");
    BOOST_TEST(x.to.begun == std::vector<std::uint64_t>({0, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_largest_body_is_that_of_its_parts_together)
{
    // Its length is not known before the rest is said to be larger than all may be.
    const std::string open = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "4\r\n0123\r\n";
    const std::string rest = head("206 Partial Content", 6, rest_of_a) + "456789";
    for (const unsigned most : {9u, 10u}) {
        simulation s(1);
        scene x(s, {open, rest}, http::client_options().max_body(most));
        const auto answer = x.get();
        BOOST_TEST(answer.error.has_value() == (most == 9));
        BOOST_TEST(x.to.got == (most == 9 ? "0123" : "0123456789"));
        if (!answer.error)
            continue;
        BOOST_TEST((answer.error->kind() == error_class::too_large));
        BOOST_TEST(answer.error->text() == "the body has 10 bytes, the limit is 9");
    }
}

BOOST_AUTO_TEST_CASE(another_answer_leaves_what_there_is)
{
    simulation s(1);
    scene x(s, {broken, head("503 Service Unavailable", 4, "") + "busy"});
    const auto answer = x.get();
    BOOST_REQUIRE(answer.error.has_value());
    BOOST_TEST((answer.error->kind() == error_class::incomplete));
    BOOST_TEST(answer.status == 200U);
    BOOST_TEST(x.to.got == "0123");
    BOOST_TEST(x.to.begun.size() == 1U);
}

// Only the last chunk was missing. That the answer that says so breaks off changes nothing.
BOOST_AUTO_TEST_CASE(a_body_of_which_nothing_was_missing_ends_once)
{
    const std::string cut = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "5\r\nhello\r\n";
    for (const char* text : {"nothing..", "nothi"}) {
        simulation s(1);
        const char* range = "Content-Range: bytes */5\r\n";
        scene x(s, {cut, head("416 Range Not Satisfiable", 9, range) + text});
        const auto answer = x.get();
        BOOST_TEST(!answer.error);
        BOOST_TEST(x.to.got == "hello");
        BOOST_TEST(x.to.ended == 1);
    }
}

// What it says of the range is one thing, what it sends is another.
BOOST_AUTO_TEST_CASE(a_rest_that_is_too_short_or_too_long_makes_nothing_whole)
{
    const std::string chunked = std::string("HTTP/1.1 206 Partial Content\r\n") + rest_of_a +
                                "Transfer-Encoding: chunked\r\n\r\n";
    struct {
        std::string answer;
        const char* kept;
        std::size_t asked;
    } const cases[] = {
        {head("206 Partial Content", 3, rest_of_a) + "456", "0123", 2},
        {head("206 Partial Content", 0, rest_of_a), "0123", 2},
        {head("206 Partial Content", 8, rest_of_a) + "456789AB", "0123", 2},
        {chunked + "3\r\n456\r\n0\r\n\r\n", "0123456", 3},
        {chunked + "8\r\n456789AB\r\n0\r\n\r\n", "0123", 2},
    };
    for (const auto& each : cases)
        BOOST_TEST_CONTEXT(each.answer)
        {
            simulation s(1);
            scene x(s, {broken, each.answer, head("404 Not Found", 0, "")});
            const auto answer = x.get();
            BOOST_TEST(answer.error.has_value());
            BOOST_TEST(x.to.got == each.kept);
            BOOST_TEST(x.to.ended == 0);
            BOOST_TEST(x.asked.size() == each.asked);
        }
}

BOOST_AUTO_TEST_CASE(it_is_not_asked_for_where_that_is_not_safe)
{
    const std::string weak = head("200 OK", 10, "ETag: W/\"a\"\r\n") + "0123";
    for (const bool takes_rest : {false, true}) {
        simulation s(1);
        scene x(s, {takes_rest ? weak : broken});
        x.to.takes_rest = takes_rest;
        const auto answer = x.get();
        BOOST_REQUIRE(answer.error.has_value());
        BOOST_TEST(x.asked.size() == 1U);
        BOOST_TEST(x.to.got == "0123");
    }
}

BOOST_AUTO_TEST_SUITE_END()
