#include "support/custom_executor.hpp"
#include "torture/torture.hpp"

#include <weir/sync/channel.hpp>
#include <weir/sync/event.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/strand.hpp>

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

BOOST_AUTO_TEST_CASE(a_send_hands_its_value_back_or_it_is_received)
{
    for (const std::size_t capacity : {0U, 1U})
        each_allocation_fails_in(3, [&](simulation& s) {
            std::optional<weir::channel<int>> values;
            if (!survives([&] { values.emplace(s.a.get_executor(), capacity); }))
                return;
            int begun = 0, sent = 0, back = 0, received = 0, nothing = 0, receivers = 0;
            for (int i = 0; i < 4; ++i)
                begun += survives([&] {
                    values->async_send_until(s.world.now() + 5s, i, [&](weir::send_result<int> r) {
                        if (r)
                            ++sent;
                        else
                            ++back;
                    });
                });
            const auto on_value = [&](error_code, std::optional<int> value) {
                value ? ++received : ++nothing;
            };
            for (int i = 0; i < 2; ++i)
                receivers += survives([&] { values->async_receive(on_value); });
            run_through(s);
            while (values->try_receive())
                ++received;
            s.world.run();
            BOOST_TEST(sent + back == begun);
            BOOST_TEST(received + nothing >= receivers);
            BOOST_TEST(received == sent);
            BOOST_TEST(bool(values->try_send(7)) == (capacity != 0));
            values->close();
            s.run();
        });
}

BOOST_AUTO_TEST_CASE(a_reservation_is_given_or_not)
{
    each_allocation_fails_in(2, [&](simulation& s) {
        weir::channel<int> values(s.a.get_executor(), 1);
        int calls = 0, begun = 0;
        for (int i = 0; i < 2; ++i)
            begun += survives([&] {
                values.async_reserve([&](error_code error, weir::channel<int>::reservation r) {
                    ++calls;
                    BOOST_TEST(bool(r) == !error);
                });
            });
        run_through(s);
        BOOST_TEST(calls == begun);
        BOOST_TEST(bool(values.try_send(1)));
    });
}

BOOST_AUTO_TEST_CASE(several_are_received_or_none)
{
    each_allocation_fails_in(2, [&](simulation& s) {
        weir::channel<int> values(s.a.get_executor(), 4);
        std::vector<int> into;
        int calls = 0;
        const bool begun = survives(
            [&] { values.async_receive_some(into, 4, [&](error_code, std::size_t) { ++calls; }); });
        for (int i = 0; i < 3; ++i)
            BOOST_TEST(bool(values.try_send(int(i))));
        run_through(s);
        survives([&] { values.try_receive_n(into, 4); });
        values.try_receive_n(into, 4);
        BOOST_TEST(calls == (begun ? 1 : 0));
        BOOST_TEST((into == std::vector<int>{0, 1, 2}));
    });
}

BOOST_AUTO_TEST_CASE(waits_for_a_count_end)
{
    each_allocation_fails_in(3, [&](simulation& s) {
        std::optional<weir::gate> gate;
        std::optional<weir::wait_group> group;
        std::optional<weir::event> event;
        const bool made = survives([&] {
            gate.emplace(s.a.get_executor());
            group.emplace(s.a.get_executor());
            event.emplace();
        });
        if (!made)
            return;
        group->add();
        auto pass = gate->try_enter();
        int calls = 0, begun = 0;
        const auto on_end = [&](error_code) { ++calls; };
        begun += survives([&] { gate->async_close(on_end); });
        begun += survives([&] { group->async_wait_until(s.world.now() + 1h, on_end); });
        begun += survives([&] { event->async_wait(s.b.get_executor(), on_end); });
        begun += survives([&] { weir::async_sleep_for(s.a.get_executor(), 1s, on_end); });
        for (int i = 0; i < 5; ++i)
            survives([&] { s.world.run_one(); });
        goes_through([&] { pass = {}; });
        goes_through([&] { group->done(); });
        goes_through([&] { event->set(); });
        run_through(s);
        BOOST_TEST(calls == begun);
    });
}

// Strands, erased or not, and executors of the user's.
BOOST_AUTO_TEST_CASE(a_wait_on_any_executor_ends)
{
    for (int kind = 0; kind < 4; ++kind)
        each_allocation_fails(1, [&] {
            int inside = 0;
            asio::io_context io(1);
            const auto where = [&]() -> asio::any_io_executor {
                switch (kind) {
                case 0:
                    return io.get_executor();
                case 1:
                    return asio::make_strand(io);
                case 2:
                    return asio::make_strand(asio::any_io_executor(io.get_executor()));
                default:
                    return custom_executor(io, inside);
                }
            };
            std::optional<weir::semaphore> sem;
            if (!survives([&] { sem.emplace(where(), 1); }))
                return;
            weir::permit first = sem->try_acquire();
            int calls = 0, begun = 0;
            for (int i = 0; i < 2; ++i)
                begun += survives(
                    [&] { sem->async_acquire([&](error_code, weir::permit) { ++calls; }); });
            {
                const while_they_fail here;
                BOOST_TEST(run_on(io) == 0U);
                first.release();
                BOOST_TEST(run_on(io) == 0U);
            }
            BOOST_TEST(calls == begun);
            BOOST_TEST(sem->in_use() == 0U);
        });
}

BOOST_AUTO_TEST_SUITE_END()
