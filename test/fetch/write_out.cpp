#include <write_out.hpp>

#include <weir/http/error.hpp>
#include <weir/http/fetch_result.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(write_out)

using namespace std::chrono_literals;
using format = weir_fetch::write_out;

struct fixture {
    weir::http::fetch_result result;
    weir_fetch::entry what;
    weir_fetch::stored where;

    fixture()
    {
        auto& answer = result.answer;
        what.url = "http://a.example/x";
        result.final_url = "https://b.example/y";
        result.redirects = 1;
        result.attempts = 3;
        answer.status = 200;
        answer.version = 11;
        answer.fields.append("Content-Type", "text/html");
        answer.fields.append("X-Own", "a\x1b[31m\\");
        answer.wire_bytes = 3000;
        answer.timings.dns = 1ms;
        answer.timings.connect = 20ms;
        answer.timings.tls = 300ms;
        answer.timings.first_byte = 400ms;
        answer.timings.total = 1500ms;
        weir::http::attempt tried;
        tried.address = {boost::asio::ip::make_address("2001:db8::1"), 443};
        answer.attempts = {tried, {}};
        where.path = "pages/y";
    }
    void fail()
    {
        result.answer.error =
            weir::http::failure(weir::http::error_class::dns, "no address: \x1b[2J");
    }

    format::output made(std::string_view text, format::texts how = format::texts::as_they_are)
    {
        return format(text).text({result, what, where}, how, how);
    }
    std::string out(std::string_view text) { return made(text).out; }
};

BOOST_FIXTURE_TEST_CASE(variables_are_what_curl_calls_so, fixture)
{
    BOOST_TEST(out("%{http_code} %{response_code} %{http_version}") == "200 200 1.1");
    BOOST_TEST(out("%{url} %{url_effective}") == "http://a.example/x https://b.example/y");
    BOOST_TEST(out("%{scheme} %{num_redirects} %{num_retries}") == "https 1 2");
    BOOST_TEST(out("%{remote_ip} %{remote_port}") == "2001:db8::1 443");
    BOOST_TEST(out("%{size_download} %{speed_download}") == "3000 2000");
    BOOST_TEST(out("%{content_type}|%header{content-type}") == "text/html|text/html");
    BOOST_TEST(out("%{num_headers} %{filename_effective}") == "2 pages/y");
    BOOST_TEST(out("%{exitcode}%{errormsg}") == "0");
}

BOOST_FIXTURE_TEST_CASE(times_count_from_the_beginning, fixture)
{
    BOOST_TEST(out("%{time_namelookup} %{time_connect} %{time_appconnect}") ==
               "0.001000 0.021000 0.321000");
    BOOST_TEST(out("%{time_starttransfer} %{time_total}") == "0.400000 1.500000");
    result.answer.timings.tls = {};
    BOOST_TEST(out("%{time_appconnect}") == "0.000000");
}

BOOST_FIXTURE_TEST_CASE(without_an_answer_they_are_empty_or_zero, fixture)
{
    result = {};
    where = {};
    fail();
    BOOST_TEST(out("%{http_code} %{http_version} %{remote_port}") == "000 0 0");
    BOOST_TEST(out("%{url_effective} %{num_retries} %{exitcode}") == "http://a.example/x 0 1");
    BOOST_TEST(out("%{scheme}%{remote_ip}%{content_type}%{filename_effective}").empty());
    BOOST_TEST(out("%{redirect_url}%header{X-Own}").empty());
    BOOST_TEST(out("%{speed_download}") == "0");
}

BOOST_FIXTURE_TEST_CASE(a_redirect_that_was_not_followed_says_where_to, fixture)
{
    result.answer.fields.append("Location", "../z?a#b");
    BOOST_TEST(out("%{redirect_url}").empty()); // of a 200
    result.answer.status = 302;
    BOOST_TEST(out("%{redirect_url}") == "https://b.example/z?a");
}

BOOST_FIXTURE_TEST_CASE(everything_else_stands_for_itself, fixture)
{
    BOOST_TEST(out("a\\tb\\r\\n") == "a\tb\r\n");
    BOOST_TEST(out("100%% %d \\x \\\\") == "100% %d \\x \\\\");
    for (const char* text : {"%", "\\", "%{", "%{http_code", "%header{x", "", "a", "a\nb"})
        BOOST_TEST(out(text) == text);
    BOOST_TEST(out("%%{http_code}") == "%{http_code}");
}

BOOST_FIXTURE_TEST_CASE(whether_the_whole_result_is_printed_is_known, fixture)
{
    BOOST_TEST(format("a%{url}%{json}").has_json());
    for (const char* text : {"json", "%%{json}", "%header{json}", "%{url}"})
        BOOST_TEST(!format(text).has_json());
}

BOOST_FIXTURE_TEST_CASE(unknown_variables_are_named_and_empty, fixture)
{
    const format read("a%{no_such}b%{http_code}%{}");
    const std::vector<std::string> names = {"no_such", ""};
    BOOST_TEST(read.unknown() == names, boost::test_tools::per_element());
    BOOST_TEST(out("a%{no_such}b%{http_code}%{}") == "ab200");
}

BOOST_FIXTURE_TEST_CASE(parts_may_go_to_standard_error_or_be_for_failures, fixture)
{
    const auto both = made("a%{stderr}b%{stdout}c");
    BOOST_TEST(both.out == "ac");
    BOOST_TEST(both.err == "b");
    BOOST_TEST(out("a%{onerror}b") == "a");
    fail();
    BOOST_TEST(out("a%{onerror}b") == "ab");
}

BOOST_FIXTURE_TEST_CASE(texts_of_servers_are_escaped_for_a_terminal, fixture)
{
    fail();
    const auto safe = format::texts::escaped;
    BOOST_TEST(made("%header{X-Own}\x1b", safe).out == "a\\x1B[31m\\x5C\x1b");
    BOOST_TEST(made("%{errormsg}", safe).out == "no address: \\x1B[2J");
    BOOST_TEST(out("%header{X-Own}") == "a\x1b[31m\\");
    const std::string json = made("%{json}", safe).out;
    BOOST_TEST(json == out("%{json}")); // it is escaped in any case
    BOOST_TEST(json.find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_text_is_escaped_for_a_terminal)
{
    fixture with;
    const std::string harm = "\x1b[2J";
    with.what.url += harm;
    with.result.final_url += harm;
    with.where.path += harm;
    with.result.answer.fields.erase("Content-Type");
    with.result.answer.fields.append("Content-Type", harm);
    for (const std::string name : {"url", "url_effective", "filename_effective", "content_type"})
        BOOST_TEST(with.made("%{" + name + "}", format::texts::escaped).out.ends_with("\\x1B[2J"),
                   name);
}

BOOST_AUTO_TEST_SUITE_END()
