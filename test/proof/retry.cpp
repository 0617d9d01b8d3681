// Retries, in every order: each ends once, no attempt begins before it may or after its time, and
// nothing of an attempt is held while the next one is waited for.
#include "proof/prove.hpp"

#include <weir/policy/retry.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

constexpr weir::time_point begin{};

enum class fault { none, cancel, destroy_context, cancel_and_destroy, close };

std::string name_of(fault f)
{
    switch (f) {
    case fault::none:
        return "";
    case fault::cancel:
        return ", cancelled";
    case fault::destroy_context:
        return ", its context destroyed";
    case fault::cancel_and_destroy:
        return ", cancelled, its context destroyed";
    case fault::close:
        return ", its semaphore closed";
    }
    return "";
}

struct shape {
    bool coroutines = false; // attempts are; else deferred operations
    int succeeds_at = 2;     // which attempt, of two
    weir::time_point deadline = weir::time_point::max();
};

/// Attempts take a place of a semaphore on another context, which another acquirer wants too, and
/// fail or succeed while they have it.
class retrier {
public:
    retrier(world& w, const shape& s)
        : world_(w), shape_(s), home_(std::make_unique<context>(w)), away_(w),
          limit_(away_.get_executor(), 1)
    {
        weir::retry_policy policy(2);
        policy.backoff(weir::backoff(1s, 1s, 1));
        const auto handler = [this](weir::error_code error, const weir::retry_attempts& attempts,
                                    const weir::permit& held) { ended(error, attempts, held); };
        auto token = asio::bind_cancellation_slot(
            signal_.slot(), asio::bind_executor(home_->get_executor(), handler));
        const bool inside = std::exchange(initiating_, true);
        if (shape_.coroutines)
            weir::async_retry_until(
                away_.get_executor(), shape_.deadline, policy,
                [this](weir::this_attempt& attempt) { return coroutine(attempt); },
                std::move(token));
        else
            weir::async_retry_until(
                away_.get_executor(), shape_.deadline, policy,
                [this](weir::this_attempt& attempt) {
                    begins(attempt);
                    return limit_.async_acquire();
                },
                std::move(token));
        initiating_ = inside;
        away_.spawn([this]() -> asio::awaitable<void> {
            const auto got = co_await limit_.async_acquire(asio::as_tuple(asio::use_awaitable));
            if (shape_.deadline == weir::time_point::max())
                co_await asio::post(asio::use_awaitable);
            else // an attempt that waits for it may see its deadline
                co_await weir::async_sleep_for(away_.get_executor(), 700ms);
            other_had_it_ = !std::get<0>(got);
        });
    }

    void strike(fault f)
    {
        if (f == fault::cancel || f == fault::cancel_and_destroy)
            home_->at_some_step([this] {
                cancelled_ = true;
                signal_.emit(asio::cancellation_type::partial);
            });
        if (f == fault::destroy_context || f == fault::cancel_and_destroy)
            world_.at_some_step([this] {
                gone_ = true;
                home_.reset();
            });
        if (f == fault::close)
            world_.at_some_step([this] {
                closed_ = true;
                limit_.close();
            });
    }

    void finish()
    {
        world_.run_to_end();
        expect(calls_ == 1 || gone_, "it ends once");
        expect(calls_ <= 1, "and no more than once");
        expect(limit_.in_use() == 0, "every permit has come back");
        expect(limit_.waiters() == 0, "no attempt waits at the end");
        expect(other_had_it_ || closed_, "what an attempt holds is for others in between");
    }

private:
    void begins(weir::this_attempt& attempt)
    {
        expect(world_.running() == home_.get(), "attempts run where the handler does");
        expect(!initiating_, "never inside the call");
        expect(calls_ == 0, "no attempt after the end");
        expect(attempt.number() == ++attempts_ && attempts_ <= 2, "one after another");
        expect(world_.now() < shape_.deadline, "no attempt begins when time is over");
        if (shape_.succeeds_at != static_cast<int>(attempts_))
            attempt.failed(asio::error::connection_refused);
    }

    asio::awaitable<weir::permit> coroutine(weir::this_attempt& attempt)
    {
        begins(attempt);
        const presence here(*this);
        weir::permit held = co_await limit_.async_acquire();
        co_await asio::post(asio::use_awaitable);
        co_return held;
    }

    void ended(weir::error_code error, const weir::retry_attempts& attempts,
               const weir::permit& held)
    {
        ++calls_;
        expect(world_.running() == home_.get(), "the handler runs where it belongs");
        expect(!initiating_, "never inside the call");
        expect(under_way_ == 0, "no attempt is left running");
        expect(attempts.size() == attempts_, "every attempt is recorded");
        const auto stop = attempts.stop();
        if (!error) {
            expect(stop == weir::retry_stop::succeeded && bool(held), "with its value");
            expect(static_cast<int>(attempts_) == shape_.succeeds_at, "by the one that succeeds");
        } else if (error == asio::error::operation_aborted) {
            expect(cancelled_ && stop == weir::retry_stop::cancelled,
                   "only what was cancelled ends as cancelled");
        } else if (error == weir::errc::timed_out) {
            expect(stop == weir::retry_stop::deadline && world_.now() >= shape_.deadline,
                   "timed out when its time was over");
        } else if (error == weir::errc::closed) {
            expect(closed_ && stop == weir::retry_stop::permanent, "closed when it was closed");
        } else {
            expect(error == asio::error::connection_refused, "the error of the last attempt");
            expect(stop == weir::retry_stop::exhausted || stop == weir::retry_stop::deadline,
                   "for a reason");
        }
    }

    struct presence {
        explicit presence(retrier& r) : of(r) { ++of.under_way_; }
        ~presence() { --of.under_way_; }
        retrier& of;
    };

    world& world_;
    const shape shape_;
    asio::cancellation_signal signal_;
    int under_way_ = 0;
    std::unique_ptr<context> home_;
    context away_;
    weir::semaphore limit_;
    std::size_t attempts_ = 0;
    int calls_ = 0;
    bool initiating_ = false;
    bool cancelled_ = false;
    bool closed_ = false;
    bool gone_ = false;
    bool other_had_it_ = false;
};

void prove_each(const std::string& what, const shape& s)
{
    for (const fault f : {fault::none, fault::cancel, fault::destroy_context, fault::close,
                          fault::cancel_and_destroy})
        prove("retry {" + what + name_of(f) + "}", schedules::all(), [&](world& w) {
            retrier x(w, s);
            x.strike(f);
            x.finish();
        });
}

} // namespace

BOOST_AUTO_TEST_SUITE(retries_in_every_order)

BOOST_AUTO_TEST_CASE(deferred_operations)
{
    shape s;
    prove_each("2 attempts, the second succeeds", s);
    s.succeeds_at = 3;
    prove_each("2 attempts, none succeeds", s);
}

BOOST_AUTO_TEST_CASE(coroutines)
{
    shape s;
    s.coroutines = true;
    prove_each("2 coroutines, the second succeeds", s);
}

BOOST_AUTO_TEST_CASE(deadlines)
{
    shape s;
    for (const bool coroutines : {false, true})
        for (const auto deadline : {500ms, 700ms, 2000ms}) {
            s.coroutines = coroutines;
            s.deadline = begin + deadline;
            prove_each((coroutines ? "2 coroutines, deadline " : "2 attempts, deadline ") +
                           std::to_string(deadline / 1ms) + " ms",
                       s);
        }
}

BOOST_AUTO_TEST_SUITE_END()
