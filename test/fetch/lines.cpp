#include <lines.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(lines)

std::vector<weir_fetch::input_line> cut(const std::vector<std::string>& parts)
{
    weir_fetch::line_cutter cutter;
    std::vector<weir_fetch::input_line> got;
    const auto take = [&] {
        while (auto line = cutter.next())
            got.push_back(*line);
    };
    for (const auto& part : parts) {
        cutter.feed(part);
        take();
    }
    cutter.feed("");
    cutter.finish();
    take();
    return got;
}

/// Each line with its number.
std::vector<std::string> numbered(const std::vector<std::string>& parts)
{
    std::vector<std::string> out;
    for (const auto& line : cut(parts))
        out.push_back(std::to_string(line.number) + " " + line.text);
    return out;
}

BOOST_AUTO_TEST_CASE(lines_come_whole_and_numbered_however_they_are_cut_into_parts)
{
    const std::string text = "\xEF\xBB\xBFhttp://a/\nhttp://b/\r\n\n# not this one\nhttp://c/";
    const std::vector<std::string> wanted = {"1 http://a/", "2 http://b/", "5 http://c/"};
    for (std::size_t at = 0; at <= text.size(); ++at)
        BOOST_TEST(numbered({text.substr(0, at), text.substr(at)}) == wanted,
                   boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_not_returned_can_be_taken_as_it_is)
{
    const std::string text = "http://a/\r\n\n# b\n http://c/\nhttp://d";
    weir_fetch::line_cutter cutter;
    cutter.feed(text);
    BOOST_TEST(cutter.next()->text == "http://a/");
    BOOST_TEST(cutter.take_unread() == "\n# b\n http://c/\nhttp://d");
    BOOST_TEST(cutter.take_unread() == "");
}

BOOST_AUTO_TEST_CASE(of_a_line_that_was_cut_nothing_is_left)
{
    weir_fetch::line_cutter cutter;
    cutter.feed(std::string(weir_fetch::line_cutter::longest + 1, 'a'));
    const auto line = cutter.next();
    BOOST_REQUIRE(line.has_value());
    BOOST_TEST(line->is_cut);
    BOOST_TEST(cutter.take_unread() == "");
    cutter.feed("aaa");
    BOOST_TEST(cutter.take_unread() == "");
    cutter.feed("aaa\nhttp://b/\n");
    BOOST_TEST(cutter.take_unread() == "http://b/\n");
}

/// What `next` says, and what is left to be taken.
std::string fault_of(const std::string& text, std::string& left)
{
    weir_fetch::line_cutter cutter;
    cutter.feed(text);
    try {
        while (cutter.next()) {
        }
    } catch (const weir_fetch::input_fault& e) {
        left = cutter.take_unread();
        return e.what();
    }
    return {};
}

BOOST_AUTO_TEST_CASE(what_is_no_text_stops_at_once_and_is_not_lost)
{
    using namespace std::string_literals;
    std::string left;
    BOOST_TEST(fault_of("http://a/\n\nx\0y\nhttp://b/"s, left).find("line 3 holds a NUL") == 0U);
    BOOST_TEST(left == "x\0y\nhttp://b/"s);
    BOOST_TEST(fault_of("\xFF\xFEh\0t\0"s + "\n\0"s, left).find("UTF-16") != std::string::npos);
    BOOST_TEST(fault_of("\x1F\x8B\x08\0\0x\n"s, left).find("gzip -dc") != std::string::npos);
    BOOST_TEST(fault_of("\xFE\xFF\0h\0\n"s, left).find("UTF-16") != std::string::npos);
    BOOST_TEST(left == "\xFE\xFF\0h\0\n"s);
}

BOOST_AUTO_TEST_CASE(an_endless_line_fills_no_memory)
{
    std::vector<std::string> parts(50, std::string(10'000, 'a'));
    parts.emplace_back("\nhttp://b/\n");
    const auto got = cut(parts);
    BOOST_REQUIRE(got.size() == 2U);
    BOOST_TEST(got[0].text.size() == weir_fetch::line_cutter::longest);
    BOOST_TEST(got[0].is_cut);
    BOOST_TEST(got[1].number == 2U);
    BOOST_TEST(!got[1].is_cut);
}

BOOST_AUTO_TEST_SUITE_END()
