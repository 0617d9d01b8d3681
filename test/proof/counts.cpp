// Gate, wait_group and event, in every order.
#include "proof/prove.hpp"

#include <weir/sync/event.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/wait_group.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

namespace asio = boost::asio;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

enum class fault { none, cancel, destroy, destroy_context };

std::string name_of(fault f)
{
    switch (f) {
    case fault::none:
        return "";
    case fault::cancel:
        return ", 1 cancelled";
    case fault::destroy:
        return ", destroyed";
    case fault::destroy_context:
        return ", a context destroyed";
    }
    return "";
}

/// Two operations that wait for something, one in each context; the second may be cancelled, or its
/// context destroyed.
class two_waiters {
public:
    /// `may_end()` says whether a wait may succeed now.
    two_waiters(world& w, std::function<bool()> may_end)
        : may_end_(std::move(may_end)), world_(w), home_(w), away_(std::make_unique<context>(w))
    {
    }

    /// `begin(handler)` starts a wait; returns false when it is too late for one.
    template <class Begin>
    void start(Begin begin)
    {
        for (std::size_t i = 0; i < all_.size(); ++i)
            asio::post(of(i).get_executor(), [this, i, begin] {
                const auto handler = [this, i](weir::error_code error) { ended(i, error); };
                all_[i].started = begin(asio::bind_cancellation_slot(
                    all_[i].signal.slot(), asio::bind_executor(of(i).get_executor(), handler)));
            });
    }

    void strike(fault f)
    {
        if (f == fault::cancel)
            away_->at_some_step([this] {
                cancelled_ = true;
                all_[1].signal.emit(asio::cancellation_type::terminal);
            });
        else if (f == fault::destroy_context)
            world_.at_some_step([this] {
                gone_ = true;
                away_.reset();
            });
    }

    void finish()
    {
        world_.run_to_end();
        for (std::size_t i = 0; i < all_.size(); ++i)
            if (!(gone_ && i == 1))
                expect(all_[i].answers == (all_[i].started ? 1 : 0),
                       "a wait has exactly one answer");
    }

    context& of(std::size_t i) { return i == 0 ? home_ : *away_; }
    context& home() { return home_; }

private:
    struct waiting {
        asio::cancellation_signal signal;
        bool started = false;
        int answers = 0;
    };

    void ended(std::size_t i, weir::error_code error)
    {
        ++all_[i].answers;
        expect(all_[i].answers == 1, "one answer");
        expect(!(gone_ && i == 1), "no handler runs after its context is gone");
        expect(world_.running() == &of(i), "a handler runs where it belongs");
        if (error == asio::error::operation_aborted)
            expect(cancelled_ && i == 1, "only what was cancelled ends as cancelled");
        else
            expect(!error && may_end_(), "a wait ends when what it waits for is so");
    }

    std::function<bool()> may_end_;
    world& world_;
    std::array<waiting, 2> all_;
    context home_;
    std::unique_ptr<context> away_;
    bool cancelled_ = false;
    bool gone_ = false;
};

// Two workers enter when they arrive, and each stays for one step.
void gate_scenario(world& w, fault f)
{
    int inside = 0;
    bool closed = false;
    two_waiters waiters(w, [&] { return inside == 0; });
    auto gate = std::make_unique<weir::gate>(waiters.home().get_executor());
    for (int i = 0; i < 2; ++i)
        asio::post(waiters.home().get_executor(), [&] {
            if (!gate)
                return;
            weir::pass pass = gate->try_enter();
            expect(bool(pass) == !closed, "in while it is open, not when it is closed");
            if (!pass)
                return;
            ++inside;
            asio::post(waiters.home().get_executor(), [&, p = std::move(pass)]() mutable {
                --inside;
                p.leave();
            });
        });
    waiters.start([&](auto handler) {
        if (!gate)
            return false;
        closed = true;
        gate->async_close(std::move(handler));
        return true;
    });
    waiters.strike(f);
    if (f == fault::destroy)
        w.at_some_step([&] {
            closed = true;
            gate.reset();
        });
    waiters.finish();
    expect(inside == 0, "everybody has left");
}

void wait_group_scenario(world& w, fault f)
{
    int left = 2;
    two_waiters waiters(w, [&] { return left == 0; });
    weir::wait_group group(waiters.home().get_executor());
    group.add(2);
    for (int i = 0; i < 2; ++i)
        asio::post(waiters.home().get_executor(), [&] {
            --left;
            group.done();
        });
    waiters.start([&](auto handler) {
        group.async_wait(std::move(handler));
        return true;
    });
    waiters.strike(f);
    waiters.finish();
    expect(group.count() == 0, "what was added is done");
}

void event_scenario(world& w, fault f)
{
    bool happened = false;
    int firsts = 0;
    two_waiters waiters(w, [&] { return happened; });
    auto event = std::make_unique<weir::event>();
    for (int i = 0; i < 2; ++i)
        asio::post(waiters.home().get_executor(), [&, copy = *event]() mutable {
            happened = true;
            firsts += copy.set() ? 1 : 0;
        });
    waiters.start([&](auto handler) {
        if (event)
            event->async_wait(waiters.home().get_executor(), std::move(handler));
        return event != nullptr;
    });
    waiters.strike(f);
    if (f == fault::destroy)
        w.at_some_step([&] { event.reset(); });
    waiters.finish();
    expect(firsts == 1, "it happens once");
}

void prove_each(const std::string& what, void (*scenario)(world&, fault),
                std::initializer_list<fault> faults)
{
    for (const fault f : faults)
        prove(what + name_of(f) + "}", schedules::all(), [&](world& w) { scenario(w, f); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(counts_in_every_order)

BOOST_AUTO_TEST_CASE(gate)
{
    prove_each("gate {2 go in and out, 2 close and wait", gate_scenario,
               {fault::none, fault::cancel, fault::destroy, fault::destroy_context});
}

BOOST_AUTO_TEST_CASE(wait_group)
{
    prove_each("wait_group {2 to be done, 2 waiters", wait_group_scenario,
               {fault::none, fault::cancel, fault::destroy_context});
}

BOOST_AUTO_TEST_CASE(event)
{
    prove_each("event {set twice, 2 waiters", event_scenario,
               {fault::none, fault::cancel, fault::destroy, fault::destroy_context});
}

BOOST_AUTO_TEST_SUITE_END()
