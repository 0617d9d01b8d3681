#include <flags/host_limit_file.hpp>

#include <weir/rate.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

BOOST_AUTO_TEST_SUITE(host_limit_files)

using namespace std::chrono_literals;
using weir_fetch::host_limits_in;

const std::string file = "options_test_limits";

// For the time of a test.
class written {
public:
    explicit written(const std::string& text) { std::ofstream(file) << text; }
    written(const written&) = delete;
    written& operator=(const written&) = delete;
    ~written() { std::remove(file.c_str()); }
};

std::string fault(const std::string& text)
{
    const written here(text);
    try {
        host_limits_in(file);
    } catch (const std::runtime_error& e) {
        return e.what();
    }
    return {};
}

BOOST_AUTO_TEST_CASE(hosts_have_limits_and_the_file_comments)
{
    const written here(R"(// a note
{
    "hosts": { /* another */
        "example.com": {"per-host": 4, "host-rate": "10/s"},
        "https://b.example:8443": {"host-rate": "90/m"},
        "[::1]:80": {"per-host": 1,},
    },
}
// the end
)");
    const auto all = host_limits_in(file);
    BOOST_REQUIRE(all.size() == 3U);
    BOOST_TEST(all[0].host == "example.com");
    BOOST_TEST(all[0].per_host.value() == 4U);
    BOOST_TEST((all[0].rate->count() == 10U && all[0].rate->period() == 1s));
    BOOST_TEST(!all[1].per_host);
    BOOST_TEST((all[1].rate->count() == 90U && all[1].rate->period() == 1min));
    BOOST_TEST(all[2].per_host.value() == 1U);
    BOOST_TEST(!all[2].rate);
    const written empty(R"({"hosts": {}})");
    BOOST_TEST(host_limits_in(file).empty());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_says_where_and_what_to_do)
{
    const std::pair<const char*, const char*> rows[] = {
        {"", "line 1 is no JSON"},
        {"{\n\"hosts\": {\n]", "line 3 is no JSON"},
        {"{} {}", "line 1 is no JSON"},
        {"[]", "there is no object \"hosts\"; write {\"hosts\": {\"example.com\""},
        {"{}", "there is no object \"hosts\""},
        {R"({"hosts": []})", "there is no object \"hosts\""},
        {R"({"hosts": {}, "x": 1})", "\"x\" is not known; there is \"hosts\""},
        {R"({"hosts": {"a.b": 4}})", "hosts: a.b: must have \"per-host\", \"host-rate\" or both"},
        {R"({"hosts": {"a.b": {}}})", "hosts: a.b: must have \"per-host\""},
        {R"({"hosts": {"a.b": {"perhost": 4}}})",
         "hosts: a.b: \"perhost\" is not known; there are"},
        {R"({"hosts": {"a.b": {"per-host": 0}}})", "hosts: a.b: per-host: must be a whole number"},
        {R"({"hosts": {"a.b": {"per-host": -1}}})", "hosts: a.b: per-host: must be a whole number"},
        {R"({"hosts": {"a.b": {"per-host": "4"}}})",
         "hosts: a.b: per-host: must be a whole number"},
        {R"({"hosts": {"a.b": {"per-host": 1000001}}})", "hosts: a.b: per-host: must be"},
        {R"({"hosts": {"a.b": {"host-rate": 10}}})", "hosts: a.b: host-rate: must be a text"},
        {R"({"hosts": {"a.b": {"host-rate": "10/x"}}})", "hosts: a.b: host-rate: must be a text"},
        {R"({"hosts": {"a.b/c": {"per-host": 1}}})", "hosts: a.b/c: is no host; write HOST"},
        {R"({"hosts": {"a.b": {"per-host": 1}, "A.b": {"per-host": 1}}})", "hosts: A.b: is there"},
        {R"({"hosts": {"a.b": {"per-host": 1}, "a.b.": {"per-host": 1}}})",
         "hosts: a.b.: is there twice"},
        {R"({"hosts": {"[::1]": {"per-host": 1}, "::1": {"per-host": 1}}})",
         "hosts: ::1: is there twice"},
        {R"({"hosts": {"xn--bcher-kva.de": {"per-host": 1}, "b\u00fccher.de": {"per-host": 1}}})",
         "hosts: b\xc3\xbc"
         "cher.de: is there twice"},
        {R"({"hosts": {"*.a.b": {"per-host": 1}}})", "hosts: *.a.b: is no host; write HOST"},
        {R"({"hosts": {"a..b": {"per-host": 1}}})", "hosts: a..b: is no host; write HOST"},
    };
    for (const auto& [text, why] : rows) {
        const std::string found = fault(text);
        BOOST_TEST(found.starts_with(file + ": " + why), text << " gives " << found);
    }
    BOOST_CHECK_THROW(host_limits_in("/no/such/file"), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(each_of_many_hosts_is_read)
{
    std::string text = "{\"hosts\": {";
    for (int n = 0; n != 50'000; ++n)
        text += "\"h" + std::to_string(n) + ".example\": {\"per-host\": 1},";
    const written here(text + "}}");
    const auto all = host_limits_in(file); // takes minutes where each sees all others
    BOOST_REQUIRE(all.size() == 50'000U);
    BOOST_TEST(all.back().host == "h49999.example");
}

BOOST_AUTO_TEST_SUITE_END()
