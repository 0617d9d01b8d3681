#include <remaining.hpp>

#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

BOOST_AUTO_TEST_SUITE(remaining_urls)

std::string content(const std::string& path)
{
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

BOOST_AUTO_TEST_CASE(each_entry_is_read_again_as_one)
{
    const std::string path = "weir_test_remaining.txt";
    weir_fetch::remaining all(path);
    all.add_line("http://a/");
    all.add_bytes("http://b/"); // a part of the input, cut off
    for (const char* text : {" {\"url\": \"http://c/\"}", "#d.example/x", " #e", "http://f/a\nb",
                             "http://g/\r", "", " ", "\xEF\xBB\xBFhttp://h/"})
        all.add_line(text);
    BOOST_TEST(!all.keep());
    const std::string lines = content(path);
    std::remove(path.c_str());
    BOOST_TEST(lines == "http://a/\n"
                        "http://b/\n"
                        " {\"url\": \"http://c/\"}\n"
                        "{\"url\":\"#d.example/x\"}\n"
                        "{\"url\":\" #e\"}\n"
                        "{\"url\":\"http://f/a\\u000ab\"}\n"
                        "{\"url\":\"http://g/\\u000d\"}\n"
                        "{\"url\":\"\"}\n"
                        "{\"url\":\" \"}\n"
                        "{\"url\":\"\\ufeffhttp://h/\"}\n");
}

BOOST_AUTO_TEST_CASE(what_another_run_has_ended_meanwhile_stays)
{
    const std::string path = "weir_test_remaining_of_two.txt";
    auto first = std::make_unique<weir_fetch::remaining>(path);
    first->add_line("http://a/");
    // The second opens the part while it is that of the first, which then ends.
    weir_fetch::remaining second(path, [&] {
        if (first) {
            BOOST_TEST(!first->keep());
            first.reset();
        }
    });
    BOOST_TEST(content(path) == "http://a/\n");
    second.add_line("http://b/");
    BOOST_TEST(!second.keep());
    BOOST_TEST(content(path) == "http://b/\n");
    std::remove(path.c_str());
}

BOOST_AUTO_TEST_CASE(two_runs_do_not_write_it_at_once)
{
    const std::string path = "weir_test_remaining_twice.txt";
    const weir_fetch::remaining first(path);
    BOOST_CHECK_EXCEPTION(weir_fetch::remaining second(path), boost::system::system_error,
                          [](const auto& e) {
                              using namespace boost::system::errc;
                              return e.code() == resource_unavailable_try_again;
                          });
}

BOOST_AUTO_TEST_SUITE_END()
