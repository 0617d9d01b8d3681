// Scopes and time-outs, in every order: children are joined, the first error is thrown, and nothing
// is left behind.
#include "proof/prove.hpp"

#include <weir/policy/timeout.hpp>
#include <weir/run/cancel.hpp>
#include <weir/run/scope.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

struct failed : std::runtime_error {
    failed() : runtime_error("a child failed") {}
};

struct presence {
    explicit presence(int& c) : count(c) { ++count; }
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;
    ~presence() { --count; }
    int& count;
};

enum class fault { none, cancel_scope, cancel_owner, destroy_context };

std::string name_of(fault f)
{
    switch (f) {
    case fault::none:
        return "";
    case fault::cancel_scope:
        return ", cancelled";
    case fault::cancel_owner:
        return ", its owner cancelled";
    case fault::destroy_context:
        return ", its context destroyed";
    }
    return "";
}

/// A coroutine that may be cancelled, or destroyed with its context, at any step.
class subject {
public:
    explicit subject(world& w) : world_(w), home_(std::make_unique<context>(w)) {}

    template <class Body>
    void start(Body body)
    {
        const auto whole = [this, body]() -> asio::awaitable<void> {
            under_way_ = true;
            co_await body();
            under_way_ = false;
        };
        const auto on_end = [this](std::exception_ptr error) {
            expect(!gone_, "no handler runs after its context is gone");
            ended_ = true;
            if (error)
                std::rethrow_exception(error);
        };
        asio::co_spawn(home_->get_executor(), whole,
                       asio::bind_cancellation_slot(signal_.slot(), on_end));
    }

    void strike(fault f)
    {
        if (f == fault::cancel_owner)
            home_->at_some_step([this] {
                if (!under_way_)
                    return; // Boost 1.81 would lose the error
                cancelled_ = true;
                signal_.emit(asio::cancellation_type::terminal);
            });
        else if (f == fault::destroy_context)
            world_.at_some_step([this] {
                gone_ = true;
                home_.reset();
            });
    }

    void finish()
    {
        world_.run_to_end();
        expect(ended_ || gone_, "it ends");
    }

    context& home() { return *home_; }
    bool cancelled() const { return cancelled_; }

private:
    world& world_;
    asio::cancellation_signal signal_;
    bool under_way_ = false;
    bool ended_ = false;
    bool cancelled_ = false;
    bool gone_ = false;
    std::unique_ptr<context> home_;
};

enum class ended_by { itself, failure, cancellation, time };

ended_by how(const std::exception_ptr& error)
{
    if (!error)
        return ended_by::itself;
    try {
        std::rethrow_exception(error);
    } catch (const failed&) {
        return ended_by::failure;
    } catch (const weir::system_error& e) {
        if (e.code() == weir::errc::timed_out)
            return ended_by::time;
        expect(e.code() == asio::error::operation_aborted, "no other error");
        return ended_by::cancellation;
    }
}

asio::awaitable<void> child(int& alive, bool fails)
{
    const presence here(alive);
    co_await asio::post(asio::use_awaitable);
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
    if (fails)
        throw failed();
}

void scope_scenario(world& w, fault f, bool fails)
{
    int alive = 0;
    weir::scope* scope = nullptr;
    bool scope_cancelled = false;
    subject owner(w);
    owner.start([&]() -> asio::awaitable<void> {
        weir::scope children(co_await asio::this_coro::executor);
        scope = &children;
        children.spawn(child(alive, fails));
        children.spawn(child(alive, false));
        std::exception_ptr error;
        try {
            co_await children.join();
        } catch (...) {
            error = std::current_exception();
        }
        scope = nullptr;
        expect(alive == 0 && children.running() == 0, "children are joined");
        const ended_by way = how(error);
        if (way == ended_by::cancellation)
            expect(scope_cancelled || owner.cancelled(),
                   "only what was cancelled ends as cancelled");
        else if (way == ended_by::itself)
            expect(!fails || scope_cancelled, "an error is never swallowed");
        else
            expect(fails && way == ended_by::failure, "the first error is the one thrown");
    });
    owner.strike(f);
    if (f == fault::cancel_scope)
        owner.home().at_some_step([&] {
            if (scope == nullptr)
                return;
            scope_cancelled = true;
            scope->cancel();
        });
    owner.finish();
    expect(alive == 0, "nothing is left behind");
}

asio::awaitable<int> operation(int& alive, weir::duration length)
{
    const presence here(alive);
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, length);
    co_return 7;
}

void timeout_scenario(world& w, fault f, weir::duration length)
{
    int alive = 0;
    subject caller(w);
    caller.start([&]() -> asio::awaitable<void> {
        std::exception_ptr error;
        int value = 0;
        try {
            value = co_await weir::with_timeout(1s, operation(alive, length));
        } catch (...) {
            error = std::current_exception();
        }
        expect(alive == 0, "the operation has ended");
        const ended_by way = how(error);
        const weir::duration taken = w.now() - weir::time_point{};
        if (way == ended_by::itself)
            expect(value == 7 && taken == length, "its value");
        else if (way == ended_by::time)
            expect(taken == 1s && length >= 1s, "timed out when its time was over");
        else
            expect(caller.cancelled() && way == ended_by::cancellation,
                   "only what was cancelled ends as cancelled");
    });
    caller.strike(f);
    caller.finish();
    expect(alive == 0, "nothing is left behind");
    expect(w.now() - weir::time_point{} <= 1s, "nothing waits on");
}

// Cancelled from outside of all contexts, as by another thread.
void link_scenario(world& w)
{
    weir::cancel_source source;
    bool cancelled = false;
    context home(w);
    home.spawn([&]() -> asio::awaitable<void> {
        const asio::any_io_executor executor = co_await asio::this_coro::executor;
        weir::error_code error;
        {
            weir::cancel_link link(source.token(), executor);
            auto token = asio::bind_cancellation_slot(
                link.slot(), asio::redirect_error(asio::use_awaitable, error));
            co_await weir::async_sleep_for(executor, 1s, token);
            expect(!error || link.reason() == weir::cancel_reason::overload, "with its reason");
        }
        expect(!error || (cancelled && error == asio::error::operation_aborted),
               "only what was cancelled ends as cancelled");
        co_await asio::post(asio::use_awaitable);
    });
    w.at_some_step([&] {
        cancelled = true;
        expect(source.cancel(weir::cancel_reason::overload), "the first call is the one");
        expect(!source.cancel(), "and no other");
    });
    w.run_to_end();
}

} // namespace

BOOST_AUTO_TEST_SUITE(scopes_in_every_order)

BOOST_AUTO_TEST_CASE(scope)
{
    for (const bool fails : {false, true})
        for (const fault f :
             {fault::none, fault::cancel_scope, fault::cancel_owner, fault::destroy_context})
            prove("scope {2 children" + std::string(fails ? ", 1 fails" : "") + name_of(f) + "}",
                  schedules::all(), [&](world& w) { scope_scenario(w, f, fails); });
}

BOOST_AUTO_TEST_CASE(with_timeout)
{
    for (const weir::duration length : {weir::duration(0s), weir::duration(1s), weir::duration(2s)})
        for (const fault f : {fault::none, fault::cancel_owner, fault::destroy_context})
            prove("with_timeout {limit 1 s, takes " + std::to_string(length / 1s) + " s" +
                      name_of(f) + "}",
                  schedules::all(), [&](world& w) { timeout_scenario(w, f, length); });
}

BOOST_AUTO_TEST_CASE(cancel_link)
{
    prove("cancel_link {a sleeper, cancelled from elsewhere}", schedules::all(), link_scenario);
}

BOOST_AUTO_TEST_SUITE_END()
