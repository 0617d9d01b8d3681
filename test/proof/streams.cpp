// map and pipeline: the promised order, each item once, and nothing left behind, whatever fails, is
// cancelled or is destroyed at any step.
#include "proof/prove.hpp"

#include <weir/flow/map.hpp>
#include <weir/flow/pipeline.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

enum class fault { none, failure, cancelled, stream_destroyed, context_destroyed };

struct named_fault {
    fault what;
    const char* name;
};

constexpr named_fault faults[] = {
    {fault::none, ""},
    {fault::failure, ", 1 fails"},
    {fault::cancelled, ", cancelled"},
    {fault::stream_destroyed, ", left in the middle"},
    {fault::context_destroyed, ", its context destroyed"},
};

struct failed : std::runtime_error {
    failed() : runtime_error("an item failed") {}
};

constexpr std::array<int, 3> items = {0, 1, 2};

void check_counts(const std::vector<weir::stage_counts>& all)
{
    for (const weir::stage_counts& c : all)
        expect(c.entered == c.delivered + c.failed + c.dropped, "the account of a stage balances");
}

/// A consumer of the results of three items, in a coroutine that may be cancelled.
class taker {
public:
    taker(world& w, fault f) : world_(w), fault_(f), home_(std::make_unique<context>(w)) {}

    template <class Body>
    void run(Body body)
    {
        const auto whole = [this, body]() -> asio::awaitable<void> {
            under_way_ = true;
            std::exception_ptr error;
            try {
                co_await body();
            } catch (...) {
                error = std::current_exception();
            }
            under_way_ = false;
            look_at(error);
        };
        const auto on_end = [this](std::exception_ptr error) {
            ended_ = true;
            if (error)
                std::rethrow_exception(error);
        };
        asio::co_spawn(home_->get_executor(), whole,
                       asio::bind_cancellation_slot(signal_.slot(), on_end));
        strike();
        world_.run_to_end();
        expect(ended_ || gone_, "it ends");
        expect(at_work_ == 0, "no call is left behind");
        expect(most_ <= 2, "no more calls at a time than the limit");
    }

    /// Suspends, longer for the first item.
    asio::awaitable<int> call(int n)
    {
        const presence here(*this);
        expect(++calls_.at(static_cast<std::size_t>(n)) == 1, "each item once");
        const auto executor = co_await asio::this_coro::executor;
        co_await weir::async_sleep_for(executor, n == 0 ? 2s : 1s, asio::use_awaitable);
        if (fault_ == fault::failure && n == 1)
            throw failed();
        co_return n;
    }

    template <class Results>
    asio::awaitable<void> take_all(Results& results)
    {
        if (fault_ == fault::cancelled) { // a plain loop would not wait for the calls: see `next`
            const auto sink = [this](int n) { taken_.push_back(n); };
            std::exception_ptr error;
            try {
                co_await results.for_each(sink);
            } catch (...) {
                error = std::current_exception();
            }
            check_counts(results.counts());
            if (error)
                std::rethrow_exception(error);
            co_return;
        }
        while (auto n = co_await results.next()) {
            taken_.push_back(*n);
            if (fault_ == fault::stream_destroyed)
                co_return;
        }
        check_counts(results.counts());
    }

    const std::vector<int>& taken() const { return taken_; }

private:
    struct presence {
        explicit presence(taker& t) : of(t) { of.most_ = std::max(of.most_, ++of.at_work_); }
        presence(const presence&) = delete;
        presence& operator=(const presence&) = delete;
        ~presence() { --of.at_work_; }
        taker& of;
    };

    void strike()
    {
        if (fault_ == fault::cancelled)
            home_->at_some_step([this] {
                if (!under_way_)
                    return; // Boost 1.81 would lose the error
                cancelled_ = true;
                signal_.emit(asio::cancellation_type::terminal);
            });
        else if (fault_ == fault::context_destroyed)
            world_.at_some_step([this] {
                gone_ = true;
                home_.reset();
            });
    }

    void look_at(const std::exception_ptr& error)
    {
        if (fault_ != fault::stream_destroyed)
            expect(at_work_ == 0, "all calls have ended when it is over");
        try {
            if (error)
                std::rethrow_exception(error);
        } catch (const failed&) {
            failed_ = true;
        } catch (const weir::system_error& e) {
            expect(e.code() == asio::error::operation_aborted, "no other error");
            aborted_ = true;
        }
        expect(failed_ == (fault_ == fault::failure), "the error of the item, and no other");
        expect(!aborted_ || cancelled_, "only what was cancelled ends as cancelled");
        if (!failed_ && !aborted_ && fault_ != fault::stream_destroyed)
            expect(taken_.size() == items.size(), "every result, or an error");
    }

    world& world_;
    const fault fault_;
    asio::cancellation_signal signal_;
    std::array<int, items.size()> calls_{};
    std::vector<int> taken_;
    int at_work_ = 0;
    int most_ = 0;
    bool under_way_ = false;
    bool ended_ = false;
    bool cancelled_ = false;
    bool aborted_ = false;
    bool failed_ = false;
    bool gone_ = false;
    std::unique_ptr<context> home_;
};

void map_scenario(world& w, weir::order o, fault f)
{
    taker t(w, f);
    t.run([&]() -> asio::awaitable<void> {
        const auto call = [&t](int n) { return t.call(n); };
        auto results = weir::map(items, 2, call, o);
        co_await t.take_all(results);
    });
    for (std::size_t i = 0; i < t.taken().size(); ++i)
        if (o == weir::order::kept)
            expect(t.taken()[i] == static_cast<int>(i), "in the order of the items");
        else
            expect(std::count(t.taken().begin(), t.taken().end(), t.taken()[i]) == 1,
                   "each result once");
}

void pipeline_scenario(world& w, weir::order o, fault f)
{
    taker t(w, f);
    int second = 0;
    t.run([&]() -> asio::awaitable<void> {
        const auto call = [&t](int n) { return t.call(n); };
        const auto again = [&second](int n) -> asio::awaitable<int> {
            ++second;
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s,
                                           asio::use_awaitable);
            co_return n;
        };
        const auto options = weir::stage_options().order(o);
        auto results = weir::pipeline(items).then(2, call, options).then(1, again, options);
        co_await t.take_all(results);
    });
    expect(second >= static_cast<int>(t.taken().size()), "every result went through every stage");
    if (o == weir::order::kept)
        expect(std::is_sorted(t.taken().begin(), t.taken().end()), "in the order of the items");
}

void prove_each(const std::string& what, void (*scenario)(world&, weir::order, fault),
                bool has_many = false)
{
    for (const weir::order o : {weir::order::kept, weir::order::as_completed})
        for (const named_fault& f : faults) {
            const bool kept = o == weir::order::kept;
            // Two thirds of a million schedules: only in the long form.
            const bool all = !has_many || kept || f.what != fault::cancelled;
            const bool every = all || weir::test::is_long();
            prove(what + (kept ? ", in order" : ", as completed") + f.name + "}" +
                      (every ? "" : ", 4 delays"),
                  every ? schedules::all() : schedules::delayed(4),
                  [&](world& w) { scenario(w, o, f.what); });
        }
}

} // namespace

BOOST_AUTO_TEST_SUITE(streams_in_every_order)

BOOST_AUTO_TEST_CASE(map)
{
    prove_each("map {3 items, window 2", map_scenario);
}

BOOST_AUTO_TEST_CASE(pipeline)
{
    prove_each("pipeline {3 items, stages of 2 and 1", pipeline_scenario, true);
}

BOOST_AUTO_TEST_SUITE_END()
