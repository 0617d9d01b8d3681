#include "stress/matrix/subject.hpp"

#include <weir/run/cancel.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/event.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/sleep.hpp>

#include <chrono>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace weir::test;
using asio::any_io_executor;
using weir::time_point;

namespace {

/// Deadlines by how far they are.
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

// Each holds its primitive such that an operation has to wait until `finish`.

struct acquire : subject_of<acquire> {
    explicit acquire(any_io_executor own) : s(std::move(own), weir::limit(1)) {}

    template <class Handler>
    void begin(Handler handler)
    {
        s.async_acquire(std::move(handler));
    }
    void finish() override { s.resize(weir::limit(4)); }

    weir::semaphore s;
    weir::permit held = s.try_acquire();
};

struct acquire_until : subject_of<acquire_until> {
    acquire_until(any_io_executor own, due d) : s(std::move(own), weir::limit(1)), when(d) {}

    template <class Handler>
    void begin(Handler handler)
    {
        s.async_acquire_until(at(when), std::move(handler));
    }
    void finish() override { held = weir::permit(); }

    weir::semaphore s;
    due when;
    weir::permit held = s.try_acquire();
};

struct send : subject_of<send> {
    send(any_io_executor own, std::size_t capacity) : c(std::move(own), capacity)
    {
        for (std::size_t i = 0; i < capacity; ++i)
            (void)c.try_send(0);
    }

    template <class Handler>
    void begin(Handler handler)
    {
        c.async_send(1, std::move(handler));
    }
    void finish() override { c.close(); }

    weir::channel<int> c;
};

struct send_until : subject_of<send_until> {
    send_until(any_io_executor own, due d) : c(std::move(own), 0), when(d) {}

    template <class Handler>
    void begin(Handler handler)
    {
        c.async_send_until(at(when), 1, std::move(handler));
    }
    void finish() override
    {
        // As many as wait: some may have timed out.
        while (c.try_receive())
            continue;
        c.close();
    }

    weir::channel<int> c;
    due when;
};

struct receive : subject_of<receive> {
    explicit receive(any_io_executor own) : c(std::move(own), 4) {}

    template <class Handler>
    void begin(Handler handler)
    {
        c.async_receive(std::move(handler));
    }
    void finish() override
    {
        for (int i = 0; i < 3; ++i)
            (void)c.try_send(i);
    }

    weir::channel<int> c;
};

struct receive_until : subject_of<receive_until> {
    receive_until(any_io_executor own, due d) : c(std::move(own), 4), when(d) {}

    template <class Handler>
    void begin(Handler handler)
    {
        c.async_receive_until(at(when), std::move(handler));
    }
    void finish() override
    {
        (void)c.try_send(1);
        c.close();
    }

    weir::channel<int> c;
    due when;
};

struct receive_some : subject_of<receive_some> {
    explicit receive_some(any_io_executor own) : c(std::move(own), 4)
    {
        for (auto& each : into)
            each.clear();
    }

    template <class Handler>
    void begin(Handler handler)
    {
        c.async_receive_some(into[next++], 2, std::move(handler));
    }
    void finish() override
    {
        (void)c.try_send(1);
        c.close();
    }

    // They must stay until completion, which may come after the end of the channel.
    static inline std::vector<int> into[3];
    std::size_t next = 0;
    weir::channel<int> c;
};

struct reserve : subject_of<reserve> {
    explicit reserve(any_io_executor own) : c(std::move(own), 1) {}

    template <class Handler>
    void begin(Handler handler)
    {
        c.async_reserve(std::move(handler));
    }
    void finish() override { held = weir::channel<int>::reservation(); }

    weir::channel<int> c;
    weir::channel<int>::reservation held = c.try_reserve();
};

struct close_gate : subject_of<close_gate> {
    explicit close_gate(any_io_executor own) : g(std::move(own)) {}

    template <class Handler>
    void begin(Handler handler)
    {
        g.async_close(std::move(handler));
    }
    void finish() override { inside.leave(); }

    weir::gate g;
    weir::pass inside = g.try_enter();
};

struct wait_for_group : subject_of<wait_for_group> {
    wait_for_group(any_io_executor own, due d) : g(std::move(own)), when(d) { g.add(); }
    ~wait_for_group() override { finish(); }

    template <class Handler>
    void begin(Handler handler)
    {
        if (when == due::never)
            g.async_wait(std::move(handler));
        else
            g.async_wait_until(at(when), std::move(handler));
    }
    void finish() override
    {
        if (!std::exchange(finished, true))
            g.done();
    }

    weir::wait_group g;
    due when;
    bool finished = false;
};

struct wait_for_event : subject_of<wait_for_event> {
    explicit wait_for_event(any_io_executor executor) : own(std::move(executor)) {}
    ~wait_for_event() override { e.set(); }

    template <class Handler>
    void begin(Handler handler)
    {
        // An event has no executor. The program's must not be used after its context.
        e.async_wait(own, std::move(handler));
    }
    void started() override { own = nullptr; }
    void finish() override { e.set(); }

    any_io_executor own;
    weir::event e;
};

struct wait_for_token : subject_of<wait_for_token> {
    explicit wait_for_token(any_io_executor executor) : own(std::move(executor)) {}
    ~wait_for_token() override { source.cancel(); }

    template <class Handler>
    void begin(Handler handler)
    {
        source.token().async_wait(own, std::move(handler));
    }
    void started() override { own = nullptr; }
    void finish() override { source.cancel(); }

    any_io_executor own;
    weir::cancel_source source;
};

struct sleep_until : subject_of<sleep_until> {
    sleep_until(any_io_executor executor, due d) : own(std::move(executor)), when(d) {}

    template <class Handler>
    void begin(Handler handler)
    {
        weir::async_sleep_until(own, at(when), std::move(handler));
    }
    void started() override { own = nullptr; }

    any_io_executor own;
    due when;
};

const add_row<acquire> r1("semaphore, async_acquire");
const add_row<acquire_until> r2("semaphore, async_acquire_until, far", due::far);
const add_row<acquire_until> r3("semaphore, async_acquire_until, soon", due::soon);
const add_row<acquire_until> r4("semaphore, async_acquire_until, past", due::past);
const add_row<send> r5("channel, async_send", 1U);
const add_row<send> r6("channel, async_send, no capacity", 0U);
const add_row<send_until> r7("channel, async_send_until, far", due::far);
const add_row<send_until> r8("channel, async_send_until, soon", due::soon);
const add_row<send_until> r9("channel, async_send_until, past", due::past);
const add_row<receive> r10("channel, async_receive");
const add_row<receive_until> r11("channel, async_receive_until, far", due::far);
const add_row<receive_until> r12("channel, async_receive_until, soon", due::soon);
const add_row<receive_until> r13("channel, async_receive_until, past", due::past);
const add_row<receive_some> r14("channel, async_receive_some");
const add_row<reserve> r15("channel, async_reserve");
const add_row<close_gate> r16("gate, async_close");
const add_row<wait_for_group> r17("wait_group, async_wait", due::never);
const add_row<wait_for_group> r18("wait_group, async_wait_until, far", due::far);
const add_row<wait_for_group> r19("wait_group, async_wait_until, soon", due::soon);
const add_row<wait_for_event> r20("event, async_wait");
const add_row<wait_for_token> r21("cancel_token, async_wait");
const add_row<sleep_until> r22("async_sleep_until, soon", due::soon);
const add_row<sleep_until> r23("async_sleep_until, past", due::past);

} // namespace
