#include <escape.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

using namespace std::string_view_literals;
using weir_fetch::append_json;
using weir_fetch::escaped;

BOOST_AUTO_TEST_SUITE(escape)

BOOST_AUTO_TEST_CASE(what_could_move_a_cursor_or_break_a_line_is_written_in_hex)
{
    BOOST_TEST(escaped("plain text, caf\xC3\xA9") == "plain text, caf\xC3\xA9");
    BOOST_TEST(escaped("a\tb\nc\x1B[2J") == "a\\x09b\\x0Ac\\x1B[2J");
    BOOST_TEST(escaped("\x7F") == "\\x7F");
    BOOST_TEST(escaped("\xC2\x9B") == "\\xC2\\x9B");          // CSI as one character
    BOOST_TEST(escaped("\xE2\x80\xAE") == "\\xE2\\x80\\xAE"); // right to left from here
    BOOST_TEST(escaped("\\x41") == "\\x5Cx41");               // nothing passes for an escape
    BOOST_TEST(escaped("a\0b"sv) == "a\\x00b");
}

BOOST_AUTO_TEST_CASE(what_is_no_utf8_is_written_in_hex)
{
    BOOST_TEST(escaped("\xFF\xFE") == "\\xFF\\xFE");
    BOOST_TEST(escaped("\xC0\x80") == "\\xC0\\x80");          // over-long
    BOOST_TEST(escaped("\xED\xA0\x80") == "\\xED\\xA0\\x80"); // a surrogate
    BOOST_TEST(escaped("\xE2\x82") == "\\xE2\\x82");          // cut off
}

std::string as_json(std::string_view text)
{
    std::string out;
    append_json(out, text);
    return out;
}

BOOST_AUTO_TEST_CASE(json_gets_the_replacement_character)
{
    BOOST_TEST(as_json("a\xFFz") == "\"a\xEF\xBF\xBDz\"");
    BOOST_TEST(as_json("caf\xC3\xA9") == "\"caf\xC3\xA9\"");
}

BOOST_AUTO_TEST_CASE(json_texts_end_where_they_should_and_move_no_cursor)
{
    BOOST_TEST(as_json("a\"b\\c") == R"("a\"b\\c")");
    BOOST_TEST(as_json("a\n\x1B[2J\x7F") == R"("a\u000a\u001b[2J\u007f")");
    BOOST_TEST(as_json("\xC2\x9B\xE2\x80\xAE") == R"("\u009b\u202e")");
    BOOST_TEST(as_json("") == R"("")");
}

BOOST_AUTO_TEST_SUITE_END()
