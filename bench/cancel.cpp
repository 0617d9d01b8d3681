// Many waiting operations cancelled at once, each by its own slot.

#include <weir/sync/channel.hpp>
#include <weir/sync/semaphore.hpp>

#include "support/bench.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <optional>
#include <vector>

namespace asio = boost::asio;
using bench::report;

namespace {

/// `begin(handler)` starts an operation that waits.
template <class Begin>
report storm(asio::io_context& context, std::int64_t items, Begin begin)
{
    std::vector<asio::cancellation_signal> signals(static_cast<std::size_t>(items));
    std::uint64_t cancelled = 0;
    for (auto& signal : signals) {
        const auto count = [&cancelled](weir::error_code error, const auto&) {
            cancelled += error == asio::error::operation_aborted;
        };
        begin(asio::bind_cancellation_slot(signal.slot(), count));
    }
    context.poll();
    bench::require(cancelled == 0, "one did not wait");
    const bench::stopwatch watch;
    for (auto& signal : signals)
        signal.emit(asio::cancellation_type::terminal);
    context.run();
    return bench::ns_each(watch, items, cancelled);
}

report cancel_acquirers(std::int64_t items)
{
    asio::io_context context(1);
    weir::semaphore semaphore(context.get_executor(), 1);
    const weir::permit held = semaphore.try_acquire();
    return storm(context, items,
                 [&](auto handler) { semaphore.async_acquire(std::move(handler)); });
}

report cancel_receivers(std::int64_t items)
{
    asio::io_context context(1);
    weir::channel<int> values(context.get_executor(), 1);
    return storm(context, items, [&](auto handler) { values.async_receive(std::move(handler)); });
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"cancel_storm_acquirers", cancel_acquirers},
                        {"cancel_storm_receivers", cancel_receivers}});
}
