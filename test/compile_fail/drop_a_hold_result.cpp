// expect: nodiscard|ignoring
#include <weir/flow/job_context.hpp>
#include <weir/policy/keyed_semaphore.hpp>
#include <weir/policy/schedule.hpp>

void owner(weir::job_context& self, weir::keyed_semaphore<int>& keys, weir::schedule<int, int>& due,
           weir::time_point until)
{
    (void)self.hold(until); // the caller's choice
#ifdef WEIR_MISUSE
    self.hold(until);       // refused
    keys.hold(1, until);    // refused
    due.hold(1, until, {}); // refused
#endif
    (void)keys, (void)due;
}
