#include "torture/torture.hpp"

#include <weir/sync/channel.hpp>
#include <weir/sync/event.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/bind_executor.hpp>

#include <optional>
#include <string>
#include <vector>

namespace asio = boost::asio;

using namespace weir::test;
using namespace std::chrono_literals;
using weir::error_code;

namespace {

/// A step that must not throw `std::bad_alloc`, whatever fails.
template <class Function>
void goes_through(Function&& f)
{
    BOOST_TEST(survives(f));
}

/// Runs on while allocations fail; nothing throws.
void run_through(simulation& s)
{
    const while_they_fail here;
    BOOST_TEST(run_on(s.world) == 0U);
}

} // namespace

BOOST_AUTO_TEST_SUITE(torture_sync)

BOOST_AUTO_TEST_CASE(an_acquire_waits_and_is_granted_or_throws)
{
    for (const weir::duration until : {weir::duration::max(), weir::duration(5s)})
        each_allocation_fails_in(2, [&](simulation& s) {
            std::optional<weir::semaphore> sem;
            if (!survives([&] { sem.emplace(s.a.get_executor(), 2); }))
                return;
            int calls = 0;
            int granted = 0;
            const auto at = weir::saturating_add(s.world.now(), until);
            {
                weir::permit first = sem->try_acquire(2);
                BOOST_TEST(bool(first));
                int begun = 0;
                for (int i = 0; i < 3; ++i)
                    begun += survives([&] {
                        sem->async_acquire_until(at, 1, [&](error_code error, weir::permit p) {
                            ++calls;
                            granted += p ? 1 : 0;
                            BOOST_TEST(bool(p) == !error);
                        });
                    });
                run_through(s); // a deadline comes now
                first.release();
                run_through(s);
                BOOST_TEST(calls == begun);
            }
            BOOST_TEST(sem->in_use() == 0U);
            BOOST_TEST(bool(sem->try_acquire(2)));
        });
}

// Asio would destroy a coroutine whose operation throws as it begins.
BOOST_AUTO_TEST_CASE(a_coroutine_that_cannot_wait_hears_why)
{
    each_allocation_fails_in(2, [&](simulation& s) {
        weir::semaphore sem(s.a.get_executor(), 1);
        weir::permit first = sem.try_acquire();
        int ended = 0;
        const auto body = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 2; ++i)
                try {
                    const weir::permit second = co_await sem.async_acquire();
                    ++ended;
                } catch (const std::bad_alloc&) {
                    ++ended;
                } catch (const boost::system::system_error& e) {
                    ++ended;
                    BOOST_TEST(e.code() == boost::system::errc::not_enough_memory);
                }
        };
        s.spawn(body);
        run_through(s);
        first.release();
        run_through(s);
        BOOST_TEST(ended == 2);
    });
}

BOOST_AUTO_TEST_SUITE_END()
