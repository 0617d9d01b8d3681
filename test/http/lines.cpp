#include <weir/http/detail/line_splitter.hpp>
#include <weir/http/detail/message_lines.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using namespace weir::http::detail;
using state = line_splitter::state;

BOOST_AUTO_TEST_SUITE(http_lines)

BOOST_AUTO_TEST_CASE(a_line_in_one_piece_is_not_copied)
{
    line_splitter lines;
    const std::string text = "one\r\ntwo\n\r\nrest";
    std::string_view left = text;
    BOOST_TEST((lines.next(left, 100) == state::line));
    BOOST_TEST(lines.line().text == "one");
    BOOST_TEST((lines.line().text.data() == text.data()));
    BOOST_TEST(lines.line().bytes == 5U);
    BOOST_TEST(!lines.line().bare_lf);
    BOOST_TEST((lines.next(left, 100) == state::line));
    BOOST_TEST(lines.line().text == "two");
    BOOST_TEST(lines.line().bare_lf);
    BOOST_TEST((lines.next(left, 100) == state::line));
    BOOST_TEST(lines.line().text == "");
    BOOST_TEST(!lines.line().bare_lf);
    BOOST_TEST((lines.next(left, 100) == state::more));
    BOOST_TEST(left.empty());
    BOOST_TEST(lines.begun() == "rest");
}

BOOST_AUTO_TEST_CASE(a_line_in_pieces_is_put_together_and_then_forgotten)
{
    line_splitter lines;
    for (std::string_view piece : {"on", "e", "\r"}) {
        BOOST_TEST((lines.next(piece, 100) == state::more));
        BOOST_TEST(piece.empty());
    }
    std::string_view last = "\ntwo\n";
    BOOST_TEST((lines.next(last, 100) == state::line));
    BOOST_TEST(lines.line().text == "one");
    BOOST_TEST(lines.line().bytes == 5U);
    BOOST_TEST(lines.begun() == "");
    BOOST_TEST((lines.next(last, 100) == state::line));
    BOOST_TEST(lines.line().text == "two");
}

BOOST_AUTO_TEST_CASE(a_line_may_have_as_many_bytes_as_are_allowed_with_its_end)
{
    for (const std::string_view text : {"12345\n", "1234\r\n"}) {
        line_splitter lines;
        std::string_view left = text;
        BOOST_TEST((lines.next(left, 6) == state::line));
        left = text;
        BOOST_TEST((lines.next(left, 5) == state::too_long));
        std::string_view first = text.substr(0, 3);
        BOOST_TEST((lines.next(first, 6) == state::more));
        std::string_view rest = text.substr(3);
        BOOST_TEST((lines.next(rest, 5) == state::too_long));
        BOOST_TEST((lines.next(rest, 6) == state::line));
    }
}

BOOST_AUTO_TEST_CASE(status_lines_are_read)
{
    const auto first = read_status_line("HTTP/1.0 418 I'm a teapot");
    BOOST_TEST_REQUIRE(first.has_value());
    BOOST_TEST(first->status == 418U);
    BOOST_TEST(!first->http11);
    BOOST_TEST(read_status_line("HTTP/1.1 100").value().http11);
    for (const char* bad :
         {"", "H", "HTTP/1.", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 1", "HTTP/1.1 1O0"})
        BOOST_TEST(!read_status_line(bad).has_value());
}

BOOST_AUTO_TEST_CASE(another_protocol_is_seen_at_its_first_byte)
{
    BOOST_TEST(may_be_status_line(0, ""));
    BOOST_TEST(may_be_status_line(0, "HTT"));
    BOOST_TEST(may_be_status_line(3, "P/1.1 200"));
    BOOST_TEST(may_be_status_line(50, "anything"));
    BOOST_TEST(!may_be_status_line(0, "HTX"));
    BOOST_TEST(!may_be_status_line(3, "T"));
    BOOST_TEST(may_be_status_line(7, "0"));
    BOOST_TEST(may_be_status_line(8, " 2"));
    BOOST_TEST(!may_be_status_line(0, "HTTP/1.2"));
    BOOST_TEST(!may_be_status_line(7, "2"));
    BOOST_TEST(!may_be_status_line(0, "HTTP/1.0\t"));
    BOOST_TEST(!may_be_status_line(7, "1X"));
    BOOST_TEST(!may_be_status_line(8, "\t"));
}

BOOST_AUTO_TEST_CASE(field_lines_are_read)
{
    const auto field = read_field_line("Name \t:\t a : b \t");
    BOOST_TEST_REQUIRE(field.has_value());
    BOOST_TEST(field->name == "Name");
    BOOST_TEST(field->value == "a : b");
    BOOST_TEST(field->blank_before_colon);
    BOOST_TEST(!read_field_line("Name:").value().blank_before_colon);
    BOOST_TEST(read_field_line("Name:").value().value == "");
}

BOOST_AUTO_TEST_CASE(chunk_lines_are_read)
{
    const auto chunk = read_chunk_line("00001F \t;name=value");
    BOOST_TEST_REQUIRE(chunk.has_value());
    BOOST_TEST(chunk->size == 31U);
    BOOST_TEST(chunk->extension == 13U);
    BOOST_TEST(chunk->blank_after_size);
    BOOST_TEST(read_chunk_line("ffffffffffffffff").value().size == UINT64_MAX);
    BOOST_TEST(read_chunk_line("a").value().extension == 0U);
    BOOST_TEST(!read_chunk_line("").has_value());
}

BOOST_AUTO_TEST_CASE(lengths_are_digits_below_2_to_the_64)
{
    BOOST_TEST(read_length("0").value() == 0U);
    BOOST_TEST(read_length("0018").value() == 18U);
    BOOST_TEST(read_length("18446744073709551615").value() == UINT64_MAX);
    for (const char* bad : {"", "-0", "+1", " 1", "1 ", "0x1", "1e3", "18446744073709551616"})
        BOOST_TEST(!read_length(bad).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
