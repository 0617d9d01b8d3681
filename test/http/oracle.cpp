// Our reader against Beast's parser: two readers that were written independently.

#include "http/support/every_way.hpp"
#include "http/support/reading.hpp"
#include "http/support/response_maker.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/optional/optional.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace beast_http = boost::beast::http;
using weir::test::printed;
using weir::test::read_every_way;
using weir::test::read_parts;
using weir::test::reading;
using weir::test::response_maker;

BOOST_AUTO_TEST_SUITE(http_oracle)

// By the name in small letters: Beast keeps fields of one name together, wherever they stood. Those
// of one name stay in order.
using field_list = std::multimap<std::string, std::string>;

void add(field_list& fields, std::string name, std::string_view value)
{
    for (char& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    fields.emplace(std::move(name), value);
}

struct verdict {
    std::string error; // empty: read
    unsigned status = 0;
    field_list fields;
    std::string body;
};

verdict ours(std::string_view text)
{
    const reading got = read_parts({text});
    verdict v;
    v.status = got.status;
    v.body = got.body;
    v.error = got.error == "protocol" ? got.text.substr(got.text.find(": ") + 2) : got.error;
    if (got.text.starts_with("the transfer encoding"))
        v.error = "a transfer encoding is not known";
    if (got.text.starts_with("the server switched"))
        v.error = "101";
    std::string_view lines = got.fields;
    while (!lines.empty()) {
        const auto line = lines.substr(0, lines.find('\n'));
        const auto colon = line.find(':');
        add(v.fields, std::string(line.substr(0, colon)), line.substr(colon + 2));
        lines.remove_prefix(line.size() + 1);
    }
    return v;
}

verdict beasts(std::string_view text)
{
    verdict v;
    for (;;) {
        beast_http::response_parser<beast_http::string_body> parser;
        parser.header_limit(256 * 1024);
        parser.body_limit(boost::none);
        boost::beast::error_code error;
        const auto put = [&] {
            const auto used = parser.put(boost::asio::buffer(text.data(), text.size()), error);
            text.remove_prefix(used);
        };
        while (!parser.is_header_done() && !error)
            put();
        if (!error && parser.get().result_int() / 100 == 1 && parser.get().result_int() != 101)
            continue;
        if (!error) {
            v.status = parser.get().result_int();
            for (const auto& field : parser.get())
                add(v.fields, std::string(field.name_string()), field.value());
        }
        parser.eager(true);
        while (!parser.is_done() && !error && !text.empty())
            put();
        if (!parser.is_done() && (!error || error == beast_http::error::need_more)) {
            error = beast_http::error::partial_message;
            if (parser.got_some())
                parser.put_eof(error);
        }
        v.body = parser.get().body();
        if (error)
            v.error = error == beast_http::error::need_more ||
                              error == beast_http::error::partial_message ||
                              error == beast_http::error::end_of_stream
                          ? "incomplete"
                          : error.message();
        return v;
    }
}

BOOST_AUTO_TEST_CASE(valid_responses_are_read_as_beast_reads_them)
{
    response_maker make(1);
    for (int i = 0; i < 3000; ++i) {
        const std::string text = make.valid();
        const verdict us = ours(text);
        const verdict them = beasts(text);
        if (us.error.empty() && them.error.empty() && us.status == them.status &&
            us.fields == them.fields && us.body == them.body)
            continue;
        BOOST_ERROR("<" << printed(text) << ">: " << us.error << ", Beast: " << them.error);
    }
}

BOOST_AUTO_TEST_CASE(changed_responses_are_read_the_same_however_they_are_cut)
{
    response_maker make(2);
    for (int i = 0; i < 300; ++i)
        read_every_way(make.changed(make.valid()));
}

// Where the two may differ: what we say, what Beast says (`read` where there is no error), why.
struct difference {
    const char* ours;
    const char* beasts;
    const char* why;
};

const difference differences[] = {
    // we refuse
    {"101", "read", "we asked for no other protocol"},
    {"a transfer encoding is not known", "read", "Beast reads until the connection ends"},
    {"its status is not a number from 100 to 999", "read", "Beast reads 000 to 099"},
    {"a chunk extension holds CR or NUL", "read", "Beast reads anything between quotes"},
    {"the data of a chunk is longer than its size", "read", "Beast: LF between quotes is no end"},
    {"a header field has no colon", "read", "the same, in front of the trailers"},
    // Beast refuses
    {"read", "bad reason", "a bare LF, or a control in the reason phrase"},
    {"read", "bad status", "a bare LF after the status"},
    {"read", "bad field", "a bare LF, or a blank before a colon"},
    {"read", "bad value", "a bare LF, or a control in a value"},
    {"read", "bad chunk", "a bare LF, or blanks after a size"},
    {"read", "bad chunk extension", "an extension that is not name=value"},
    {"read", "bad line ending", "a bare LF after an extension, and a CR in the data"},
    {"read", "incomplete", "a bare LF as the empty line: Beast waits for another line"},
};

BOOST_AUTO_TEST_CASE(changed_responses_differ_from_beast_only_as_listed)
{
    std::map<std::pair<std::string, std::string>, std::pair<int, std::string>> seen;
    response_maker make(3);
    for (int i = 0; i < 40000; ++i) {
        const std::string text = make.changed(make.valid());
        const verdict us = ours(text);
        const verdict them = beasts(text);
        if (!us.error.empty() && !them.error.empty())
            continue;
        std::pair<std::string, std::string> kind(us.error.empty() ? "read" : us.error,
                                                 them.error.empty() ? "read" : them.error);
        if (us.error.empty() && them.error.empty()) {
            if (us.status == them.status && us.fields == them.fields && us.body == them.body)
                continue;
            kind.second = us.status != them.status   ? "another status"
                          : us.fields != them.fields ? "other fields"
                                                     : "another body";
        }
        auto& [times, example] = seen[kind];
        if (times++ == 0)
            example = text;
    }
    for (const auto& [kind, what] : seen) {
        const bool listed = std::any_of(std::begin(differences), std::end(differences),
                                        [&, &k = kind](const difference& d) {
                                            return k.first == d.ours && k.second == d.beasts;
                                        });
        if (!listed)
            BOOST_ERROR("we say " << kind.first << ", Beast says " << kind.second << ", "
                                  << what.first << " times: <" << printed(what.second) << ">");
    }
    if (BOOST_VERSION != 108100) // another Beast may have learned what this one does not know
        return;
    for (const difference& d : differences)
        BOOST_TEST(seen.count({d.ours, d.beasts}) == 1U,
                   "no longer seen: " << d.ours << " and " << d.beasts << ": " << d.why);
}

BOOST_AUTO_TEST_SUITE_END()
