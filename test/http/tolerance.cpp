// One case for each line of the table in docs/http.md, in its order.

#include "http/support/every_way.hpp"
#include "http/support/reading.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

using namespace std::string_literals;
using weir::test::read_every_way;
using weir::test::reading;
using weir::test::reading_options;

BOOST_AUTO_TEST_SUITE(http_tolerance)

enum class then { kept, closed };

const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// The text is read, with this body; the connection is kept, or closed.
reading reads(const std::string& text, const std::string& body, then connection)
{
    reading got = read_every_way(text);
    BOOST_TEST_CONTEXT(text)
    {
        BOOST_TEST(got.error == "");
        BOOST_TEST(got.body == body);
        BOOST_TEST(got.reusable == (connection == then::kept));
    }
    return got;
}

void refuses(const std::string& text, const std::string& why,
             const reading_options& options = reading_options())
{
    const reading got = read_every_way(text, options);
    BOOST_TEST_CONTEXT(text)
    {
        BOOST_TEST(got.error == "protocol");
        BOOST_TEST(got.text.find(why) != std::string::npos, got.text << " says not: " << why);
        BOOST_TEST(!got.reusable);
    }
}

// A response that is whole but for the fields, which are given with their line ends.
std::string with_fields(const std::string& fields, const std::string& body = "abc")
{
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

std::string with_length(const std::string& fields)
{
    return with_fields("Content-Length: 3\r\n" + fields);
}

// ---- read

BOOST_AUTO_TEST_CASE(a_reason_phrase_may_be_missing)
{
    reads("HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", "abc", then::kept);
    reads("HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc", "abc", then::kept);
    reads("HTTP/1.1 999  \x80 two\r\nContent-Length: 3\r\n\r\nabc", "abc", then::kept);
}

BOOST_AUTO_TEST_CASE(values_may_be_empty_or_hold_controls_and_other_alphabets)
{
    const auto got =
        reads(with_length("A:\r\nB: \t \r\nC: \x01\x1b\x7f\r\nD:\t\xc3\xa4 \x80 : d \r\n"), "abc",
              then::kept);
    BOOST_TEST(got.fields ==
               "Content-Length: 3\nA: \nB: \nC: \x01\x1b\x7f\nD: \xc3\xa4 \x80 : d\n");
}

BOOST_AUTO_TEST_CASE(chunk_extensions_are_skipped)
{
    reads(chunked + "3;a=b;c=\"d;\te\"\r\nabc\r\n0;z\r\n\r\n", "abc", then::kept);
    reads(chunked + "3;\r\nabc\r\n0\r\n\r\n", "abc", then::kept);
}

BOOST_AUTO_TEST_CASE(sizes_of_chunks_may_begin_with_zeros)
{
    reads(chunked + "00000000000000000003\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n",
          "abc0123456789", then::kept);
}

BOOST_AUTO_TEST_CASE(trailers_of_any_name_are_kept_apart)
{
    const auto got = reads(chunked + "3\r\nabc\r\n0\r\nContent-Length: 9\r\nConnection: close\r\n"
                                     "Transfer-Encoding: x\r\nX: y\r\n\r\n",
                           "abc", then::kept);
    BOOST_TEST(got.fields == "Transfer-Encoding: chunked\n");
    BOOST_TEST(got.trailers ==
               "Content-Length: 9\nConnection: close\nTransfer-Encoding: x\nX: y\n");
}

BOOST_AUTO_TEST_CASE(a_bare_lf_ends_a_line_and_costs_the_connection)
{
    reads("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc", then::closed);
    reads("HTTP/1.1 200 OK\nContent-Length: 3\r\n\r\nabc", "abc", then::closed);
    reads("HTTP/1.1 200 OK\r\nContent-Length: 3\n\r\nabc", "abc", then::closed);
    reads("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\nabc", "abc", then::closed);
    reads("HTTP/1.1 100 Go on\r\n\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc",
          then::closed);
    reads(chunked + "3\nabc\r\n0\r\n\r\n", "abc", then::closed);
    reads(chunked + "3\r\nabc\n0\r\n\r\n", "abc", then::closed);
    reads(chunked + "3\r\nabc\r\n0\n\r\n", "abc", then::closed);
    reads(chunked + "3\r\nabc\r\n0\r\nA: b\n\r\n", "abc", then::closed);
    reads(chunked + "3\r\nabc\r\n0\r\n\n", "abc", then::closed);
}

BOOST_AUTO_TEST_CASE(blanks_before_a_colon_cost_the_connection)
{
    const auto got = reads(with_length("A : b\r\nC \t :d\r\n"), "abc", then::closed);
    BOOST_TEST(got.fields == "Content-Length: 3\nA: b\nC: d\n");
    reads(with_fields("Content-Length : 3\r\n"), "abc", then::closed);
}

BOOST_AUTO_TEST_CASE(a_line_that_begins_with_a_blank_goes_on_with_the_field_before_it)
{
    const auto got =
        reads(with_length("A: b \r\n  c\t\r\n\td\r\n \r\nE:\r\n f\r\n"), "abc", then::closed);
    BOOST_TEST(got.fields == "Content-Length: 3\nA: b c d\nE: f\n");
    reads(chunked + "0\r\nA: b\r\n c\r\n\r\n", "", then::closed);
}

BOOST_AUTO_TEST_CASE(blanks_after_the_size_of_a_chunk_cost_the_connection)
{
    reads(chunked + "3 \t\r\nabc\r\n0\r\n\r\n", "abc", then::closed);
    reads(chunked + "3 ;a\r\nabc\r\n0\r\n\r\n", "abc", then::closed);
    reads(chunked + "3\r\nabc\r\n0 \r\n\r\n", "abc", then::closed);
}

BOOST_AUTO_TEST_CASE(equal_lengths_cost_the_connection)
{
    reads(with_length("Content-Length: 3\r\n"), "abc", then::closed);
    reads(with_length("content-length: 03\r\n"), "abc", then::closed);
    reads(with_fields("Content-Length: 3, 3,3\r\n"), "abc", then::closed);
}

BOOST_AUTO_TEST_CASE(chunks_in_http_1_0_cost_the_connection)
{
    reads("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3\r\nabc\r\n0\r\n\r\n",
          "abc", then::closed);
}

BOOST_AUTO_TEST_CASE(bytes_behind_a_response_cost_the_connection)
{
    reads(with_length("") + "\r\n", "abc", then::closed);
    reads(chunked + "0\r\n\r\nHTTP/1.1", "", then::closed);
    reads("HTTP/1.1 204 No\r\n\r\nabc", "", then::closed);
}

// ---- refused

BOOST_AUTO_TEST_CASE(what_does_not_begin_with_http_1_is_refused)
{
    const std::string why = "does not begin with HTTP/1.1";
    refuses("SSH-2.0-OpenSSH\r\n", why);
    refuses("\x15\x03\x01", why); // TLS; no end of a line
    refuses("http/1.1 200 OK\r\n\r\n", why);
    refuses("\r\nHTTP/1.1 200 OK\r\n\r\n", why);
    refuses("HTTP/2 200\r\n\r\n", why);
    refuses("HTTP/1\n1.1 200 OK\r\n\r\n", why);
    refuses("HTTP/1.2 200 OK\r\n\r\n", "version");
    refuses("HTTP/1.11 200 OK\r\n\r\n", "version");
    refuses("HTTP/1.1\t200 OK\r\n\r\n", "version");
    refuses("HTTP/1.\r\n\r\n", "version");
    for (const char* no_end : {"X", "HTTP/2", "HTTP/x"})
        refuses(no_end, why);
    for (const char* no_end : {"HTTP/1.2", "HTTP/1.1X", "HTTP/1.0\t", "HTTP/1.11"})
        refuses(no_end, "version");
}

BOOST_AUTO_TEST_CASE(a_status_that_is_no_number_from_100_to_999_is_refused)
{
    for (const char* status : {"000", "099", "20", "2", "", "2000", "20x", " 200", "-20", "+20",
                               "20\t", "200OK", "200\t"})
        refuses("HTTP/1.1 "s + status + "\r\nContent-Length: 0\r\n\r\n", "100 to 999");
    for (const char* status : {"100", "999"})
        BOOST_TEST(read_every_way("HTTP/1.1 "s + status + " x\r\n\r\n").error != "protocol");
}

BOOST_AUTO_TEST_CASE(a_field_line_without_a_colon_or_with_a_bad_name_is_refused)
{
    refuses(with_length("A\r\n"), "no colon");
    refuses(with_length("A b\r\n"), "no colon");
    refuses(with_length(":\r\n"), "the name of a header field");
    for (const char* line : {": b", "A b: c", "A\x80: b", "(A): b", "A\"b: c", "A\x01: b", "A@: b"})
        refuses(with_length(line + "\r\n"s), "the name of a header field");
    refuses(chunked + "0\r\nA\r\n\r\n", "no colon");
}

BOOST_AUTO_TEST_CASE(nul_or_cr_inside_a_line_is_refused)
{
    refuses("HTTP/1.1 200 O\0K\r\n\r\n"s, "reason phrase");
    refuses("HTTP/1.1 200 OK\rX: y\r\n\r\n", "reason phrase");
    refuses("HTTP/1.1 200 OK\r\r\n\r\n", "reason phrase");
    refuses(with_length("A: b\0c\r\n"s), "value");
    refuses(with_length("A: b\rB: c\r\n"), "value");
    refuses(with_length("A: b\r\r\n"), "value");
    refuses(with_length("A: b\r\n c\rd\r\n"), "value");
    refuses(with_length("A\0b: c\r\n"s), "name");
    refuses(with_length("A\rb: c\r\n"), "name");
    refuses(with_length("\r") + "\r\n", "no colon");
    refuses(chunked + "3;a\rb\r\nabc\r\n0\r\n\r\n", "extension");
    refuses(chunked + "3;a\0\r\nabc\r\n0\r\n\r\n"s, "extension");
    refuses(chunked + "0\r\nA: b\rc\r\n\r\n", "value");
}

BOOST_AUTO_TEST_CASE(a_first_field_that_begins_with_a_blank_is_refused)
{
    refuses(with_fields(" Content-Length: 3\r\n"), "begins with a blank");
    refuses(with_fields("\t\r\nContent-Length: 3\r\n"), "begins with a blank");
    refuses(chunked + "0\r\n A: b\r\n\r\n", "begins with a blank");
}

BOOST_AUTO_TEST_CASE(a_length_together_with_chunks_is_refused)
{
    refuses(with_fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), "is chunked");
    refuses(with_fields("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), "is chunked");
    reading_options head;
    head.method = "HEAD";
    refuses(with_fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", ""), "is chunked",
            head);
}

BOOST_AUTO_TEST_CASE(lengths_that_differ_are_refused)
{
    refuses(with_fields("Content-Length: 3\r\nContent-Length: 4\r\n"), "different lengths");
    refuses(with_fields("Content-Length: 3, 4\r\n"), "different lengths");
    refuses(with_fields("Content-Length: 0, 4\r\n"), "different lengths");
    refuses(with_fields("Content-Length: 3\r\nContent-Length: 4\r\nContent-Length: 3\r\n"),
            "different lengths");
}

BOOST_AUTO_TEST_CASE(a_length_that_is_no_number_below_2_to_the_64_is_refused)
{
    for (const char* length : {"", "-1", "+3", "0x3", "3.0", "3 3", "3,", ",3", "3;", "three",
                               "3\x01", "18446744073709551616", "99999999999999999999999999"})
        refuses(with_fields("Content-Length: "s + length + "\r\n"), "not a number of bytes");
    const auto most = read_every_way(with_fields("Content-Length: 18446744073709551615\r\n"));
    BOOST_TEST(most.error == "incomplete");
    BOOST_TEST(most.body == "abc");
}

BOOST_AUTO_TEST_CASE(a_transfer_coding_that_is_not_known_is_refused)
{
    for (const char* coding : {"gzip", "gzip, chunked", "chunked, chunked", "chunked, gzip",
                               "identity", "", "chunkedchunked", "chunked;q=1", "\"chunked\""})
        refuses(with_fields("Transfer-Encoding: "s + coding + "\r\n"), "transfer encoding");
    refuses(with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            "transfer encoding");
    reads(with_fields("transfer-encoding:\tCHUNKED \r\n", "0\r\n\r\n"), "", then::kept);
}

BOOST_AUTO_TEST_CASE(a_chunk_without_a_size_below_2_to_the_64_is_refused)
{
    for (const char* size : {"", "x", "-1", "+1", " 3", "0x3", ";a", "3x", "3 x", "3\x01"})
        refuses(chunked + size + "\r\nabc\r\n0\r\n\r\n", "chunk");
    refuses(chunked + "10000000000000000\r\nabc", "too large for a number of 64 bits");
    refuses(chunked + "1\r\na\r\nfffffffffffffffff\r\nabc", "too large for a number of 64 bits");
    const auto most = read_every_way(chunked + "ffffffffffffffff\r\nabc");
    BOOST_TEST(most.error == "incomplete");
    BOOST_TEST(most.body == "abc");
}

BOOST_AUTO_TEST_CASE(chunk_data_that_does_not_end_with_its_line_is_refused)
{
    const std::string why = "longer than its size";
    refuses(chunked + "3\r\nabcd\r\n0\r\n\r\n", why);
    refuses(chunked + "3\r\nabcd\n0\r\n\r\n", why);
    refuses(chunked + "3\r\nabc0\r\n\r\n", why);
    refuses(chunked + "3\r\nabc\r\r\n0\r\n\r\n", why);
    refuses(chunked + "3\r\nabc\rx0\r\n\r\n", why);
}

BOOST_AUTO_TEST_CASE(another_protocol_that_was_not_asked_for_is_refused)
{
    refuses("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "another protocol");
}

BOOST_AUTO_TEST_CASE(more_interim_responses_than_sixteen_are_refused)
{
    std::string interim;
    for (int i = 0; i < 16; ++i)
        interim += "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n";
    reads(interim + with_length(""), "abc", then::kept);
    refuses(interim + "HTTP/1.1 103 x\r\n\r\n" + with_length(""), "more than 16 1xx");
}

BOOST_AUTO_TEST_SUITE_END()
