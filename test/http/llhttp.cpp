// The responses of llhttp's tests: see data/llhttp_README.md.

#include "http/support/every_way.hpp"
#include "http/support/reading.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using weir::test::read_every_way;
using weir::test::reading;
using weir::test::reading_options;

BOOST_AUTO_TEST_SUITE(http_llhttp)

using record = std::map<std::string, std::string>;

// Blocks of `key: value`, with an empty line behind each.
std::vector<record> records_in(const std::string& path)
{
    std::ifstream file(path);
    std::vector<record> all(1);
    for (std::string line; std::getline(file, line);) {
        if (line.empty() && !all.back().empty())
            all.emplace_back();
        if (!line.empty() && line[0] != '#')
            all.back()[line.substr(0, line.find(": "))] = line.substr(line.find(": ") + 2);
    }
    if (all.back().empty())
        all.pop_back();
    return all;
}

// \r, \n, \t, \\ and \xHH stand for bytes.
std::string unescaped(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        const char kind = text.at(++i);
        if (kind == 'x') {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else
            out += kind == 'r' ? '\r' : kind == 'n' ? '\n' : kind == 't' ? '\t' : '\\';
    }
    return out;
}

std::string result_of(const reading& got)
{
    if (!got.error.empty())
        return got.error + ", " + got.text;
    return "read, " + std::to_string(got.status) + ", " + std::to_string(got.body.size()) +
           " bytes, " + (got.reusable ? "kept" : "closed");
}

BOOST_AUTO_TEST_CASE(its_responses_are_read_or_refused_as_listed)
{
    std::size_t cases = 0;
    std::size_t differences = 0;
    for (record& each : records_in(WEIR_HTTP_TEST_DATA "/llhttp_responses.txt")) {
        reading_options options;
        if (each["method"] == "HEAD")
            options.method = "HEAD";
        const auto got = result_of(read_every_way(unescaped(each["bytes"]), options));
        BOOST_TEST(got == each["ours"], each["case"] << " is " << got);
        // What the two make of it is the same, or there is a reason.
        const bool they_refuse = each["llhttp"].starts_with("refused");
        const bool we_refuse = got.starts_with("protocol");
        BOOST_TEST((they_refuse == we_refuse || !each["why"].empty()), each["case"]);
        differences += they_refuse == we_refuse ? 0 : 1;
        ++cases;
    }
    BOOST_TEST(cases == 75U);
    BOOST_TEST(differences == 20U);
}

BOOST_AUTO_TEST_SUITE_END()
