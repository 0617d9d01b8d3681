#include <weir/http/fetcher.hpp>

#include <weir/http/request_settings.hpp>
#include <weir/policy/retry_policy.hpp>

#include "http/support/server.hpp"
#include "support/watchdog.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using weir::test::server;

BOOST_AUTO_TEST_SUITE(http_fetcher)

// One thread, real sockets on loopback. The order of things is made by what the test waits for,
// never by a clock.
struct fixture {
    void with(http::fetcher_options options)
    {
        fetcher.emplace(io.get_executor(), std::move(options), nullptr);
    }

    // Fetches what `next` gives, and calls `taken` after each result.
    void run(std::function<std::optional<std::string>()> next,
             std::function<void()> taken = nullptr)
    {
        const auto source = [&]() -> asio::awaitable<std::optional<std::string>> {
            co_return next();
        };
        const auto sink = [&](http::fetch_result result) -> asio::awaitable<void> {
            results.push_back(std::move(result));
            if (taken)
                taken();
            co_return;
        };
        std::exception_ptr error;
        const auto end = [&](std::exception_ptr e) {
            error = e;
            io.stop();
        };
        asio::co_spawn(io, fetcher->run(source, sink), end);
        io.run();
        if (error)
            std::rethrow_exception(error);
    }

    void run(std::vector<std::string> urls, std::function<void()> taken = nullptr)
    {
        std::size_t at = 0;
        const auto next = [&]() -> std::optional<std::string> {
            if (at == urls.size())
                return std::nullopt;
            return urls[at++];
        };
        run(next, std::move(taken));
    }

    std::size_t count(weir::status status) const
    {
        return static_cast<std::size_t>(std::count_if(
            results.begin(), results.end(), [&](const auto& r) { return r.status == status; }));
    }

    bool each_once() const
    {
        std::set<std::uint64_t> ids;
        for (const auto& r : results)
            ids.insert(r.id);
        return ids.size() == results.size() && results.size() == fetcher->counts().taken;
    }

    const weir::test::watchdog guard;
    asio::io_context io{1};
    std::vector<http::fetch_result> results;
    std::optional<http::fetcher> fetcher;
};

server::reply hello(const std::string&, int)
{
    server::reply r;
    r.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    return r;
}

server::reply silence(const std::string&, int)
{
    server::reply r;
    r.silent = true;
    return r;
}

server::reply redirect_to(const std::string& url)
{
    server::reply r;
    r.bytes = "HTTP/1.1 302 Found\r\nLocation: " + url + "\r\nContent-Length: 0\r\n\r\n";
    return r;
}

BOOST_FIXTURE_TEST_CASE(every_url_has_one_result_and_a_host_no_more_connections_than_its_limit,
                        fixture)
{
    server peer(io, hello);
    http::fetcher_options options;
    options.jobs(16);
    options.client(http::client_options().per_host(4));
    with(options);
    std::vector<std::string> urls;
    for (int i = 0; i < 200; ++i)
        urls.push_back(peer.url("/" + std::to_string(i)));
    run(urls);
    BOOST_TEST(results.size() == 200u);
    BOOST_TEST(each_once());
    BOOST_TEST(count(weir::status::ok) == 200u);
    BOOST_TEST(peer.connections() == 4); // kept, and used
    BOOST_TEST(fetcher->counts().peak == 4u);
}

BOOST_FIXTURE_TEST_CASE(a_silent_host_holds_no_other_back_and_stop_ends_it, fixture)
{
    server mute(io, silence);
    server peer(io, hello);
    http::fetcher_options options;
    options.jobs(4);
    options.client(http::client_options().per_host(2));
    with(options);
    std::vector<std::string> urls;
    for (int i = 0; i < 10; ++i)
        urls.push_back(mute.url("/" + std::to_string(i)));
    for (int i = 0; i < 20; ++i)
        urls.push_back(peer.url("/" + std::to_string(i)));
    // Only when all of the other host's are done, else this test would never end.
    run(urls, [this] {
        if (results.size() == 20)
            fetcher->stop();
    });
    BOOST_TEST(each_once());
    BOOST_TEST(count(weir::status::ok) == 20u);
    BOOST_TEST(count(weir::status::cancelled) == 1u);
    BOOST_TEST(count(weir::status::dropped) == 9u);
    BOOST_TEST(mute.most() == 1); // it begins with one
}

BOOST_FIXTURE_TEST_CASE(a_drain_finishes_what_began_and_reports_what_did_not, fixture)
{
    server peer(io, hello);
    http::fetcher_options options;
    options.jobs(3);
    options.window(http::fetcher_options::min_window);
    options.spill(http::spill_options().limit(0));
    with(options);
    int n = 0;
    const auto endless = [&]() -> std::optional<std::string> {
        return peer.url("/" + std::to_string(n++));
    };
    run(endless, [this] {
        if (results.size() == 5)
            fetcher->finish_running();
    });
    BOOST_TEST(each_once());
    BOOST_TEST(count(weir::status::ok) + count(weir::status::dropped) == results.size());
    BOOST_TEST(count(weir::status::ok) >= 5u);
    BOOST_TEST(n <= 5 + 3 + 1 + 4096 / 40); // no more was taken in than the window holds
    BOOST_TEST(fetcher->counts().running == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_redirect_to_another_host_waits_for_a_place_there, fixture)
{
    server target(io, hello);
    server first(io, [&](const std::string& path, int) { return redirect_to(target.url(path)); });
    http::fetcher_options options;
    options.jobs(10);
    options.client(http::client_options().per_host(2));
    with(options);
    std::vector<std::string> urls;
    for (int i = 0; i < 30; ++i)
        urls.push_back(first.url("/" + std::to_string(i)));
    run(urls);
    BOOST_TEST(each_once());
    BOOST_TEST(count(weir::status::ok) == 30u);
    BOOST_TEST(target.most() <= 2);
    BOOST_TEST(first.most() <= 2);
    for (const auto& r : results) {
        BOOST_TEST(r.redirects == 1u);
        BOOST_TEST(r.final_url.find(target.url("/")) == 0u);
    }
}

BOOST_FIXTURE_TEST_CASE(a_redirect_loop_and_a_bad_url_are_failed_results, fixture)
{
    server loop(io, [](const std::string&, int) { return redirect_to("/again"); });
    http::fetcher_options options;
    options.client(http::client_options().max_redirects(3));
    with(options);
    run({loop.url("/"), "ftp://host/", "http://[oops/"});
    BOOST_TEST(each_once());
    BOOST_TEST(count(weir::status::failed) == 3u);
    BOOST_TEST(loop.requests() == 4);
    for (const auto& r : results) {
        const bool bad = r.id != 1;
        BOOST_TEST_REQUIRE(r.answer.error.has_value());
        const auto kind = bad ? http::error_class::bad_url : http::error_class::redirect;
        BOOST_TEST((r.answer.error->kind() == kind));
    }
}

BOOST_AUTO_TEST_CASE(a_request_follows_as_many_redirects_as_it_says_itself)
{
    fixture f;
    server loop(f.io, [](const std::string&, int) { return redirect_to("/again"); });
    http::fetcher_options options;
    options.client(http::client_options().max_redirects(3));
    options.request_in([](std::string_view text, const http::url& target) {
        http::request ask(target);
        if (text.ends_with("few"))
            ask.options(http::request_options().max_redirects(2));
        if (text.ends_with("many"))
            ask.options(http::request_options().max_redirects(5));
        return http::result<http::request>(std::move(ask));
    });
    f.with(options);
    f.run({loop.url("/few"), loop.url("/as-all"), loop.url("/many")});
    BOOST_TEST(f.each_once());
    std::map<std::uint64_t, unsigned> followed;
    for (const auto& r : f.results) {
        followed[r.id] = r.redirects;
        BOOST_TEST_REQUIRE(r.answer.error.has_value());
        BOOST_TEST((r.answer.error->kind() == http::error_class::redirect));
    }
    BOOST_TEST(followed[1] == 2u);
    BOOST_TEST(followed[2] == 3u);
    BOOST_TEST(followed[3] == 5u);
}

BOOST_FIXTURE_TEST_CASE(dot_segments_are_sent_when_they_are_kept_but_not_those_of_a_redirect,
                        fixture)
{
    std::vector<std::string> asked;
    server peer(io, [&](const std::string& path, int n) {
        asked.push_back(path);
        return path == "/a/../b" ? redirect_to("c/../d\\e") : hello(path, n);
    });
    http::fetcher_options options;
    with(options.dots(http::dot_segments::keep));
    run({peer.url("/a/../b")});
    BOOST_TEST(count(weir::status::ok) == 1u);
    const std::vector<std::string> expected = {"/a/../b", "/a/../d/e"};
    BOOST_TEST(asked == expected, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(the_method_of_the_options_is_that_of_every_request, fixture)
{
    server peer(io, [&](const std::string& path, int n) {
        if (path == "/from")
            return redirect_to("/to");
        auto reply = hello(path, n);
        reply.bytes.resize(reply.bytes.find("\r\n\r\n") + 4);
        return reply;
    });
    http::fetcher_options options;
    with(options.method("HEAD"));
    run({peer.url("/from"), peer.url("/other")});
    BOOST_TEST(count(weir::status::ok) == 2u); // a GET would wait for a body
    for (const auto& r : results)
        BOOST_TEST(r.answer.bytes == 0u);
}

/// Counts the bytes of a body for who made it.
struct counted final : http::body {
    explicit counted(std::size_t& to) : size(to) {}
    weir::error_code write(std::string_view part) override
    {
        size += part.size();
        return {};
    }
    std::size_t& size;
};

BOOST_FIXTURE_TEST_CASE(the_text_of_a_url_may_say_what_is_sent_and_where_its_body_goes, fixture)
{
    server peer(io, [&](const std::string& path, int n) {
        auto reply = hello(path, n);
        reply.close = path == "/broken";
        if (path == "/head")
            reply.bytes.resize(reply.bytes.find("\r\n\r\n") + 4);
        if (reply.close)
            reply.bytes.clear();
        return reply;
    });
    std::size_t stored = 0;
    http::fetcher_options options;
    options.retry(weir::retry_policy(3));
    options.url_in([](std::string_view text) {
        return http::result<std::string>(std::string(text.substr(text.find(' ') + 1)));
    });
    options.request_in([](std::string_view text, const http::url& target) {
        http::request_settings settings;
        if (text.starts_with("none "))
            return http::result<http::request>(
                http::failure(http::error_class::bad_url, "nothing is sent for it"));
        settings.method(std::string(text.substr(0, text.find(' '))));
        return http::result<http::request>(settings.for_url(target));
    });
    options.content([&](std::string_view text, const http::url&) {
        return text.starts_with("PUT ") ? std::make_shared<counted>(stored) : nullptr;
    });
    with(options);
    run({"HEAD " + peer.url("/head"), "PUT " + peer.url("/a"), "GET " + peer.url("/b"),
         "none " + peer.url("/c"), "POST " + peer.url("/broken")});
    BOOST_TEST(each_once());
    BOOST_TEST(stored == 5u);
    BOOST_TEST(count(weir::status::ok) == 3u); // a GET of /head would wait for a body
    for (const auto& r : results) {
        if (r.url.starts_with("none "))
            BOOST_TEST(r.answer.error->text() == "nothing is sent for it");
        if (r.url.starts_with("POST ")) // which may have been done
            BOOST_TEST(r.attempts == 1u);
    }
}

BOOST_FIXTURE_TEST_CASE(a_body_that_cannot_be_made_is_a_result_of_class_io, fixture)
{
    server peer(io, hello);
    fetcher.emplace(io.get_executor(), http::fetcher_options(),
                    [](const http::url& target) -> std::shared_ptr<http::body> {
                        if (target.target() == "/no")
                            throw std::runtime_error("no room");
                        return nullptr;
                    });
    run({peer.url("/no"), peer.url("/yes")});
    BOOST_TEST(each_once());
    BOOST_TEST(count(weir::status::ok) == 1u);
    BOOST_TEST(peer.requests() == 1);
    const auto& failed = results[results[0].id == 1 ? 0 : 1];
    BOOST_TEST_REQUIRE(failed.answer.error.has_value());
    BOOST_TEST((failed.answer.error->kind() == http::error_class::io));
    BOOST_TEST(failed.answer.error->text() == "the body cannot be stored: no room");
}

BOOST_FIXTURE_TEST_CASE(what_a_sink_throws_ends_the_run_and_leaves_it, fixture)
{
    server peer(io, hello);
    http::fetcher_options options;
    options.jobs(2);
    with(options);
    const auto endless = [&]() -> std::optional<std::string> { return peer.url("/"); };
    const auto broken = [this] {
        if (results.size() == 3)
            throw std::runtime_error("the reader has gone");
    };
    BOOST_CHECK_THROW(run(endless, broken), std::runtime_error);
    BOOST_TEST(results.size() == 3u);
}

// The text may hold more than the URL, and goes with it, also when a redirect leads on.
BOOST_FIXTURE_TEST_CASE(the_url_is_found_in_the_text, fixture)
{
    server here(io, hello);
    with(http::fetcher_options().url_in([](std::string_view text) -> http::result<std::string> {
        const auto blank = text.find(' ');
        if (blank == std::string_view::npos)
            return http::failure(http::error_class::bad_url, "no number");
        return std::string(text.substr(blank + 1));
    }));
    run({"17 " + here.url("/a"), here.url("/b"), "18 " + here.url("/c")});
    BOOST_REQUIRE(results.size() == 3U);
    std::sort(results.begin(), results.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    BOOST_TEST(results[0].url == "17 " + here.url("/a"));
    BOOST_TEST(results[0].final_url == here.url("/a"));
    BOOST_TEST(results[0].answer.status == 200U);
    BOOST_REQUIRE(results[1].answer.error.has_value());
    BOOST_TEST(results[1].answer.error->text() == "no number");
    BOOST_TEST(results[2].answer.status == 200U);
}

BOOST_FIXTURE_TEST_CASE(an_answer_has_the_version_of_its_server, fixture)
{
    server here(io, [](const std::string& target, int) {
        server::reply r;
        r.bytes = std::string(target == "/old" ? "HTTP/1.0" : "HTTP/1.1") +
                  " 200 OK\r\nContent-Length: 0\r\n\r\n";
        return r;
    });
    with(http::fetcher_options());
    run({here.url("/old"), here.url("/new"), "ftp://x/"});
    std::sort(results.begin(), results.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    BOOST_TEST(results.at(0).answer.version == 10U);
    BOOST_TEST(results.at(1).answer.version == 11U);
    BOOST_TEST(results.at(2).answer.version == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
