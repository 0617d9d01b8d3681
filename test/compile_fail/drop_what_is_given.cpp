// expect: is dropped|handed back
#include <weir/sync/channel.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/semaphore.hpp>

#include <utility>

void owner(weir::semaphore& limit, weir::gate& gate, weir::channel<int>& values)
{
    const auto mine = limit.try_acquire();
    const auto inside = gate.try_enter();
    const auto place = values.try_reserve();
    const auto sent = values.try_send(1);
    (void)mine, (void)inside, (void)place, (void)sent;
#ifdef WEIR_MISUSE
    limit.try_acquire();                         // refused
    gate.try_enter();                            // refused
    values.try_reserve();                        // refused
    values.try_send(1);                          // refused
    weir::send_result<int>(weir::errc::full, 1); // refused
#endif
}
