// What docs/cancellation.md promises and the tests of the primitives do not show by themselves.
#include <weir/sync/channel.hpp>
#include <weir/sync/event.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(cancellation_rows)

constexpr weir::time_point later = weir::time_point{} + 1h;
const auto aborted = [](weir::error_code error, const auto&...) {
    BOOST_CHECK(error == asio::error::operation_aborted);
};

/// An empty channel, and a receiver that waits.
struct empty {
    explicit empty(asio::any_io_executor e)
        : values(std::make_unique<weir::channel<int>>(e, 2)),
          into(std::make_unique<std::vector<int>>())
    {
    }
    std::unique_ptr<weir::channel<int>> values;
    std::unique_ptr<std::vector<int>> into;
};

struct several : empty {
    using empty::empty;
    template <class Handler>
    void begin(Handler handler)
    {
        values->async_receive_some(*into, 2, std::move(handler));
    }
};

struct receives_until : empty {
    using empty::empty;
    template <class Handler>
    void begin(Handler handler)
    {
        values->async_receive_until(later, std::move(handler));
    }
};

/// A full channel, and a sender that waits.
struct sends_until {
    explicit sends_until(asio::any_io_executor e)
        : values(std::make_unique<weir::channel<int>>(e, 1))
    {
        BOOST_TEST(!!values->try_send(1));
    }
    template <class Handler>
    void begin(Handler handler)
    {
        values->async_send_until(later, 2, std::move(handler));
    }
    std::unique_ptr<weir::channel<int>> values;
};

struct reserves : sends_until {
    using sends_until::sends_until;
    template <class Handler>
    void begin(Handler handler)
    {
        values->async_reserve(std::move(handler));
    }
};

struct acquires {
    explicit acquires(asio::any_io_executor e)
        : few(std::make_unique<weir::semaphore>(e, weir::limit(1))), held(few->try_acquire())
    {
    }
    template <class Handler>
    void begin(Handler handler)
    {
        few->async_acquire(std::move(handler));
    }
    std::unique_ptr<weir::semaphore> few;
    weir::permit held;
};

struct acquires_until : acquires {
    using acquires::acquires;
    template <class Handler>
    void begin(Handler handler)
    {
        few->async_acquire_until(later, 1, std::move(handler));
    }
};

struct waits_for_group_until {
    explicit waits_for_group_until(asio::any_io_executor executor)
        : group(std::make_unique<weir::wait_group>(executor))
    {
        group->add();
    }
    template <class Handler>
    void begin(Handler handler)
    {
        group->async_wait_until(later, std::move(handler));
    }

    std::unique_ptr<weir::wait_group> group;
};

template <class Held>
constexpr auto start = [](asio::any_io_executor executor) { return Held(executor); };

// Not run before it is cancelled: the clock would jump to the deadline.
template <class Held, class Check>
void ends_when_cancelled(Check check)
{
    using type = asio::cancellation_type;
    for (const type kind : {type::terminal, type::partial, type::total})
        in_many_orders([&](simulation& s) {
            Held held(s.a.get_executor());
            asio::cancellation_signal signal;
            int calls = 0;
            auto handler = [&](auto... results) {
                ++calls;
                check(std::move(results)...);
            };
            held.begin(asio::bind_cancellation_slot(signal.slot(), handler));
            signal.emit(kind);
            BOOST_TEST(calls == 0);
            s.run();
            BOOST_TEST(calls == 1);
            BOOST_TEST((s.elapsed() < 1h));
        });
}

BOOST_AUTO_TEST_CASE(a_cancelled_receive_of_several_takes_no_value)
{
    ends_when_cancelled<several>(aborted);
}

BOOST_AUTO_TEST_CASE(a_cancelled_receive_with_a_deadline_takes_no_value)
{
    ends_when_cancelled<receives_until>(aborted);
}

BOOST_AUTO_TEST_CASE(a_cancelled_send_with_a_deadline_hands_the_value_back)
{
    ends_when_cancelled<sends_until>([](weir::send_result<int> result) {
        BOOST_CHECK(result.error() == asio::error::operation_aborted);
        BOOST_TEST(result.value() == 2);
    });
}

BOOST_AUTO_TEST_CASE(a_cancelled_acquire_with_a_deadline_takes_no_permit)
{
    ends_when_cancelled<acquires_until>(aborted);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_for_a_group_with_a_deadline_is_aborted)
{
    ends_when_cancelled<waits_for_group_until>(
        [](weir::error_code error) { BOOST_CHECK(error == asio::error::operation_aborted); });
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    weir::test::any_order_of_destruction_is_clean(start<waits_for_group_until>);
    weir::test::any_order_of_destruction_is_clean(start<several>);
    weir::test::any_order_of_destruction_is_clean(start<receives_until>);
    weir::test::any_order_of_destruction_is_clean(start<sends_until>);
    weir::test::any_order_of_destruction_is_clean(start<acquires_until>);
}

/// The primitive goes while `Held` waits: `check` looks at what it completes with.
template <class Held, class End, class Check>
void ends_with(End end, Check check)
{
    in_many_orders([&](simulation& s) {
        Held held(s.a.get_executor());
        int calls = 0;
        held.begin([&](auto... results) {
            ++calls;
            check(std::move(results)...);
        });
        end(held);
        BOOST_TEST(calls == 0);
        s.run();
        BOOST_TEST(calls == 1);
        BOOST_TEST((s.elapsed() < 1h));
    });
}

BOOST_AUTO_TEST_CASE(closing_or_destroying_the_channel_is_the_end_for_receivers)
{
    const auto ended = [](weir::error_code error, auto result) {
        BOOST_TEST(!error);
        BOOST_TEST(!result);
    };
    const auto close = [](empty& e) { e.values->close(); };
    const auto destroy = [](empty& e) { e.values.reset(); };
    ends_with<several>(close, ended);
    ends_with<several>(destroy, ended);
    ends_with<receives_until>(close, ended);
    ends_with<receives_until>(destroy, ended);
}

BOOST_AUTO_TEST_CASE(closing_or_destroying_the_channel_hands_back_what_is_sent)
{
    const auto closed = [](weir::send_result<int> result) {
        BOOST_CHECK(result.error() == weir::errc::closed);
        BOOST_TEST(result.value() == 2);
    };
    ends_with<sends_until>([](sends_until& s) { s.values->close(); }, closed);
    ends_with<sends_until>([](sends_until& s) { s.values.reset(); }, closed);
}

BOOST_AUTO_TEST_CASE(destroying_the_semaphore_is_closing_it)
{
    const auto closed = [](weir::error_code error, weir::permit p) {
        BOOST_CHECK(error == weir::errc::closed);
        BOOST_TEST(!p);
    };
    ends_with<acquires>([](acquires& a) { a.few.reset(); }, closed);
    ends_with<acquires_until>([](acquires& a) { a.few->close(); }, closed);
    ends_with<acquires_until>([](acquires& a) { a.few.reset(); }, closed);
}

BOOST_AUTO_TEST_CASE(closing_or_destroying_the_channel_refuses_a_waiting_reserve)
{
    const auto closed = [](weir::error_code error, weir::channel<int>::reservation place) {
        BOOST_CHECK(error == weir::errc::closed);
        BOOST_TEST(!place);
    };
    ends_with<reserves>([](sends_until& s) { s.values->close(); }, closed);
    ends_with<reserves>([](sends_until& s) { s.values.reset(); }, closed);
}

/// Waits for `left` to be let go of; the primitive may be gone by then.
template <class Begin, class Leave>
void goes_on_waiting(Begin begin, Leave leave)
{
    in_many_orders([&](simulation& s) {
        int calls = 0;
        auto left = begin(s.a.get_executor(), [&](weir::error_code error) {
            ++calls;
            BOOST_TEST(!error);
        }); // the primitive is gone
        s.world.run();
        BOOST_TEST(calls == 0);
        leave(left);
        s.run();
        BOOST_TEST(calls == 1);
    });
}

BOOST_AUTO_TEST_CASE(async_close_outlives_its_gate_and_waits_for_the_passes)
{
    goes_on_waiting(
        [](asio::any_io_executor executor, auto handler) {
            weir::gate g(executor);
            weir::pass inside = g.try_enter();
            g.async_close(std::move(handler));
            return inside;
        },
        [](weir::pass& inside) { inside.leave(); });
}

BOOST_AUTO_TEST_CASE(a_wait_on_a_destroyed_group_lasts_until_cancelled)
{
    in_many_orders([](simulation& s) {
        asio::cancellation_signal signal;
        int calls = 0;
        {
            weir::wait_group group(s.a.get_executor());
            group.add();
            group.async_wait(
                asio::bind_cancellation_slot(signal.slot(), [&](weir::error_code error) {
                    ++calls;
                    BOOST_CHECK(error == asio::error::operation_aborted);
                }));
        }
        s.world.run();
        BOOST_TEST(calls == 0);
        signal.emit(asio::cancellation_type::terminal);
        s.run();
        BOOST_TEST(calls == 1);
    });
}

BOOST_AUTO_TEST_CASE(a_wait_on_a_destroyed_event_lasts_until_a_copy_is_set)
{
    goes_on_waiting(
        [](asio::any_io_executor executor, auto handler) {
            weir::event original;
            weir::event copy = original;
            original.async_wait(executor, std::move(handler));
            return copy;
        },
        [](weir::event& copy) { copy.set(); });
}

BOOST_AUTO_TEST_SUITE_END()
