#include <weir/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace std::string_view_literals;
using weir::http::dot_segments;
using weir::http::url;

namespace {

/// One case of web-platform-tests, see data/README.md. `-` stands for no base, and for no URL.
struct wpt_case {
    std::string name; ///< the input as the file writes it, and the base
    std::string input;
    std::string base;
    std::string href;
};

/// Undoes the \xNN of the file.
std::string unescaped(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        out += static_cast<char>(std::stoi(std::string(text.substr(i + 2, 2)), nullptr, 16));
        i += 3;
    }
    return out;
}

std::vector<wpt_case> wpt_cases(const std::string& name)
{
    std::ifstream file(WEIR_HTTP_TEST_DATA "/" + name);
    std::vector<wpt_case> cases;
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find('\t');
        const auto second = line.find('\t', first + 1);
        cases.push_back(
            {line.substr(0, first) + " on " + line.substr(first + 1, second - first - 1),
             unescaped(line.substr(0, first)),
             unescaped(line.substr(first + 1, second - first - 1)),
             unescaped(line.substr(second + 1))});
    }
    return cases;
}

/// What weir makes of the case: the whole URL, or `-` where it is refused.
std::string href_of(const wpt_case& each)
{
    if (each.base == "-") {
        const auto made = url::parse(each.input);
        return made ? made->href() : "-";
    }
    const auto base = url::parse(each.base);
    BOOST_TEST_REQUIRE(base.has_value());
    const auto made = base->resolve(each.input);
    return made ? made->href() : "-";
}

/// A case in which weir differs from the standard by choice, and what weir makes of it.
struct difference {
    std::string_view name;
    std::string_view href;
    std::string_view reason;
};

/// Every case is as the standard says, or as its difference says; no difference is left over.
void check_cases(const std::vector<wpt_case>& cases, const std::vector<difference>& differences)
{
    std::size_t used = 0;
    for (const auto& each : cases) {
        const auto made = href_of(each);
        std::string expected = each.href;
        for (const auto& chosen : differences) {
            if (chosen.name != each.name)
                continue;
            ++used;
            expected = chosen.href;
            BOOST_TEST(expected != each.href, "no difference any more: " << each.name);
        }
        BOOST_TEST(made == expected, each.name << " is " << made << ", expected " << expected);
    }
    BOOST_TEST(used == differences.size(), "a difference names no case, or one that stands twice");
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_whatwg_urls)

BOOST_AUTO_TEST_CASE(urls_are_those_of_the_standard)
{
    const auto cases = wpt_cases("whatwg_urls.tsv");
    BOOST_TEST(cases.size() == 504U);
    constexpr std::string_view no_scheme = "people leave out the scheme: it is taken as http";
    const std::vector<difference> differences = {
        {"a on -", "http://a/", no_scheme},
        {"a/ on -", "http://a/", no_scheme},
        {"a// on -", "http://a//", no_scheme},
    };
    check_cases(cases, differences);
}

BOOST_AUTO_TEST_CASE(international_hosts_are_those_of_the_standard)
{
    const auto cases = wpt_cases("whatwg_hosts.tsv");
    BOOST_TEST(cases.size() == 87U);
    constexpr std::string_view hyphens = "libidn2 has no CheckHyphens=false";
    constexpr std::string_view length =
        "libidn2 has no VerifyDnsLength=false; DNS has no such name";
    constexpr std::string_view tables = "libidn2 2.3 has the tables of an older Unicode";
    constexpr std::string_view direction =
        "the mode of libidn2 that allows emoji does not look at text from right to left";
    const std::vector<difference> differences = {
        {R"(https://a\xe2\x80\xa0--/x on -)", "-", hyphens},
        {R"(https://-\xe2\x80\xa0/x on -)", "-", hyphens},
        {R"(https://-x.\xc3\x9f/x on -)", "-", hyphens},
        {R"(https://x-.\xc3\x9f/x on -)", "-", hyphens},
        {R"(https://ab--c.\xc3\x9f/x on -)", "-", hyphens},
        {"https://x01234567890123456789012345678901234567890123456789012345678901"
         R"(\xe2\x80\xa0/x on -)",
         "-", length},
        {"https://x01234567890123456789012345678901234567890123456789012345678901x"
         R"(.\xc3\x9f/x on -)",
         "-", length},
        {"https://01234567890123456789012345678901234567890123456789."
         "01234567890123456789012345678901234567890123456789."
         "01234567890123456789012345678901234567890123456789."
         "01234567890123456789012345678901234567890123456789."
         R"(0123456789012345678901234567890123456789012345678.\xc3\x9f/x on -)",
         "-", length},
        {R"(https://look\xe1\xa0\x8eout.net/x on -)", "-", tables},
        {R"(https://look\xe2\x81\xabout.net/x on -)", "-", tables},
        {R"(https://\xd3\x80.com/x on -)", "-", tables},
        {R"(https://\xf0\xaf\xa1\xa8.com/x on -)", "-", tables},
        {R"(https://\xe2\x86\x83.com/x on -)", "-", tables},
        {R"(https://\xe1\xba\x9e.com/x on -)", "https://ss.com/x", tables},
        {R"(https://\xe1\xba\x9e.foo.com/x on -)", "https://ss.foo.com/x", tables},
        {R"(https://look\xd6\xbeout.net/x on -)", "https://xn--lookout-40i.net/x", direction},
    };
    check_cases(cases, differences);
}

namespace {

/// Changes `text` in a few places: characters are removed, repeated, or replaced.
std::string mutated(std::string text, std::mt19937& random)
{
    static constexpr std::string_view marks = "/\\:@?#[]%.-0x9a \t\n\r\0\x7f\xC3\x9F\xE2\x80"sv;
    const auto below = [&](std::size_t limit) { return random() % limit; };
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
        const auto at = below(text.size() + 1);
        const char mark = marks[below(marks.size())];
        switch (below(4)) {
        case 0:
            text.insert(at, 1, mark);
            break;
        case 1:
            text.erase(at, 1 + below(3));
            break;
        case 2:
            text.insert(at, text.substr(at, 1 + below(8)));
            break;
        default:
            if (at < text.size())
                text[at] = mark;
        }
    }
    return text;
}

bool may_stand_in_a_request_line(const std::string& text)
{
    for (const char c : text)
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
            return false;
    return true;
}

void check_fixed_point(const url& made, dot_segments dots)
{
    BOOST_TEST(may_stand_in_a_request_line(made.target()));
    BOOST_TEST(may_stand_in_a_request_line(made.host_header()));
    BOOST_TEST(made.authorization().find_first_of(std::string("\r\n\0", 3)) == std::string::npos);
    BOOST_TEST(made.target().front() == '/');
    for (const auto& text : {made.str(), made.href()}) {
        const auto again = url::parse(text, dots);
        BOOST_TEST(again.has_value(), text << " is refused");
        if (!again)
            continue;
        BOOST_TEST(again->str() == made.str());
        BOOST_TEST(again->origin() == made.origin());
    }
    BOOST_TEST(url::parse(made.href(), dots)->href() == made.href());
}

} // namespace

BOOST_AUTO_TEST_CASE(any_url_is_refused_or_stays_itself_when_it_is_parsed_again)
{
    const auto cases = wpt_cases("whatwg_urls.tsv");
    const auto base = url::parse("http://me:secret@a.example:81/b/c?d#e").value();
    std::mt19937 random(20261122);
    std::size_t parsed = 0;
    for (int round = 0; round < 20; ++round)
        for (const auto& each : cases) {
            const auto text = mutated(each.input, random);
            BOOST_TEST_CONTEXT("text: " << text)
            {
                for (const auto dots : {dot_segments::remove, dot_segments::keep})
                    if (const auto made = url::parse(text, dots)) {
                        ++parsed;
                        check_fixed_point(*made, dots);
                    }
                if (const auto made = base.resolve(text))
                    check_fixed_point(*made, dot_segments::remove);
            }
        }
    BOOST_TEST(parsed > 5'000U, "only " << parsed << " mutations were URLs");
}

BOOST_AUTO_TEST_SUITE_END()
