#pragma once

// What every operation that waits must do, whatever it waits for. A test says how it is started and
// how it is brought to its end; these cases are the same for all.

#include "support/counting_allocator.hpp"
#include "support/simulation.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <deque>
#include <memory>

namespace weir::test {

/// `start(executor, handler)` starts an operation that has to wait; `finish()` lets it succeed.
/// The handler is called with whatever the operation completes with.
template <class Start, class Finish>
void completes_on_the_handlers_executor(Start start, Finish finish)
{
    in_many_orders([&](simulation& s) {
        auto held = start(s.a.get_executor());
        int calls = 0;
        bool inside = true;
        auto handler = [&](auto&&...) {
            ++calls;
            BOOST_TEST(!inside);
            BOOST_TEST(s.world.running() == &s.b);
        };
        held.begin(boost::asio::bind_executor(s.b.get_executor(), handler));
        inside = false;
        s.world.run();
        BOOST_TEST(calls == 0); // it has to wait
        inside = true;
        finish(held);
        inside = false;
        s.run();
        BOOST_TEST(calls == 1);
    });
}

template <class Start, class Finish>
void frees_its_memory_before_its_handler_runs(Start start, Finish finish)
{
    in_many_orders([&](simulation& s) {
        auto held = start(s.a.get_executor());
        allocations count;
        bool called = false;
        auto handler = [&](auto&&...) {
            called = true;
            BOOST_TEST(count.alive == 0U);
        };
        held.begin(boost::asio::bind_allocator(counting_allocator<void>(count), handler));
        BOOST_TEST(count.made == 1U);
        s.world.run();
        finish(held);
        s.run();
        BOOST_TEST(called);
    });
}

/// `check` looks at what a cancelled operation completed with.
template <class Start, class Check>
void ends_when_cancelled(Start start, Check check)
{
    using type = boost::asio::cancellation_type;
    for (const type kind : {type::terminal, type::partial, type::total})
        in_many_orders([&](simulation& s) {
            auto held = start(s.a.get_executor());
            boost::asio::cancellation_signal signal;
            int calls = 0;
            bool inside = false;
            auto handler = [&](auto&&... results) {
                ++calls;
                BOOST_TEST(!inside);
                check(results...);
            };
            held.begin(boost::asio::bind_cancellation_slot(signal.slot(), handler));
            s.world.run();
            BOOST_TEST(calls == 0);
            inside = true;
            signal.emit(kind);
            inside = false;
            s.run();
            BOOST_TEST(calls == 1);
            signal.emit(kind); // it is over: nothing is cancelled
            s.run();
            BOOST_TEST(calls == 1);
        });
}

/// Whether what `start` returns drops its executor with the context. A strand that the test keeps
/// itself must not outlive its context.
enum class own_strand { is_dropped, must_not_be };

/// Waiters of two contexts, and every order in which the contexts and the primitive may go; what
/// cancels the waiters goes last, as the frame of a coroutine may. The
/// primitive's own executor is the bare one of the first context, or a strand over it.
template <class Start>
void any_order_of_destruction_is_clean(Start start, own_strand own = own_strand::is_dropped)
{
    namespace asio = boost::asio;
    using any = asio::any_io_executor;
    constexpr int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const auto place = [](asio::io_context& io, int kind) -> any {
        switch (kind) {
        case 0:
            return io.get_executor();
        case 1:
            return asio::make_strand(io);
        default:
            return asio::make_strand(any(io.get_executor()));
        }
    };
    for (const auto& order : orders)
        for (int kinds = 0; kinds < 9; ++kinds) {
            if (own == own_strand::must_not_be && kinds % 3 != 0)
                continue;
            auto alive = std::make_shared<int>(0);
            std::deque<asio::cancellation_signal> signals; // of all waiters
            {
                auto a = std::make_unique<asio::io_context>(1);
                auto b = std::make_unique<asio::io_context>(1);
                using held_type = decltype(start(a->get_executor()));
                auto held = std::make_unique<held_type>(start(place(*a, kinds % 3)));
                for (auto* io : {a.get(), b.get()})
                    for (int i = 0; i < 2; ++i) {
                        auto handler =
                            asio::bind_executor(place(*io, kinds / 3), [alive](auto&&...) {});
                        held->begin(asio::bind_cancellation_slot(signals.emplace_back().slot(),
                                                                 std::move(handler)));
                    }
                a->poll();
                b->poll();
                for (const int next : order) {
                    if (next == 0)
                        a.reset();
                    else if (next == 1)
                        b.reset();
                    else
                        held.reset();
                }
            }
            BOOST_TEST(alive.use_count() == 1); // every handler was called or destroyed
            for (auto& each : signals)          // they have nothing left to cancel
                each.emit(asio::cancellation_type::terminal);
        }
}

} // namespace weir::test
