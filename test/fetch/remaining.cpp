#include <remaining.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

BOOST_AUTO_TEST_SUITE(remaining_urls)

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
    std::ifstream in(path);
    const std::string lines{std::istreambuf_iterator<char>(in), {}};
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

BOOST_AUTO_TEST_SUITE_END()
