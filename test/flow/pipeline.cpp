#include <weir/flow/pipeline.hpp>

#include <weir/sync/channel.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "flow/streams.hpp"
#include "support/numbers.hpp"
#include "support/repeats.hpp"
#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::stage_counts;
using weir::stage_options;
using weir::test::in_many_orders;
using weir::test::one_to;
using weir::test::repeats;
using weir::test::simulation;
using weir::test::sleep_for;

BOOST_AUTO_TEST_SUITE(pipeline)

using numbers = std::vector<int>;

/// The function of a stage: counts its running calls, and fails for one item.
class work {
public:
    explicit work(weir::duration length, int fails_for = -1) : length_(length), fails_(fails_for) {}

    auto function()
    {
        return [this](int n) { return call(n); };
    }

    int alive = 0;
    int most = 0;
    int cut = 0;

private:
    asio::awaitable<int> call(int n)
    {
        most = std::max(most, ++alive);
        try {
            co_await sleep_for(length_ * (1 + n % 2));
        } catch (const weir::system_error&) {
            --alive;
            ++cut;
            throw;
        }
        --alive;
        if (n == fails_)
            throw std::runtime_error("item " + std::to_string(n));
        co_return n;
    }

    weir::duration length_;
    int fails_;
};

BOOST_AUTO_TEST_CASE(every_item_passes_every_stage_in_order_within_their_limits)
{
    in_many_orders([](simulation& s) {
        work first(2s), second(1s);
        s.spawn([&]() -> asio::awaitable<void> {
            numbers got;
            const auto store = [&](int n) { got.push_back(n); };
            auto stages =
                weir::pipeline(one_to(30)).then(6, first.function()).then(2, second.function());
            co_await stages.for_each(store);
            BOOST_TEST(got == one_to(30), boost::test_tools::per_element());
            const std::vector<stage_counts> counts = stages.counts();
            BOOST_REQUIRE(counts.size() == 2U);
            BOOST_TEST(counts[0].delivered == 30U);
            BOOST_TEST(counts[1].entered == 30U);
            BOOST_CHECK(counts[0].reason == weir::cancel_reason::none);
        });
        s.run();
        BOOST_TEST(first.most == 6);
        BOOST_TEST(second.most == 2);
    });
}

BOOST_AUTO_TEST_CASE(a_stage_need_not_keep_the_order)
{
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto wait = [](int n) -> asio::awaitable<int> {
                co_await sleep_for(n * 1s);
                co_return n;
            };
            const auto same = [](int n) { return n; };
            numbers got;
            const auto store = [&](int n) { got.push_back(n); };
            const numbers items = {3, 1, 2};
            co_await weir::pipeline(items)
                .then(3, wait, stage_options().order(weir::order::as_completed))
                .then(1, same)
                .for_each(store);
            BOOST_TEST((got == numbers{1, 2, 3}));
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_slow_stage_holds_back_those_before_it)
{
    for (const std::size_t queue : {0U, 3U})
        in_many_orders([queue](simulation& s) {
            int pulled = 0;
            s.spawn([&]() -> asio::awaitable<void> {
                const auto pull = [&](int n) {
                    ++pulled;
                    return n;
                };
                auto endless = weir::test::numbers(pull);
                const auto fast = [](int n) -> asio::awaitable<int> { co_return n; };
                const auto slow = [](int n) -> asio::awaitable<int> {
                    co_await sleep_for(1h);
                    co_return n;
                };
                auto stages = weir::pipeline(endless)
                                  .then(4, fast, stage_options().results(queue))
                                  .then(2, slow);
                BOOST_TEST((co_await stages.next()).has_value());
                co_await sleep_for(1min);
                // Delivered, in the second stage, and in the first with its waiting results.
                BOOST_TEST(pulled == static_cast<int>(1 + 2 + 4 + queue));
                co_await stages.stop();
            });
            s.run();
        });
}

BOOST_AUTO_TEST_CASE(closing_the_channel_lets_every_stage_finish_what_it_has)
{
    in_many_orders([](simulation& s) {
        weir::channel<int> jobs(s.a.get_executor(), 2);
        int got = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            for (int n = 0; n < 10; ++n) {
                const auto sent = co_await jobs.async_send(n);
                BOOST_TEST(!sent.error());
            }
            jobs.close();
        });
        s.spawn([&]() -> asio::awaitable<void> {
            work first(1s), second(1s);
            const auto store = [&](int n) -> asio::awaitable<void> {
                co_await sleep_for(1s);
                BOOST_TEST(n == got++);
            };
            co_await weir::pipeline(jobs)
                .then(3, first.function())
                .then(2, second.function())
                .for_each(store);
        });
        s.run();
        BOOST_TEST(got == 10);
    });
}

BOOST_AUTO_TEST_CASE(what_is_not_pulled_stays_in_the_channel)
{
    in_many_orders([](simulation& s) {
        weir::channel<int> jobs(s.a.get_executor(), 10);
        for (int n = 0; n < 10; ++n)
            BOOST_TEST(!!jobs.try_send(n));
        s.spawn([&]() -> asio::awaitable<void> {
            work first(1s);
            auto stages = weir::pipeline(jobs).then(3, first.function());
            BOOST_TEST((co_await stages.next()).value() == 0);
            co_await stages.stop();
            const stage_counts counts = stages.counts()[0];
            BOOST_TEST(counts.entered + jobs.size() == 10U);
            BOOST_TEST(counts.delivered + counts.dropped == counts.entered);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(when_a_later_stage_fails_the_earlier_ones_are_cancelled)
{
    in_many_orders([](simulation& s) {
        work first(1s), second(1s, 2);
        s.spawn([&]() -> asio::awaitable<void> {
            auto stages = weir::pipeline(weir::test::count_to())
                              .then(4, first.function())
                              .then(1, second.function());
            int got = 0, errors = 0;
            std::string error;
            for (int turn = 0; turn < 5; ++turn)
                try {
                    if (co_await stages.next())
                        ++got;
                } catch (const std::runtime_error& e) {
                    ++errors;
                    error = e.what();
                }
            BOOST_TEST(got == 2);
            BOOST_TEST(errors == 1); // once
            BOOST_TEST(error == "item 2");
            BOOST_TEST(first.alive + second.alive == 0);
            const std::vector<stage_counts> counts = stages.counts();
            BOOST_CHECK(counts[0].reason == weir::cancel_reason::sibling_failed);
            BOOST_TEST(counts[0].in_flight() + counts[1].in_flight() == 0U);
            BOOST_TEST(counts[1].entered == counts[0].delivered);
            BOOST_TEST(counts[1].failed == 1U);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(an_error_of_an_earlier_stage_comes_after_what_was_before_it)
{
    in_many_orders([](simulation& s) {
        work first(1s, 5), second(3s);
        s.spawn([&]() -> asio::awaitable<void> {
            numbers got;
            std::string error;
            const auto store = [&](int n) { got.push_back(n); };
            try {
                co_await weir::pipeline(weir::test::count_to())
                    .then(4, first.function())
                    .then(2, second.function())
                    .for_each(store);
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
            BOOST_TEST(error == "item 5");
            BOOST_TEST((got == numbers{0, 1, 2, 3, 4}));
            BOOST_TEST(first.alive + second.alive == 0);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(the_last_stage_may_have_a_limit_too)
{
    in_many_orders([](simulation& s) {
        work first(1s);
        int now = 0, most = 0, stored = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto store = [&](int) -> asio::awaitable<void> {
                most = std::max(most, ++now);
                co_await sleep_for(2s);
                --now;
                ++stored;
            };
            co_await weir::pipeline(one_to(12)).then(6, first.function()).for_each(3, store);
        });
        s.run();
        BOOST_TEST(most == 3);
        BOOST_TEST(stored == 12);
    });
}

BOOST_AUTO_TEST_CASE(cancelling_reaches_every_stage_and_waits_for_it)
{
    in_many_orders([](simulation& s) {
        work first(1s), second(1h);
        bool aborted = false;
        int left = -1;
        asio::cancellation_signal signal;
        const auto whole = [&]() -> asio::awaitable<void> {
            const auto store = [](int) {};
            try {
                co_await weir::pipeline(weir::test::count_to())
                    .then(4, first.function())
                    .then(2, second.function())
                    .for_each(store);
            } catch (const weir::system_error& e) {
                aborted = e.code() == asio::error::operation_aborted;
                left = first.alive + second.alive;
            }
        };
        asio::co_spawn(s.a.get_executor(), whole,
                       asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
        const weir::alarm later(s.a.get_executor(), weir::time_point{} + 5s,
                                [&] { signal.emit(asio::cancellation_type::terminal); });
        s.run();
        BOOST_TEST(aborted);
        BOOST_TEST(left == 0);
        BOOST_TEST(second.cut == 2);
        BOOST_TEST((s.elapsed() == 5s));
    });
}

BOOST_AUTO_TEST_CASE(a_pipeline_destroyed_in_the_middle_cancels_every_stage)
{
    in_many_orders([](simulation& s) {
        work first(1s), second(1h);
        s.spawn([&]() -> asio::awaitable<void> {
            {
                auto stages = weir::pipeline(weir::test::count_to())
                                  .then(4, first.function())
                                  .then(2, second.function());
                BOOST_TEST((co_await stages.next()).value() == 0);
            }
            co_await sleep_for(1s);
            BOOST_TEST(first.alive + second.alive == 0);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_in_the_middle_leaves_nothing_behind)
{
    auto alive = std::make_shared<int>();
    {
        asio::io_context io;
        weir::channel<std::shared_ptr<int>> jobs(io.get_executor(), 8);
        for (int n = 0; n < 5; ++n)
            BOOST_TEST(!!jobs.try_send(alive));
        const auto whole = [&jobs]() -> asio::awaitable<void> {
            using held = std::shared_ptr<int>;
            const auto first = [](held h) -> asio::awaitable<held> { co_return h; };
            const auto second = [](held h) -> asio::awaitable<held> {
                co_await sleep_for(1h);
                co_return h;
            };
            auto stages = weir::pipeline(jobs).then(2, first).then(2, second);
            co_await stages.next();
        };
        asio::co_spawn(io, whole, [](std::exception_ptr) {});
        io.poll();
        BOOST_TEST(alive.use_count() > 1);
    }
    BOOST_TEST(alive.use_count() == 1);
}

/// What must hold in one run of random stages.
class random_run {
public:
    explicit random_run(std::uint64_t seed)
        : random_(seed), items_(pick(30)), fails_(pick(3) == 0 ? pick(90) : -1),
          cancels_(pick(3) == 0), leaves_(pick(4) == 0 ? pick(10) : 1000)
    {
        for (int stage = 0; stage < 3; ++stage) {
            limit_[stage] = 1 + static_cast<std::size_t>(pick(5));
            queue_[stage] = static_cast<std::size_t>(pick(3));
            order_[stage] = pick(2) == 0 ? weir::order::kept : weir::order::as_completed;
        }
    }

    void run(simulation& s)
    {
        asio::cancellation_signal signal;
        asio::co_spawn(s.a.get_executor(), whole(),
                       asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr error) {
                           if (error)
                               std::rethrow_exception(error);
                       }));
        std::optional<weir::alarm> later;
        if (cancels_)
            later.emplace(s.a.get_executor(), weir::time_point{} + pick(40) * 500ms,
                          [&] { signal.emit(asio::cancellation_type::terminal); });
        s.run();
        check();
    }

private:
    int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

    asio::awaitable<int> call(int stage, int n)
    {
        struct presence {
            explicit presence(int& n) : of(n) { ++of; }
            ~presence() { --of; }
            int& of;
        };
        const presence here(alive_[stage]);
        BOOST_TEST(alive_[stage] <= static_cast<int>(limit_[stage]));
        if (const int length = pick(4))
            co_await sleep_for(length * 1s);
        if (fails_ == stage * 30 + n)
            throw std::runtime_error("fails");
        co_return n;
    }

    auto stage(int which)
    {
        return [this, which](int n) { return call(which, n); };
    }
    stage_options options(int which) const
    {
        return stage_options().order(order_[which]).results(queue_[which]);
    }

    asio::awaitable<void> whole()
    {
        auto stages = weir::pipeline(weir::test::count_to(items_))
                          .then(limit_[0], stage(0), options(0))
                          .then(limit_[1], stage(1), options(1))
                          .then(limit_[2], stage(2), options(2));
        try {
            while (static_cast<int>(got_.size()) < leaves_) {
                const auto result = co_await stages.next();
                if (!result) {
                    ended_ = true;
                    break;
                }
                got_.push_back(*result);
                if (const int length = pick(3))
                    co_await sleep_for(length * 1s);
            }
        } catch (const std::exception&) {
            failed_ = true;
        }
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await stages.stop();
        BOOST_TEST(alive_[0] + alive_[1] + alive_[2] == 0);
        counts_ = stages.counts();
    }

    void check()
    {
        const bool may_fail = fails_ >= 0 && fails_ % 30 < items_;
        if (ended_)
            BOOST_TEST(got_.size() == static_cast<std::size_t>(items_));
        BOOST_TEST(!(ended_ && may_fail));
        if (!cancels_)
            BOOST_TEST((!failed_ || may_fail));
        if (std::count(order_, order_ + 3, weir::order::kept) == 3) {
            for (std::size_t i = 0; i < got_.size(); ++i)
                BOOST_TEST(got_[i] == static_cast<int>(i));
            if (failed_ && !cancels_)
                BOOST_TEST(got_.size() == static_cast<std::size_t>(fails_ % 30));
        }
        std::sort(got_.begin(), got_.end());
        BOOST_TEST((std::adjacent_find(got_.begin(), got_.end()) == got_.end()));
        BOOST_REQUIRE(counts_.size() == 3U);
        for (std::size_t i = 0; i < 3; ++i) {
            BOOST_TEST(counts_[i].in_flight() == 0U);
            if (i > 0)
                BOOST_TEST(counts_[i].entered == counts_[i - 1].delivered);
        }
        BOOST_TEST(counts_[2].delivered == got_.size());
    }

    std::mt19937_64 random_;
    int items_;
    int fails_; // in which stage, for which item
    bool cancels_;
    int leaves_;
    std::size_t limit_[3];
    std::size_t queue_[3];
    weir::order order_[3];
    int alive_[3] = {};
    bool failed_ = false;
    bool ended_ = false;
    numbers got_;
    std::vector<stage_counts> counts_;
};

BOOST_AUTO_TEST_CASE(random_stages_lose_nothing_and_do_nothing_twice)
{
    for (std::uint64_t seed = 1; seed <= repeats(3000U); ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            simulation s(seed);
            random_run one(seed);
            one.run(s);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_limit_of_zero_is_refused)
{
    const auto same = [](int n) { return n; };
    BOOST_CHECK_THROW((void)weir::pipeline(one_to(3)).then(0, same), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
