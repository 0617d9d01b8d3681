// The queues over Asio's channels, in every order: through the queue each value has exactly one
// fate, whatever the channels lose by themselves.
#include "proof/prove.hpp"
#include "proof/traffic.hpp"

#include <weir/flow/asio_queue.hpp>

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>

namespace asio = boost::asio;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::value;

namespace {

using signature = void(boost::system::error_code, value);

template <class Channel>
void prove_each(const std::string& queue)
{
    using traffic = weir::test::traffic<weir::asio_queue<Channel>>;
    struct misfortune {
        const char* name;
        void (*strike)(traffic&);
    };
    const misfortune all[] = {
        {"closed", [](traffic& x) { x.close_it(); }},
        {"1 sender cancelled", [](traffic& x) { x.cancel_a_sender(); }},
        {"1 receiver cancelled", [](traffic& x) { x.cancel_a_receiver(); }},
        {"destroyed", [](traffic& x) { x.destroy_it(); }},
        {"a context destroyed", [](traffic& x) { x.destroy_a_context(); }},
    };
    for (const misfortune& m : all)
        for (const std::size_t capacity : {0, 1, 2})
            weir::test::prove(queue + " {capacity " + std::to_string(capacity) +
                                  ", 2 senders of 1, 2 receivers, " + m.name + "}",
                              schedules::all(), [&](world& w) {
                                  traffic x(w, weir::test::traffic_shape(capacity, 1));
                                  m.strike(x);
                                  x.finish();
                              });
}

} // namespace

BOOST_AUTO_TEST_SUITE(asio_queue_in_every_order)

BOOST_AUTO_TEST_CASE(over_a_channel)
{
    prove_each<asio::experimental::channel<signature>>("queue over channel");
}

BOOST_AUTO_TEST_CASE(over_a_concurrent_channel)
{
    prove_each<asio::experimental::concurrent_channel<signature>>("queue over concurrent_channel");
}

BOOST_AUTO_TEST_SUITE_END()
