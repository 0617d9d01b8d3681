// Scopes and limited times over executors that several threads run: children are in a strand.
#include <weir/flow/for_each.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/run/cleanup.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/sleep.hpp>

#include "four_threads.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::on_four_threads;

namespace {

constexpr int rounds = 200;

/// What only one child at a time may touch.
struct shared_work {
    int sum = 0; // not atomic
    std::atomic<int> inside{0};
    std::atomic<int> at_most{0};

    asio::awaitable<void> add(int steps)
    {
        for (int i = 0; i < steps; ++i) {
            at_most = std::max(at_most.load(), ++inside);
            ++sum;
            --inside;
            co_await asio::post(asio::use_awaitable);
        }
    }
};

asio::awaitable<void> sleep_forever([[maybe_unused]] std::shared_ptr<int> held)
{
    const auto executor = co_await asio::this_coro::executor;
    for (;;)
        co_await weir::async_sleep_for(executor, 10us, asio::use_awaitable);
}

asio::awaitable<void> for_an_hour(std::shared_ptr<int> held)
{
    auto limited = weir::with_timeout(1h, sleep_forever(std::move(held)));
    co_await std::move(limited);
}

/// Runs coroutines on the executor, all at the same time, and waits for them.
template <class Make>
void at_once(const asio::any_io_executor& where, int count, Make make)
{
    std::vector<std::future<void>> all;
    for (int i = 0; i < count; ++i)
        all.push_back(asio::co_spawn(where, make(i), asio::use_future));
    for (auto& each : all)
        each.get();
}

} // namespace

BOOST_AUTO_TEST_SUITE(scope_on_four_threads)

BOOST_AUTO_TEST_CASE(children_run_one_at_a_time)
{
    on_four_threads([](const asio::any_io_executor& where) {
        std::atomic<int> wrong{0};
        const auto owner = [&](int) -> asio::awaitable<void> {
            shared_work work;
            weir::scope children(where);
            for (int i = 0; i < 20; ++i)
                children.spawn([&work] { return work.add(10); });
            co_await children.join();
            wrong += work.sum != 200 || work.at_most != 1 || children.running() != 0;
        };
        at_once(where, rounds, owner);
        BOOST_TEST(wrong == 0);
    });
}

BOOST_AUTO_TEST_CASE(it_may_be_cancelled_from_any_thread_and_destroyed_unjoined)
{
    on_four_threads([](const asio::any_io_executor& where) {
        std::atomic<int> ended{0}, wrong{0};
        const auto child = [&]() -> asio::awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            const auto slept =
                co_await weir::async_sleep_for(executor, 1h, asio::as_tuple(asio::use_awaitable));
            wrong += !std::get<0>(slept);
            ++ended;
        };
        const auto owner = [&](int i) -> asio::awaitable<void> {
            weir::cancel_source source;
            std::optional<weir::scope> children(std::in_place, where, source.token());
            for (int k = 0; k < 3; ++k)
                children->spawn(child);
            if (i % 2 == 0)
                co_await asio::post(asio::use_awaitable);
            if (i % 3 == 0) {
                source.cancel(weir::cancel_reason::shutdown);
            } else if (i % 3 == 1) {
                children->cancel(weir::cancel_reason::overload);
                wrong += children->reason() != weir::cancel_reason::overload;
            } else {
                children.reset();
                ended += 3; // those that had not begun never do
                co_return;
            }
            try {
                co_await children->join();
            } catch (const weir::system_error& e) {
                wrong += e.code() != asio::error::operation_aborted;
            }
            wrong += children->running() != 0 || !children->cancelled();
            wrong += i % 3 == 0 && children->reason() != weir::cancel_reason::shutdown;
        };
        at_once(where, rounds, owner);
        BOOST_TEST(wrong == 0);
    });
}

BOOST_AUTO_TEST_CASE(the_first_error_cancels_the_other_children)
{
    on_four_threads([](const asio::any_io_executor& where) {
        std::atomic<int> wrong{0};
        const auto owner = [&](int) -> asio::awaitable<void> {
            int cancelled = 0;
            weir::scope children(where);
            for (int i = 0; i < 4; ++i)
                children.spawn([&cancelled]() -> asio::awaitable<void> {
                    const auto executor = co_await asio::this_coro::executor;
                    const auto slept = co_await weir::async_sleep_for(
                        executor, 1h, asio::as_tuple(asio::use_awaitable));
                    cancelled += bool(std::get<0>(slept));
                });
            children.spawn([]() -> asio::awaitable<void> {
                co_await asio::post(asio::use_awaitable);
                throw std::runtime_error("the first");
            });
            bool thrown = false;
            try {
                co_await children.join();
            } catch (const std::runtime_error& e) {
                thrown = std::string(e.what()) == "the first";
            }
            wrong += !thrown || cancelled > 4 ||
                     children.reason() != weir::cancel_reason::sibling_failed;
        };
        at_once(where, rounds, owner);
        BOOST_TEST(wrong == 0);
    });
}

// Half of the operations end in time, half do not, and some end at about the same moment.
BOOST_AUTO_TEST_CASE(an_operation_with_a_limited_time)
{
    on_four_threads([](const asio::any_io_executor& where) {
        std::atomic<int> in_time{0}, late{0}, wrong{0};
        weir::semaphore never(where, weir::paused);
        const auto value_after = [](weir::duration time) -> asio::awaitable<int> {
            const auto executor = co_await asio::this_coro::executor;
            co_await weir::async_sleep_for(executor, time, asio::use_awaitable);
            co_return 7;
        };
        const auto owner = [&](int i) -> asio::awaitable<void> {
            for (int k = 0; k < 10; ++k) {
                const int kind = (i + k) % 4;
                bool timed_out = false;
                try {
                    if (kind == 0) {
                        auto soon = value_after(1us);
                        const int value = co_await weir::with_timeout(1h, std::move(soon));
                        wrong += value != 7;
                    } else if (kind == 1) {
                        auto much_later = value_after(1h);
                        (void)co_await weir::with_timeout(100us, std::move(much_later));
                        ++wrong;
                    } else if (kind == 2) {
                        auto acquire = weir::with_timeout(100us, never.async_acquire());
                        (void)co_await std::move(acquire);
                        ++wrong;
                    } else {
                        auto about = value_after(100us);
                        (void)co_await weir::with_deadline(weir::now(where) + 100us,
                                                           std::move(about));
                    }
                } catch (const weir::system_error& e) {
                    timed_out = e.code() == weir::errc::timed_out;
                    wrong += !timed_out;
                }
                wrong += (kind == 0 && timed_out) || ((kind == 1 || kind == 2) && !timed_out);
                ++(timed_out ? late : in_time);
            }
        };
        at_once(where, rounds, owner);
        BOOST_TEST(wrong == 0);
        BOOST_TEST(in_time + late == 10 * rounds);
        BOOST_TEST(in_time >= 10 * rounds / 4);
        BOOST_TEST(late >= 10 * rounds / 2);
    });
}

BOOST_AUTO_TEST_CASE(a_clean_up_after_failed_work)
{
    on_four_threads([](const asio::any_io_executor& where) {
        std::atomic<int> cleaned{0}, wrong{0};
        const auto fails = []() -> asio::awaitable<void> {
            co_await asio::post(asio::use_awaitable);
            throw std::runtime_error("failed");
        };
        const auto clean_up = [&]() -> asio::awaitable<void> {
            co_await asio::post(asio::use_awaitable);
            ++cleaned;
        };
        const auto owner = [&](int) -> asio::awaitable<void> {
            bool thrown = false;
            auto work = weir::with_cleanup(fails(), 1h, clean_up);
            try {
                co_await std::move(work);
            } catch (const std::runtime_error&) {
                thrown = true;
            }
            wrong += !thrown;
        };
        at_once(where, rounds, owner);
        BOOST_TEST(wrong == 0);
        BOOST_TEST(cleaned == rounds);
    });
}

BOOST_AUTO_TEST_CASE(a_loop_over_a_range_and_a_scope_with_a_body)
{
    on_four_threads([](const asio::any_io_executor& where) {
        std::atomic<int> wrong{0};
        std::vector<int> numbers(100);
        std::iota(numbers.begin(), numbers.end(), 0);
        const auto owner = [&](int) -> asio::awaitable<void> {
            int sum = 0;
            const auto add = [&sum](int n) -> asio::awaitable<void> {
                co_await asio::post(asio::use_awaitable);
                sum += n;
            };
            auto loop = weir::for_each(numbers, 8, add);
            co_await std::move(loop);
            wrong += sum != 4950;
            const auto body = [&sum](weir::scope& children) -> asio::awaitable<int> {
                for (int i = 0; i < 5; ++i)
                    children.spawn([&sum]() -> asio::awaitable<void> {
                        co_await asio::post(asio::use_awaitable);
                        ++sum;
                    });
                co_await asio::post(asio::use_awaitable);
                co_return 3;
            };
            auto scoped = weir::with_scope(body);
            const int three = co_await std::move(scoped);
            wrong += three != 3 || sum != 4955;
        };
        at_once(where, rounds, owner);
        BOOST_TEST(wrong == 0);
    });
}

// The second call cancels the loop; both calls were made, and neither threw.
BOOST_AUTO_TEST_CASE(a_loop_whose_calls_are_all_done_does_not_end_as_cancelled)
{
    on_four_threads([](const asio::any_io_executor& where) {
        std::atomic<int> wrong{0};
        for (int round = 0; round < rounds; ++round) {
            const std::vector<int> two{1, 2};
            asio::cancellation_signal signal;
            const asio::any_io_executor strand = asio::make_strand(where);
            std::atomic<int> calls{0};
            const auto call = [&](int) {
                if (++calls == 2)
                    asio::post(strand, [&] { signal.emit(asio::cancellation_type::terminal); });
            };
            const auto loop = [&]() -> asio::awaitable<void> {
                auto all = weir::for_each(two, 2, call);
                co_await std::move(all);
                // The signal may come now, or have come.
                co_await asio::this_coro::throw_if_cancelled(false);
                co_await asio::post(strand, asio::use_awaitable);
            };
            std::promise<void> over;
            const auto on_end = [&](std::exception_ptr error) {
                wrong += error != nullptr || calls != 2;
                over.set_value();
            };
            asio::co_spawn(strand, loop(), asio::bind_cancellation_slot(signal.slot(), on_end));
            over.get_future().get();
            std::promise<void> emitted;
            asio::post(strand, [&] { emitted.set_value(); });
            emitted.get_future().get();
        }
        BOOST_TEST(wrong == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_send_that_is_too_late_says_so)
{
    on_four_threads([](const asio::any_io_executor& where) {
        std::atomic<int> wrong{0};
        weir::channel<int> full(where, 0);
        const auto owner = [&](int i) -> asio::awaitable<void> {
            auto send = weir::with_timeout(1us, full.async_send(i));
            auto sent = co_await std::move(send);
            wrong += sent.error() != weir::errc::timed_out || sent.value() != i;
        };
        at_once(where, rounds, owner);
        BOOST_TEST(wrong == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_join_elsewhere_ends_when_the_context_of_the_children_has_gone)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 50; ++round) {
        asio::io_context elsewhere;
        std::optional<weir::scope> children;
        std::thread spawner;
        weir::error_code why;
        const auto wait = [&]() -> asio::awaitable<void> {
            try {
                co_await children->join();
            } catch (const weir::system_error& e) {
                why = e.code();
            }
        };
        {
            asio::thread_pool threads(2);
            children.emplace(threads.get_executor());
            children->spawn(sleep_forever(nullptr));
            spawner = std::thread([&] {
                for (int i = 0; i < 50; ++i)
                    children->spawn(sleep_forever(nullptr));
            });
            asio::co_spawn(elsewhere, wait(), [](std::exception_ptr) {});
            elsewhere.poll();
            threads.stop();
            threads.join();
        }
        spawner.join();
        elsewhere.restart();
        elsewhere.run();
        BOOST_TEST(bool(why == weir::errc::closed));
        BOOST_TEST(children->running() == 0U);
        children->spawn(sleep_forever(nullptr));
        BOOST_TEST(children->running() == 0U);
    }
}

// Threads stop in the middle of everything.
BOOST_AUTO_TEST_CASE(a_context_may_end_with_children_in_it)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 50; ++round) {
        const auto held = std::make_shared<int>();
        {
            asio::thread_pool threads(4);
            const asio::any_io_executor where = threads.get_executor();
            for (int i = 0; i < 8; ++i)
                asio::co_spawn(where, for_an_hour(held), [](std::exception_ptr) {});
            std::promise<void> begun;
            asio::post(where, [&] { begun.set_value(); });
            begun.get_future().get();
            threads.stop();
        }
        BOOST_TEST(held.use_count() == 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()
