// The channel, in every order: each value has exactly one fate, the one that was reported, and
// first in is first out.
#include "proof/prove.hpp"
#include "proof/traffic.hpp"

#include <weir/sync/channel.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>

using weir::overflow;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::prove;
using shape = weir::test::traffic_shape;
using traffic = weir::test::traffic<weir::channel<weir::test::value>>;

namespace {

void prove_one(const std::string& what, const shape& s, void (*faults)(traffic&),
               const schedules& which = schedules::all())
{
    prove("channel {capacity " + std::to_string(s.capacity) + ", 2 senders of " +
              std::to_string(s.values) + ", 2 receivers, " + what + "}",
          which, [&](world& w) {
              traffic x(w, s);
              faults(x);
              x.finish();
          });
}

void prove_each(const std::string& what, void (*faults)(traffic&))
{
    for (const std::size_t capacity : {0, 1, 2})
        prove_one(what, shape(capacity, 1), faults);
}

void close_it(traffic& x)
{
    x.close_it();
}

} // namespace

BOOST_AUTO_TEST_SUITE(channel_in_every_order)

BOOST_AUTO_TEST_CASE(closed)
{
    prove_each("closed", close_it);
}

BOOST_AUTO_TEST_CASE(closed_after_two_values_each)
{
    // Capacity 1 has 7 million schedules, and 2 has 17.
    for (const std::size_t capacity : {0, 1, 2})
        if (capacity < 2 || weir::test::is_long())
            prove_one("closed", shape(capacity, 2), close_it);
}

BOOST_AUTO_TEST_CASE(cancelled)
{
    prove_each("1 of each cancelled", [](traffic& x) {
        x.cancel_a_sender();
        x.cancel_a_receiver();
    });
}

BOOST_AUTO_TEST_CASE(destroyed)
{
    prove_each("destroyed", [](traffic& x) { x.destroy_it(); });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed)
{
    prove_each("a context destroyed", [](traffic& x) { x.destroy_a_context(); });
}

BOOST_AUTO_TEST_CASE(reserved_places_and_several_at_once)
{
    for (const std::size_t capacity : {1, 2}) {
        shape s(capacity, 1);
        s.last_reserves = true;
        s.last_takes_some = true;
        prove_one("reserve and some, closed", s, close_it);
        prove_one("reserve and some, cancelled", s, [](traffic& x) { x.cancel_a_sender(); });
        prove_one("reserve and some, destroyed", s, [](traffic& x) { x.destroy_it(); });
        prove_one("reserve and some, context destroyed", s,
                  [](traffic& x) { x.destroy_a_context(); });
    }
}

BOOST_AUTO_TEST_CASE(when_it_is_full)
{
    for (const overflow full : {overflow::reject, overflow::drop_oldest, overflow::drop_newest}) {
        shape s(1, 2);
        s.full = full;
        const char* const name = full == overflow::reject        ? "rejects"
                                 : full == overflow::drop_oldest ? "drops oldest"
                                                                 : "drops newest";
        prove_one(name, s, [](traffic&) {});
        s.values = 1;
        prove_one(name + std::string(", closed"), s, close_it);
        prove_one(name + std::string(", destroyed"), s, [](traffic& x) { x.destroy_it(); });
    }
}

BOOST_AUTO_TEST_CASE(deadlines)
{
    // Four timers that expire at once have too many orders: schedules with up to four delays.
    for (const std::size_t capacity : {0, 1}) {
        shape s(capacity, 1);
        s.deadlines = true;
        prove_one(
            "deadlines, 4 delays", s, [](traffic&) {}, schedules::delayed(4));
        prove_one(
            "deadlines, cancelled, 4 delays", s, [](traffic& x) { x.cancel_a_sender(); },
            schedules::delayed(4));
    }
}

BOOST_AUTO_TEST_SUITE_END()
