#include <spool.hpp>

#include <weir/error.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

BOOST_AUTO_TEST_SUITE(spool)

/// All that is read, which must go well.
std::string read_all(weir_fetch::spool& from)
{
    std::string out;
    for (;;) {
        weir::error_code error;
        const std::string_view part = from.read(error);
        BOOST_TEST(!error);
        if (part.empty())
            return out;
        out += part;
    }
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_in_memory_and_in_a_file)
{
    const std::size_t limit = weir_fetch::spool::in_memory;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, limit, limit + 1, 5 * limit}) {
        weir_fetch::spool body("/tmp");
        std::string written;
        while (written.size() != size) {
            const std::string part(std::min<std::size_t>(10'007, size - written.size()),
                                   static_cast<char>('a' + written.size() % 26));
            BOOST_TEST(!body.write(part));
            written += part;
        }
        BOOST_TEST((read_all(body) == written), size);
        BOOST_TEST(read_all(body).empty()); // the end stays the end
    }
}

BOOST_AUTO_TEST_CASE(a_short_body_needs_no_folder_and_a_long_one_says_what_is_wrong)
{
    weir_fetch::spool body("/no/such/folder");
    BOOST_TEST(!body.write(std::string(weir_fetch::spool::in_memory, 'x')));
    BOOST_TEST((body.write("y") == boost::system::errc::no_such_file_or_directory));
}

BOOST_AUTO_TEST_SUITE_END()
