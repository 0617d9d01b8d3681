// Bodies that become files.
#include <weir/http/client.hpp>
#include <weir/http/file_receiver.hpp>

#include "http/support/peer_scene.hpp"
#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace http = weir::http;
using http::error_class;
using weir::test::peer_scene;
using weir::test::simulated_peer;
using weir::test::simulation;

namespace {

struct folder {
    folder()
    {
        std::string name = (fs::temp_directory_path() / "weir-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
        file = (path / "page").string();
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder()
    {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }

    std::string content() const
    {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    void put(const std::string& text) const { std::ofstream(file) << text; }
    std::ptrdiff_t files() const
    {
        return std::distance(fs::directory_iterator(path), fs::directory_iterator());
    }

    fs::path path;
    std::string file;
};

using script = std::function<asio::awaitable<void>(simulated_peer& by)>;

// The error of a request whose body goes to this file.
std::optional<http::failure> store(const std::string& file, script play)
{
    simulation s(1);
    peer_scene scene(s, std::move(play));
    std::optional<http::failure> error;
    scene.run([&]() -> asio::awaitable<void> {
        http::file_receiver to(file);
        http::request ask(http::url::parse("http://192.0.2.1/").value());
        const http::response answer = co_await scene.client->async_request_into(std::move(ask), to);
        error = answer.error;
    });
    return error;
}

script answers(const std::string& bytes)
{
    return [bytes](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            co_await by.head();
            co_await by.say(bytes);
        }
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_file_receiver)

BOOST_AUTO_TEST_CASE(a_whole_body_becomes_the_file_and_replaces_the_one_that_was_there)
{
    const folder to;
    for (const std::string body : {"first", "the second", ""}) {
        const auto error = store(to.file, answers("HTTP/1.1 200 OK\r\nContent-Length: " +
                                                  std::to_string(body.size()) + "\r\n\r\n" + body));
        BOOST_TEST(!error);
        BOOST_TEST(to.content() == body);
        BOOST_TEST(to.files() == 1);
    }
}

BOOST_AUTO_TEST_CASE(half_a_body_changes_nothing)
{
    const folder to;
    to.put("mine");
    const auto cut = [](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    };
    const auto error = store(to.file, cut);
    BOOST_REQUIRE(error.has_value());
    BOOST_TEST((error->kind() == error_class::incomplete));
    BOOST_TEST(to.content() == "mine");
    BOOST_TEST(to.files() == 1);
}

BOOST_AUTO_TEST_CASE(no_error_page_becomes_the_file)
{
    const folder to;
    for (const std::string status : {"404 Not Found", "304 Not Modified", "503 Busy"}) {
        const std::string body = status[0] == '3' ? "\r\n" : "Content-Length: 4\r\n\r\npage";
        const auto error = store(to.file, answers("HTTP/1.1 " + status + "\r\n" + body));
        BOOST_REQUIRE(error.has_value());
        BOOST_TEST((error->kind() == error_class::http));
        BOOST_TEST(error->text().find(status.substr(0, 3)) != std::string::npos);
        BOOST_TEST(to.files() == 0);
    }
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_body_that_broke_off_is_appended)
{
    const folder to;
    const auto in_parts = [](simulated_peer& by) -> asio::awaitable<void> {
        const std::string head = co_await by.head();
        if (head.find("Range: bytes=4-") == std::string::npos)
            co_await by.say(
                "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 8\r\nAccept-Ranges: bytes\r\n"
                "\r\nhalf");
        else
            co_await by.say("HTTP/1.1 206 Part\r\nETag: \"1\"\r\nContent-Length: 4\r\n"
                            "Content-Range: bytes 4-7/8\r\n\r\nrest");
    };
    BOOST_TEST(!store(to.file, in_parts));
    BOOST_TEST(to.content() == "halfrest");
    BOOST_TEST(to.files() == 1);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_named)
{
    const folder to;
    const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage";
    for (const std::string& place : {to.file + "/in/no/folder", to.path.string()}) {
        const auto error = store(place, answers(good));
        BOOST_REQUIRE(error.has_value());
        BOOST_TEST((error->kind() == error_class::io));
        BOOST_TEST(error->text().find(place) != std::string::npos);
    }
    fs::remove(to.path.string() + ".part");
    BOOST_CHECK_THROW(http::file_receiver(""), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
