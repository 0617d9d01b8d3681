// expect: begins when it is awaited|declared with .nodiscard.
#include <weir/run/blocking_lane.hpp>
#include <weir/run/cancel.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/event.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/detached.hpp>

#include <vector>

void owner(weir::semaphore& limit, weir::gate& gate, weir::wait_group& group, weir::event& event,
           weir::cancel_token& token, weir::blocking_lane& lane, weir::channel<int>& values,
           std::vector<int>& into)
{
    const weir::time_point soon;
    const auto here = gate.get_executor();
    limit.async_acquire([](weir::error_code, weir::permit) {});
    limit.async_acquire(2, boost::asio::detached);
    values.async_send(1, boost::asio::detached);
    values.async_receive(boost::asio::detached);
    const auto kept = limit.async_acquire();
    (void)kept, (void)soon, (void)here;
#ifdef WEIR_MISUSE
    limit.async_acquire();               // refused
    limit.async_acquire(2);              // refused
    limit.async_acquire_until(soon);     // refused
    limit.async_acquire_until(soon, 2);  // refused
    gate.async_close();                  // refused
    group.async_wait();                  // refused
    group.async_wait_until(soon);        // refused
    event.async_wait(here);              // refused
    token.async_wait(here);              // refused
    lane.async_run([] {});               // refused
    lane.async_close();                  // refused
    weir::async_sleep_until(here, soon); // refused
    weir::async_sleep_for(here, {});     // refused
    values.async_send(1);                // refused
    values.async_send_until(soon, 1);    // refused
    values.async_emplace(1);             // refused
    values.async_receive();              // refused
    values.async_receive_until(soon);    // refused
    values.async_receive_some(into, 2);  // refused
    values.async_reserve();              // refused
#endif
}
