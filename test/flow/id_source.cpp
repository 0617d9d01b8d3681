#include <weir/flow/detail/pool/id_source.hpp>

#include <boost/test/unit_test.hpp>

#include <optional>
#include <set>

BOOST_AUTO_TEST_SUITE(id_source)

using weir::detail::id_source;

BOOST_AUTO_TEST_CASE(one_thread_counts_from_one_and_leaves_none_out)
{
    id_source ids;
    int wrong = 0;
    for (weir::job_id expected = 1; expected <= 1000; ++expected)
        wrong += ids.next() == expected ? 0 : 1;
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_thread_that_numbers_for_two_gives_each_its_own_numbers_once)
{
    id_source a, b;
    std::set<weir::job_id> of_a, of_b;
    for (int i = 0; i < 300; ++i) {
        BOOST_TEST(of_a.insert(a.next()).second);
        if (i % 3 == 0)
            BOOST_TEST(of_b.insert(b.next()).second);
    }
    BOOST_TEST(*of_a.begin() == 1U);
    BOOST_TEST(*of_b.begin() == 1U);
}

BOOST_AUTO_TEST_CASE(one_at_the_place_of_another_begins_anew)
{
    std::optional<id_source> ids;
    for (int i = 0; i < 3; ++i) {
        ids.emplace();
        BOOST_TEST(ids->next() == 1U);
        BOOST_TEST(ids->next() == 2U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
