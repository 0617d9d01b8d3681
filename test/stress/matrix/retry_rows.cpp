#include "stress/matrix/subject.hpp"

#include <weir/policy/retry.hpp>
#include <weir/sync/semaphore.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

namespace asio = boost::asio;
using namespace weir::test;
using asio::any_io_executor;
using weir::time_point;

namespace {

enum class due { never, far, soon };

time_point at(due when)
{
    const auto now = std::chrono::steady_clock::now();
    switch (when) {
    case due::never:
        return time_point::max();
    case due::far:
        return now + std::chrono::hours(1);
    case due::soon:
        return now + std::chrono::microseconds(100);
    }
    return now;
}

weir::retry_policy quickly()
{
    weir::retry_policy policy(1'000'000);
    policy.backoff(weir::backoff(std::chrono::microseconds(50), std::chrono::microseconds(50)));
    return policy;
}

/// Attempts wait for a permit. What they use is theirs, for they may begin when the subject is
/// gone.
struct retry_acquire : subject_of<retry_acquire> {
    retry_acquire(any_io_executor executor, due d)
        : own(std::move(executor)), when(d),
          limit(std::make_shared<weir::semaphore>(own, weir::limit(1)))
    {
        held = limit->try_acquire();
    }
    ~retry_acquire() override { limit->close(); }

    template <class Handler>
    void begin(Handler handler)
    {
        weir::async_retry_until(
            own, at(when), quickly(), [l = limit] { return l->async_acquire(); },
            std::move(handler));
    }
    void started() override { own = nullptr; }
    void finish() override { limit->resize(weir::limit(4)); }

    any_io_executor own;
    due when;
    std::shared_ptr<weir::semaphore> limit;
    weir::permit held;
};

/// Attempts are coroutines that fail at once, until they may succeed: it mostly sleeps.
struct retry_coroutine : subject_of<retry_coroutine> {
    retry_coroutine(any_io_executor executor, due d) : own(std::move(executor)), when(d) {}
    ~retry_coroutine() override { *good = true; }

    template <class Handler>
    void begin(Handler handler)
    {
        const auto attempt = [g = good]() -> asio::awaitable<int> {
            if (!*g)
                throw weir::system_error(asio::error::try_again);
            co_return 1;
        };
        weir::async_retry_until(own, at(when), quickly(), attempt, std::move(handler));
    }
    void started() override { own = nullptr; }
    void finish() override { *good = true; }

    any_io_executor own;
    due when;
    std::shared_ptr<std::atomic<bool>> good = std::make_shared<std::atomic<bool>>(false);
};

const add_row<retry_acquire> r1("async_retry, waiting in an attempt", due::never);
const add_row<retry_acquire> r2("async_retry_until, far, waiting in an attempt", due::far);
const add_row<retry_acquire> r3("async_retry_until, soon, waiting in an attempt", due::soon);
const add_row<retry_coroutine> r4("async_retry, coroutines", due::never);
const add_row<retry_coroutine> r5("async_retry_until, far, coroutines", due::far);
const add_row<retry_coroutine> r6("async_retry_until, soon, coroutines", due::soon);

} // namespace
