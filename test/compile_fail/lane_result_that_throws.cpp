// expect: moves without throwing
#include <weir/run/blocking_lane.hpp>

#include <boost/asio/detached.hpp>

#include <string>

struct careful {
    careful() = default;
    careful(careful&&) {}
};

void run(weir::blocking_lane& lane)
{
    lane.async_run([] { return std::string(); }, boost::asio::detached);
#ifdef WEIR_MISUSE
    lane.async_run([] { return careful(); }, boost::asio::detached);
#endif
}
