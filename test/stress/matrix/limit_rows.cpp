#include "stress/matrix/subject.hpp"

#include <weir/policy/admission.hpp>
#include <weir/policy/keyed_rate_limiter.hpp>
#include <weir/policy/rate_limiter.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <string>
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

const weir::rate slowly(1, std::chrono::hours(1));
const weir::rate quickly(1, std::chrono::microseconds(20));

/// The token is gone. `finish` leaves the rest to the timer.
struct wait_for_tokens : subject_of<wait_for_tokens> {
    wait_for_tokens(any_io_executor own, due d) : limiter(std::move(own), slowly, 1), when(d)
    {
        (void)limiter.try_acquire();
    }

    template <class Handler>
    void begin(Handler handler)
    {
        limiter.async_acquire_until(at(when), std::move(handler));
    }
    void finish() override { limiter.change(quickly, 1); }

    weir::rate_limiter limiter;
    due when;
};

/// The same of one key.
struct wait_for_tokens_of_a_key : subject_of<wait_for_tokens_of_a_key> {
    wait_for_tokens_of_a_key(any_io_executor own, due d)
        : limiter(std::move(own), slowly, 1), when(d)
    {
        (void)limiter.try_acquire("key");
        (void)limiter.try_acquire("another");
    }

    template <class Handler>
    void begin(Handler handler)
    {
        limiter.async_acquire_until(at(when), "key", std::move(handler));
    }
    void finish() override { limiter.change(quickly, 1); }

    weir::keyed_rate_limiter<std::string> limiter;
    due when;
};

/// Waits for a place and a key; the pass is given back in two parts.
struct wait_for_counts : subject_of<wait_for_counts> {
    wait_for_counts(any_io_executor own, due d)
        : places(limits.count(1)), bytes(limits.count(10)), all(std::move(own), limits.per_key(1)),
          when(d), held(all.try_acquire(share()))
    {
    }
    weir::admission_request<> share() const
    {
        return weir::admission_request<>().take(places).take(bytes, 5).key("key");
    }

    template <class Handler>
    void begin(Handler handler)
    {
        all.async_acquire_until(at(when), share(), std::move(handler));
    }
    void finish() override
    {
        held.split_key().release();
        held.release();
    }

    weir::admission_limits limits;
    weir::admission_count places, bytes;
    weir::admission<> all;
    due when;
    weir::admission_pass<> held;
};

/// Waits for a place and a token. `finish` leaves the rest to the timer.
struct wait_for_a_place_and_a_token : subject_of<wait_for_a_place_and_a_token> {
    wait_for_a_place_and_a_token(any_io_executor own, due d)
        : places(limits.count(1)), all(std::move(own), limits.rate(slowly, 1)), when(d),
          held(all.try_acquire(share()))
    {
    }
    weir::admission_request<> share() const
    {
        return weir::admission_request<>().take(places).tokens();
    }

    template <class Handler>
    void begin(Handler handler)
    {
        all.async_acquire_until(at(when), share(), std::move(handler));
    }
    void finish() override
    {
        held.release();
        all.change(quickly, 1);
    }

    weir::admission_limits limits;
    weir::admission_count places;
    weir::admission<> all;
    due when;
    weir::admission_pass<> held;
};

const add_row<wait_for_tokens> r1("rate_limiter, async_acquire", due::never);
const add_row<wait_for_tokens> r2("rate_limiter, async_acquire_until, far", due::far);
const add_row<wait_for_tokens> r3("rate_limiter, async_acquire_until, soon", due::soon);
const add_row<wait_for_tokens_of_a_key> k1("keyed_rate_limiter, async_acquire", due::never);
const add_row<wait_for_tokens_of_a_key> k2("keyed_rate_limiter, async_acquire_until, far",
                                           due::far);
const add_row<wait_for_tokens_of_a_key> k3("keyed_rate_limiter, async_acquire_until, soon",
                                           due::soon);
const add_row<wait_for_counts> a1("admission, async_acquire, counts and a key", due::never);
const add_row<wait_for_counts> a2("admission, async_acquire_until, far, counts and a key",
                                  due::far);
const add_row<wait_for_counts> a3("admission, async_acquire_until, soon, counts and a key",
                                  due::soon);
const add_row<wait_for_a_place_and_a_token> t1("admission, async_acquire, a place and a token",
                                               due::never);
const add_row<wait_for_a_place_and_a_token>
    t2("admission, async_acquire_until, far, a place and a token", due::far);
const add_row<wait_for_a_place_and_a_token>
    t3("admission, async_acquire_until, soon, a place and a token", due::soon);

} // namespace
