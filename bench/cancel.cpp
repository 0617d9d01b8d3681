// Many waiting operations cancelled at once, each by its own slot.

#include <weir/run/cancel.hpp>
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

// The first in line waits for more than there is, and others may pass it: each that leaves may let
// others through.
report cancel_overtakers(std::int64_t items)
{
    asio::io_context context(1);
    weir::semaphore semaphore(context.get_executor(), 10, 1000);
    const weir::permit held = semaphore.try_acquire(9);
    return storm(context, items,
                 [&](auto handler) { semaphore.async_acquire(2, std::move(handler)); });
}

// Of children of one source, linked and cancelled with it.
report cancel_children(std::int64_t items)
{
    weir::cancel_source parent;
    std::vector<weir::cancel_source> children;
    children.reserve(static_cast<std::size_t>(items));
    const bench::stopwatch watch;
    for (std::int64_t i = 0; i < items; ++i)
        children.emplace_back(parent.token());
    parent.cancel();
    std::uint64_t cancelled = 0;
    for (const weir::cancel_source& child : children)
        cancelled += child.token().cancelled();
    return bench::ns_each(watch, items, cancelled);
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
                        {"cancel_storm_overtakers", cancel_overtakers},
                        {"cancel_storm_children", cancel_children},
                        {"cancel_storm_receivers", cancel_receivers}});
}
