#include <sha256.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(sha256)

// The example values of FIPS 180-4.
BOOST_AUTO_TEST_CASE(known_sums)
{
    weir_fetch::sha256 none;
    BOOST_TEST(none.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    weir_fetch::sha256 abc;
    abc.add("a");
    abc.add("bc");
    BOOST_TEST(abc.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

BOOST_AUTO_TEST_SUITE_END()
