#include "flags/suggestion.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using weir_fetch::suggestion_for;

namespace {

const std::vector<std::string> names = {"input-file", "max-time",   "rate", "retry",
                                        "output",     "output-dir", "url",  "results"};

} // namespace

BOOST_AUTO_TEST_SUITE(suggestion)

BOOST_AUTO_TEST_CASE(slips_of_the_fingers_are_understood)
{
    BOOST_TEST(suggestion_for("inputfile", names) == "input-file");
    BOOST_TEST(suggestion_for("input", names) == "input-file");
    BOOST_TEST(suggestion_for("max-tiem", names) == "max-time");
    BOOST_TEST(suggestion_for("rtae", names) == "rate");
    BOOST_TEST(suggestion_for("outptu-dir", names) == "output-dir");
    BOOST_TEST(suggestion_for("resultss", names) == "results");
    BOOST_TEST(suggestion_for("output-dri", names) == "output-dir"); // nearer than "output"
}

BOOST_AUTO_TEST_CASE(words_of_other_tools_are_known)
{
    BOOST_TEST(suggestion_for("tries", names) == "retry");
    BOOST_TEST(suggestion_for("max-concurrent-downloads", names) == "jobs");
}

BOOST_AUTO_TEST_CASE(of_other_words_nothing_is_guessed)
{
    for (const char* given : {"", "u", "zzz", "xyzzy", "completely-different"})
        BOOST_TEST(suggestion_for(given, names) == "");
    BOOST_TEST(suggestion_for("rate", {}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
