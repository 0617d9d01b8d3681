#include <done_lines.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <optional>
#include <vector>

using weir_fetch::done_lines;
using weir_fetch::input_check;

BOOST_AUTO_TEST_SUITE(lines_done)

std::uint64_t hash(std::uint64_t line)
{
    return line * 0x9E3779B97F4A7C15U;
}

done_lines all_of(const std::vector<std::uint64_t>& lines)
{
    done_lines done;
    for (const auto line : lines)
        done.add(line, hash(line));
    return done;
}

/// The block in which an input of `lines` differs, where line `changed` is another one.
std::optional<std::uint64_t> differs(const done_lines& done, std::uint64_t lines,
                                     std::uint64_t changed)
{
    input_check check(done);
    for (std::uint64_t line = 1; line <= lines; ++line)
        if (auto found = check.pass(line, hash(line) + (line == changed ? 1 : 0)))
            return found->block;
    if (auto found = check.finish())
        return found->block;
    return std::nullopt;
}

BOOST_AUTO_TEST_CASE(a_line_is_known_once)
{
    done_lines done;
    BOOST_TEST(done.add(64, 1));
    BOOST_TEST(!done.add(64, 1));
    BOOST_TEST(done.contains(64));
    BOOST_TEST(!done.contains(63));
    BOOST_TEST(done.size() == 1U);
    BOOST_TEST(*done.first_from(0) == 64U);
    BOOST_TEST(!done.first_from(65).has_value());
}

BOOST_AUTO_TEST_CASE(the_same_input_passes)
{
    BOOST_CHECK(!differs(all_of({1, 2, 63, 64, 65, 300}), 300, 0));
    BOOST_CHECK(!differs(all_of({}), 300, 0));
    BOOST_CHECK(!differs(all_of({5}), 1000, 6)); // what was not done may change
}

BOOST_AUTO_TEST_CASE(a_changed_line_is_found_in_its_block)
{
    for (const std::uint64_t line : {1U, 63U, 64U, 65U, 300U})
        BOOST_CHECK(differs(all_of({1, 2, 63, 64, 65, 300}), 300, line) == line / 64);
}

BOOST_AUTO_TEST_CASE(lines_that_changed_places_are_noticed)
{
    const auto done = all_of({10, 11});
    input_check check(done);
    BOOST_CHECK(!check.pass(10, hash(11)));
    BOOST_CHECK(!check.pass(11, hash(10)));
    BOOST_CHECK(check.finish().has_value());
}

BOOST_AUTO_TEST_CASE(a_shorter_input_is_noticed)
{
    BOOST_CHECK(differs(all_of({1, 2, 300, 700}), 299, 0) == 300U / 64);
    BOOST_CHECK(differs(all_of({1, 2, 300}), 200, 0) == 300U / 64);
    BOOST_CHECK(differs(all_of({1}), 0, 0) == 0U);
}

BOOST_AUTO_TEST_CASE(a_line_that_is_none_any_more_is_noticed)
{
    const auto done = all_of({10, 100});
    input_check check(done);
    BOOST_CHECK(!check.pass(10, hash(10)));
    const auto found = check.pass(1000, hash(1000)); // all between are comments now
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST(found->block == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
