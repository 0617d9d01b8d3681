#include <duplicates.hpp>

#include <entry.hpp>
#include <options.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(duplicates)

using weir_fetch::place;

/// For each line, which one it is a duplicate of; 0 for none.
std::vector<std::uint64_t> first_of(const std::vector<std::string>& lines,
                                    const weir_fetch::options& chosen = {})
{
    weir_fetch::duplicates all(chosen);
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i != lines.size(); ++i) {
        const auto text = weir_fetch::tagged({place::source::line, i + 1}, lines[i], false);
        const auto marked = weir_fetch::read_entry(all.marked(text));
        BOOST_TEST(marked.text == lines[i]);
        BOOST_TEST(marked.at.number == i + 1);
        out.push_back(marked.first ? marked.first->number : 0);
    }
    return out;
}

using numbers = std::vector<std::uint64_t>;

BOOST_AUTO_TEST_CASE(urls_are_the_same_when_the_same_is_sent)
{
    BOOST_TEST(first_of({"http://a.example/x", "HTTP://A.EXAMPLE:80/x", "a.example/b/../x#part",
                         "http://a.example/x?", "{\"url\": \"http://a.example/x\", \"id\": 7}",
                         "https://a.example/x", "http://a.example/X", "http://a.example/%78",
                         "http://a.example/x?"}) == (numbers{0, 1, 1, 0, 1, 0, 0, 0, 4}));
    BOOST_TEST(first_of({"http://a.example", "http://a.example/", "http://a.example/./"}) ==
               (numbers{0, 1, 1}));
}

BOOST_AUTO_TEST_CASE(another_user_asks_for_something_else)
{
    BOOST_TEST(first_of({"http://a.example/", "http://me:x@a.example/", "http://me:y@a.example/",
                         "http://me:x@a.example/"}) == (numbers{0, 0, 0, 2}));
}

BOOST_AUTO_TEST_CASE(what_is_no_url_is_no_duplicate)
{
    BOOST_TEST(first_of({"word", "word", "http://a b/", "http://a b/", "{\"id\": 1}",
                         "{\"id\": 1}"}) == (numbers{0, 0, 0, 0, 0, 0}));
}

/// A line for the same URL, with these members.
std::string line(const std::string& members)
{
    return R"({"url": "http://a.example/x")" + (members.empty() ? "" : ", " + members) + "}";
}

BOOST_AUTO_TEST_CASE(what_lines_send_besides_the_url_counts)
{
    BOOST_TEST(first_of({line(""), line(R"("method": "PUT")"), line(R"("method": "GET")"),
                         line(R"("body": "a")"), line(R"("body": "b")"), line(R"("body": "a")"),
                         line(R"("method": "POST", "body": "b")"), line(R"("method": "PUT")")}) ==
               (numbers{0, 0, 1, 0, 0, 4, 5, 2}));
    BOOST_TEST(
        first_of({line(R"("headers": {"A": "1", "B": "2"})"),
                  line(R"("headers": {"b": "2", "a": "1"})"), line(R"("headers": {"A": "1"})"),
                  line(R"("headers": {"A": ["1", "2"]})"), line(R"("headers": {"A": ["2", "1"]})"),
                  line(R"("headers": {"Accept": null})"), line(R"("headers": {"X": null})"),
                  line("")}) == (numbers{0, 1, 0, 0, 0, 0, 0, 7}));
    // Where a body goes is no part of what is asked for.
    BOOST_TEST(first_of({line(""), line(R"("output": "y")"), line(R"("id": 7)")}) ==
               (numbers{0, 1, 1}));
    weir_fetch::options chosen;
    chosen.headers = {{"A", "1"}};
    BOOST_TEST(first_of({line(""), line(R"("headers": {"a": "1"})"),
                         line(R"("headers": {"A": "2"})"), line(R"("headers": {"A": null})")},
                        chosen) == (numbers{0, 1, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_url_without_a_scheme_is_that_with_the_default)
{
    weir_fetch::options chosen;
    chosen.default_scheme = "https";
    const std::vector<std::string> lines = {"a.example/x", "https://a.example/x",
                                            "http://a.example/x"};
    BOOST_TEST(first_of(lines, chosen) == (numbers{0, 1, 0}));
    BOOST_TEST(first_of(lines) == (numbers{0, 0, 1}));
}

BOOST_AUTO_TEST_CASE(what_is_not_asked_for_is_no_duplicate)
{
    weir_fetch::options chosen;
    chosen.url_schemes.apply("=https");
    BOOST_TEST(first_of({"http://a.example/", "http://a.example/", "https://a.example/",
                         "https://a.example/"},
                        chosen) == (numbers{0, 0, 0, 3}));
}

BOOST_AUTO_TEST_CASE(paths_as_they_are_differ)
{
    weir_fetch::options chosen;
    chosen.path_as_is = true;
    BOOST_TEST(first_of({"http://a.example/x", "http://a.example/b/../x"}, chosen) ==
               (numbers{0, 0}));
}

BOOST_AUTO_TEST_CASE(arguments_and_lines_have_numbers_of_their_own)
{
    const weir_fetch::options chosen;
    weir_fetch::duplicates all(chosen);
    const auto argument = weir_fetch::tagged({place::source::argument, 3}, "http://a/x", false);
    const auto line = weir_fetch::tagged({place::source::line, 3}, "http://a/x", false);
    BOOST_TEST(all.marked(argument) == argument);
    const auto marked = weir_fetch::read_entry(all.marked(line));
    BOOST_REQUIRE(marked.first.has_value());
    BOOST_TEST(marked.first->text() == "argument 3");
    BOOST_TEST(marked.at.text() == "line 3");
    BOOST_TEST(weir_fetch::url_of(weir_fetch::read_entry(all.marked(line))).error().text() ==
               "the same as argument 3");
}

BOOST_AUTO_TEST_SUITE_END()
