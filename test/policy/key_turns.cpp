// What the rule of keys that take turns promises beyond what a `schedule` shows.
#include <weir/policy/detail/key_turns.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <limits>

namespace {

using entry = weir::detail::key_entry<int>;
using node = weir::detail::key_node<entry>;

} // namespace

BOOST_AUTO_TEST_SUITE(key_turns)

// A limit that is lowered is compared with it, instead of with each that waits.
BOOST_AUTO_TEST_CASE(no_waiting_node_costs_more_than_the_most_expensive)
{
    weir::detail::key_turns<entry> turns(weir::key_options(1));
    BOOST_TEST(turns.most_expensive() == 0U);
    entry e(0);
    turns.attach(e);
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    for (const std::size_t cost : {std::size_t{1}, std::size_t{2}, std::size_t{3}, most / 2,
                                   most / 2 + 1, most / 2 + 2, most}) {
        node cheap(1), waits(cost);
        turns.push(e, cheap);
        turns.push(e, waits);
        BOOST_TEST(turns.most_expensive() >= cost);
        turns.erase(waits);
        BOOST_TEST(turns.most_expensive() == 1U);
        turns.erase(cheap);
        BOOST_TEST(turns.most_expensive() == 0U);
    }
    turns.detach(*turns.idle());
}

BOOST_AUTO_TEST_SUITE_END()
