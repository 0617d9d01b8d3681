#include <appended_file.hpp>

#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>

BOOST_AUTO_TEST_SUITE(appended_files)

namespace http = weir::http;
using weir_fetch::appended_file;

/// A file with these bytes, until the end of a test.
struct beginning {
    explicit beginning(const std::string& bytes) { std::ofstream(path) << bytes; }
    ~beginning() { std::remove(path.c_str()); }

    std::string content() const
    {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    const std::string path = "weir_test_appended_file";
};

/// A field of what is asked for next; empty when it is not sent.
std::string asked(const appended_file& file, const char* field)
{
    http::request out(*http::url::parse("http://a.example/x"));
    file.ask(out);
    return std::string(out.fields()[field]);
}

/// The answer with the bytes from `first` on, of 10.
http::response rest_from(std::uint64_t first, const std::string& etag)
{
    http::response out;
    out.status = 206;
    out.fields.append("ETag", etag);
    out.fields.append("Content-Range", "bytes " + std::to_string(first) + "-9/10");
    return out;
}

BOOST_AUTO_TEST_CASE(another_attempt_wants_the_version_of_the_one_before)
{
    const beginning there("abc");
    appended_file file(there.path, std::nullopt, false);
    file.open();
    BOOST_TEST(asked(file, "Range") == "bytes=3-");
    BOOST_TEST(asked(file, "If-Range").empty()); // whose version it is, nobody knows
    BOOST_TEST(!file.judge(rest_from(3, "\"v1\"")));
    BOOST_TEST(!file.append("de"));
    BOOST_TEST(asked(file, "Range") == "bytes=5-");
    BOOST_TEST(asked(file, "If-Range") == "\"v1\"");
    BOOST_TEST(!file.judge(rest_from(5, "\"v1\"")));
    BOOST_TEST(!file.append("fghij"));
    BOOST_TEST(!file.keep(false, std::nullopt));
    BOOST_TEST(there.content() == "abcdefghij");
}

BOOST_AUTO_TEST_CASE(a_weak_version_is_not_asked_for)
{
    const beginning there("abc");
    appended_file file(there.path, std::nullopt, false);
    file.open();
    BOOST_TEST(!file.judge(rest_from(3, "W/\"v1\"")));
    BOOST_TEST(asked(file, "If-Range").empty());
}

BOOST_AUTO_TEST_CASE(without_its_beginning_there_is_no_rest)
{
    const auto says = [](const std::string& end) {
        return [end](const std::runtime_error& e) { return std::string(e.what()).ends_with(end); };
    };
    {
        const beginning there("abc");
        appended_file file(there.path, 5, false);
        BOOST_CHECK_EXCEPTION(file.open(), std::runtime_error,
                              says(" at 5: it ends at 3; -C - goes on there"));
    }
    appended_file none("weir_test_appended_file", 5, false);
    for (int attempt = 0; attempt != 2; ++attempt)
        BOOST_CHECK_EXCEPTION(none.open(), std::runtime_error,
                              says(" at 5: it is not there; -C - fetches all of it"));
    appended_file all("weir_test_appended_file", 0, false);
    BOOST_CHECK_NO_THROW(all.open());
}

BOOST_AUTO_TEST_SUITE_END()
