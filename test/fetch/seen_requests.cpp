#include <seen_requests.hpp>

#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

BOOST_AUTO_TEST_SUITE(seen_requests)

using weir_fetch::fingerprint;
using weir_fetch::fingerprint_of;

fingerprint numbered(std::uint64_t number)
{
    return fingerprint_of(std::to_string(number));
}

BOOST_AUTO_TEST_CASE(a_fingerprint_is_half_of_sha_256)
{
    const fingerprint of = fingerprint_of("abc");
    const auto* bytes = reinterpret_cast<const unsigned char*>(of.data());
    const unsigned char begin[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                   0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23};
    BOOST_TEST(std::equal(begin, begin + 16, bytes));
}

BOOST_AUTO_TEST_CASE(each_is_found_with_its_first_number_however_many_there_are)
{
    for (const std::size_t in_memory : {1U, 16U, 512U}) {
        weir_fetch::seen_requests seen("/tmp", in_memory);
        const std::uint64_t count = in_memory == 1 ? 50 : 2000;
        for (std::uint64_t i = 1; i <= count; ++i) {
            BOOST_REQUIRE(!seen.find_or_add(numbered(i), i));
            const std::uint64_t earlier = 1 + (i * 7919) % i;
            BOOST_REQUIRE(seen.find_or_add(numbered(earlier), i + count) == earlier);
        }
        for (std::uint64_t i = 1; i <= count; ++i)
            BOOST_REQUIRE(seen.find_or_add(numbered(i), 0) == i);
        BOOST_TEST(seen.runs() <= 13U);
    }
}

BOOST_AUTO_TEST_CASE(fingerprints_that_are_nearly_the_same_are_not)
{
    weir_fetch::seen_requests seen("/tmp", 2);
    std::uint64_t number = 0;
    for (std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX})
        for (std::uint64_t second = 0; second != 1500; ++second) // more than a block of a run
            BOOST_REQUIRE(!seen.find_or_add({first, second}, ++number));
    number = 0;
    for (std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX})
        for (std::uint64_t second = 0; second != 1500; ++second)
            BOOST_REQUIRE(seen.find_or_add({first, second}, 1) == ++number);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_is_an_error)
{
    weir_fetch::seen_requests seen("/no/such/folder", 1);
    BOOST_TEST(!seen.find_or_add(numbered(1), 1));
    BOOST_CHECK_THROW((void)seen.find_or_add(numbered(2), 2), boost::system::system_error);
}

BOOST_AUTO_TEST_SUITE_END()
