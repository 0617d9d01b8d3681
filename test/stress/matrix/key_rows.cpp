#include "stress/matrix/subject.hpp"

#include <weir/policy/keyed_semaphore.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <utility>

namespace asio = boost::asio;
using namespace weir::test;
using asio::any_io_executor;
using weir::time_point;

namespace {

using semaphore = weir::keyed_semaphore<int>;

enum class due { never, far, soon, past };

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
    case due::past:
        return now - std::chrono::hours(1);
    }
    return now;
}

/// The permit of their key is out.
struct acquire_by_key : subject_of<acquire_by_key> {
    acquire_by_key(any_io_executor own, due d) : s(std::move(own), weir::limit(1)), when(d) {}

    template <class Handler>
    void begin(Handler handler)
    {
        s.async_acquire_until(at(when), 1, std::move(handler));
    }
    void finish() override { s.resize(weir::limit(4)); }

    semaphore s;
    due when;
    weir::keyed_permit<int> held = s.try_acquire(1);
};

/// Other keys have the whole wide limit. Each waits for a key of its own.
struct acquire_of_all : subject_of<acquire_of_all> {
    acquire_of_all(any_io_executor own, due d)
        : s(std::move(own), weir::limit(1), weir::limit(1)), when(d)
    {
    }

    template <class Handler>
    void begin(Handler handler)
    {
        s.async_acquire_until(at(when), key++, std::move(handler));
    }
    void finish() override { held.release(); }

    semaphore s;
    due when;
    int key = 2;
    weir::keyed_permit<int> held = s.try_acquire(1);
};

/// Their key is held, for an hour or for a moment; then they go one after the other.
struct acquire_held : subject_of<acquire_held> {
    acquire_held(any_io_executor own, due d)
        : s(std::move(own), weir::key_options(weir::limit(4)).max_hold(std::chrono::hours(2)))
    {
        (void)s.hold(1, at(d));
    }

    template <class Handler>
    void begin(Handler handler)
    {
        s.async_acquire(1, std::move(handler));
    }
    void finish() override { s.resume(1); }

    semaphore s;
};

const add_row<acquire_by_key> r1("keyed_semaphore, async_acquire", due::never);
const add_row<acquire_by_key> r2("keyed_semaphore, async_acquire_until, far", due::far);
const add_row<acquire_by_key> r3("keyed_semaphore, async_acquire_until, soon", due::soon);
const add_row<acquire_by_key> r4("keyed_semaphore, async_acquire_until, past", due::past);
const add_row<acquire_of_all> r5("keyed_semaphore, async_acquire, wide", due::never);
const add_row<acquire_of_all> r6("keyed_semaphore, async_acquire_until, wide, soon", due::soon);
const add_row<acquire_held> r7("keyed_semaphore, async_acquire, held", due::far);
const add_row<acquire_held> r8("keyed_semaphore, async_acquire, held for a moment", due::soon);

} // namespace
