#include <weir/policy/keyed_semaphore.hpp>

#include "torture/torture.hpp"

#include "support/simulation.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <vector>

using namespace std::chrono_literals;
using namespace weir::test;
using weir::error_code;
using semaphore = weir::keyed_semaphore<int>;
using permit = weir::keyed_permit<int>;

BOOST_AUTO_TEST_SUITE(torture_keys)

// Acquires of a full key, of a held one and of new ones; then all of them are let go.
BOOST_AUTO_TEST_CASE(acquires_by_key_are_granted_or_throw_and_keys_are_forgotten)
{
    for (const bool wide : {false, true})
        each_allocation_fails_in(20, [wide](simulation& s) {
            std::optional<semaphore> all;
            const auto make = [&] {
                if (wide)
                    all.emplace(s.a.get_executor(), 1, 3);
                else
                    all.emplace(s.a.get_executor(), 1);
            };
            if (!survives(make))
                return;
            permit first;
            const bool taken = survives([&] { first = all->try_acquire(1); });
            BOOST_TEST(bool(first) == taken);
            const bool held = survives([&] { (void)all->hold(2, s.world.now() + 5s); });
            (void)survives([&] { (void)all->override_key(3, 1, 1, s.world.now() + 5s); });
            int begun = 0, calls = 0;
            const auto count = [&](error_code error, const permit& p) {
                ++calls;
                BOOST_TEST(bool(p) == !error);
            };
            for (const int key : {1, 2, 3, 4, 1, 2})
                begun += survives([&] { all->async_acquire(key, count); });
            begun += survives([&] { all->async_acquire_until(s.world.now() + 1s, 2, count); });
            {
                const while_they_fail here;
                BOOST_TEST(run_on(s.world) == 0U);
                first.release();
                BOOST_TEST(run_on(s.world) == 0U);
                all->resize(2);
                if (held)
                    all->resume(2);
                BOOST_TEST(run_on(s.world) == 0U);
            }
            BOOST_TEST(calls == begun);
            BOOST_TEST(all->in_use() == 0U);
            BOOST_TEST(all->waiters() == 0U);
            all->reset_key(3);
            BOOST_TEST(bool(all->try_acquire(5, 2)));
            BOOST_TEST(all->keys() == 0U);
        });
}

BOOST_AUTO_TEST_SUITE_END()
