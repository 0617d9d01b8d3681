#include <lines.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(lines)

std::vector<std::string> cut(const std::vector<std::string>& parts)
{
    weir_fetch::line_cutter cutter;
    std::vector<std::string> got;
    const auto take = [&] {
        while (auto line = cutter.next())
            got.push_back(*line);
    };
    for (const auto& part : parts) {
        cutter.feed(part);
        take();
    }
    cutter.finish();
    take();
    return got;
}

BOOST_AUTO_TEST_CASE(lines_come_whole_however_they_are_cut_into_parts)
{
    const std::string text = "http://a/\nhttp://b/\r\n\n# not this one\nhttp://c/";
    const std::vector<std::string> wanted = {"http://a/", "http://b/", "http://c/"};
    for (std::size_t at = 0; at <= text.size(); ++at)
        BOOST_TEST(cut({text.substr(0, at), text.substr(at)}) == wanted,
                   boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_endless_line_fills_no_memory)
{
    const std::vector<std::string> parts(50, std::string(10'000, 'a'));
    const auto got = cut(parts);
    BOOST_REQUIRE(got.size() == 1U);
    BOOST_TEST(got.front().size() <= weir_fetch::line_cutter::longest);
}

BOOST_AUTO_TEST_SUITE_END()
