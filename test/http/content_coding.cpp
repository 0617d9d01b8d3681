#include <weir/http/detail/content_coding.hpp>

#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

using weir::http::content_codings;
using weir::http::decoding_options;
using weir::http::headers;
using weir::http::detail::codings_of;
using weir::http::detail::codings_to_ask_for;
using weir::http::detail::content_coding;

BOOST_AUTO_TEST_SUITE(http_content_coding)

std::string read(std::initializer_list<std::string_view> values)
{
    headers fields;
    fields.append("Content-Type", "text/plain");
    for (const auto value : values)
        fields.append("content-encoding", value);
    const auto list = codings_of(fields);
    std::string text;
    for (const content_coding each : list.codings)
        text.append(name(each)).append(" ");
    return text + (list.unknown ? "? " : "") + "<" + list.text + ">";
}

BOOST_AUTO_TEST_CASE(content_encoding_is_one_list_over_all_its_fields)
{
    BOOST_TEST(read({}) == "<>");
    BOOST_TEST(read({"gzip"}) == "gzip <gzip>");
    BOOST_TEST(read({"GZip"}) == "gzip <GZip>");
    BOOST_TEST(read({"x-gzip"}) == "gzip <x-gzip>");
    BOOST_TEST(read({"deflate,br", "zstd"}) == "deflate br zstd <deflate, br, zstd>");
    BOOST_TEST(read({" , gzip\t,, br ,"}) == "gzip br <gzip, br>");
    BOOST_TEST(read({"identity"}) == "<>");
    BOOST_TEST(read({"gzip, Identity"}) == "gzip <gzip>");
    BOOST_TEST(read({"compress, gzip"}) == "gzip ? <compress, gzip>");
    BOOST_TEST(read({"gzip;q=1"}) == "? <gzip;q=1>");
    BOOST_TEST(read({"", ""}) == "<>");
}

BOOST_AUTO_TEST_CASE(codings_are_asked_for_unless_the_options_or_the_request_say_otherwise)
{
    const decoding_options all;
    const auto none = decoding_options().accept(content_codings::none);
    headers plain, own, ranged;
    own.append("accept-encoding", "br");
    ranged.append("range", "bytes=5-");
    BOOST_TEST(codings_to_ask_for(plain, all) == "gzip, deflate, br, zstd");
    BOOST_TEST(codings_to_ask_for(plain, none) == "");
    BOOST_TEST(codings_to_ask_for(own, all) == "");
    BOOST_TEST(codings_to_ask_for(ranged, all) == "identity");
    BOOST_TEST(codings_to_ask_for(ranged, none) == "");
}

BOOST_AUTO_TEST_SUITE_END()
