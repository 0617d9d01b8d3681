// Limits by key, in every order: no permit is lost or invented, neither of a key nor of the wide
// limit; keys take turns; a hold lets nothing through, and one probe goes after it.
#include "proof/prove.hpp"

#include <weir/policy/keyed_semaphore.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::hold_result;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

using semaphore = weir::keyed_semaphore<int>;
using permit = weir::keyed_permit<int>;

constexpr weir::time_point one_second = weir::time_point{} + 1s;
constexpr int other_key = 2; // of a permit that is out at first, to fill the wide limit

struct shape {
    std::size_t limit = 1;
    std::optional<std::size_t> wide;
    bool taken_at_first = false; // the whole wide limit
    bool probes_fail = false;    // the first of each key does
    bool probes_say_so = false;  // that they have succeeded, before they end
    bool deadlines = false;      // each waits for up to 1 s
};

/// Three acquirers over two contexts: two of one key, and one of another. Each holds its permit for
/// one step.
class three_acquirers {
public:
    three_acquirers(world& w, const shape& s)
        : world_(w), shape_(s), home_(w), away_(std::make_unique<context>(w)), limit_(s.limit),
          most_(s.limit), wide_(s.wide.value_or(100)), most_wide_(wide_)
    {
        const weir::key_options options = weir::key_options(s.limit).max_hold(1min);
        semaphore_ = s.wide ? std::make_unique<semaphore>(home_.get_executor(), options, *s.wide)
                            : std::make_unique<semaphore>(home_.get_executor(), options);
        if (s.taken_at_first) {
            first_ = semaphore_->try_acquire(other_key, *s.wide);
            expect(bool(first_), "there is room at first");
            world_.at_some_step([this] { first_.release(); });
        }
        for (std::size_t i = 0; i < all_.size(); ++i) {
            context& c = of(i);
            asio::post(c.get_executor(), [this, i, &c] { acquire(i, c); });
        }
    }

    void cancel_one()
    {
        of(1).at_some_step([this] {
            all_[1].cancelled = true;
            all_[1].signal.emit(asio::cancellation_type::total);
        });
    }
    void close_it()
    {
        world_.at_some_step([this] {
            closed_ = true;
            semaphore_->close();
        });
    }
    void destroy_it()
    {
        world_.at_some_step([this] {
            closed_ = true;
            semaphore_.reset();
        });
    }
    void destroy_a_context()
    {
        world_.at_some_step([this] {
            gone_ = true;
            away_.reset();
        });
    }
    void resize_to(std::size_t limit)
    {
        world_.at_some_step([this, limit] {
            limit_ = limit;
            most_ = std::max(most_, limit);
            semaphore_->resize(limit);
        });
    }
    void resize_wide_to(std::size_t wide)
    {
        world_.at_some_step([this, wide] {
            wide_ = wide;
            most_wide_ = std::max(most_wide_, wide);
            semaphore_->resize_wide(wide);
        });
    }
    /// The key that two want.
    void hold_it(weir::duration length)
    {
        world_.at_some_step([this, length] { hold(length); });
    }
    void resume_it()
    {
        world_.at_some_step([this] {
            semaphore_->resume(0);
            after_hold_ = too_long_ = false;
        });
    }
    /// A call for another key at the very end of the hold.
    void look_in_at(weir::time_point at)
    {
        weir::async_sleep_until(home_.get_executor(), at, [this](weir::error_code) {
            if (semaphore_)
                (void)semaphore_->try_acquire(3);
        });
    }

    void finish()
    {
        while (world_.run_one())
            look();
        world_.run_to_end();
        for (std::size_t i = 0; i < all_.size(); ++i) {
            const acquirer& x = all_[i];
            if (gone_ && i == 1)
                expect(x.answers <= 1, "an acquire has at most one answer");
            else
                expect(x.answers == (x.asked ? 1 : 0), "an acquire has exactly one answer");
        }
        if (semaphore_) {
            expect(semaphore_->in_use() == 0, "every permit has come back");
            expect(semaphore_->waiters() == 0, "no acquire waits at the end");
            expect(semaphore_->keys() <= (held_ ? 1U : 0U), "no idle key costs anything");
            if (!closed_)
                expect(bool(semaphore_->try_acquire(0)) ==
                           (semaphore_->held_until(0) <= world_.now()),
                       "there is room at the end, unless it is held");
        }
        check_order();
    }

private:
    struct acquirer {
        asio::cancellation_signal signal;
        bool asked = false;
        bool cancelled = false;
        int answers = 0;
        std::size_t granted_by_then = 0; // of its key, when this one completed
    };

    // The second acquirer is in the other context, and is the one that is cancelled.
    context& of(std::size_t i) { return i == 1 ? *away_ : home_; }
    static int key_of(std::size_t i) { return i == 2 ? 1 : 0; }

    void hold(weir::duration length)
    {
        const auto result = semaphore_->hold(0, world_.now() + length);
        too_long_ = too_long_ || length > 1min;
        expect(result == (too_long_ ? hold_result::too_long : hold_result::held),
               "a hold has the result that it should have");
        held_until_ = std::max(held_until_, world_.now() + length);
        expect(semaphore_->held_until(0) == held_until_, "the later of two holds counts");
        held_ = after_hold_ = true;
        ++holds_;
        probes_ = 0;
        under_way_ = semaphore_->in_use(0) - out_[0];
        used_when_held_ = semaphore_->in_use(0);
    }

    void acquire(std::size_t i, context& c)
    {
        if (!semaphore_)
            return;
        all_[i].asked = true;
        line_.push_back(i);
        const auto handler = [this, i, &c](weir::error_code error, permit p) {
            answered(i, c, error, std::move(p));
        };
        const auto until = shape_.deadlines ? one_second : weir::time_point::max();
        semaphore_->async_acquire_until(
            until, key_of(i),
            asio::bind_cancellation_slot(all_[i].signal.slot(),
                                         asio::bind_executor(c.get_executor(), handler)));
    }

    void answered(std::size_t i, context& c, weir::error_code error, permit p)
    {
        acquirer& x = all_[i];
        const int key = key_of(i);
        ++x.answers;
        expect(world_.running() == &c, "a handler runs where it belongs");
        expect(!(gone_ && i == 1), "no handler runs after its context is gone");
        expect(bool(p) == !error, "a permit, or an error");
        if (error) {
            line_.erase(std::find(line_.begin(), line_.end(), i));
            if (error == asio::error::operation_aborted)
                expect(x.cancelled, "only what was cancelled ends as cancelled");
            else if (error == weir::errc::timed_out)
                expect(shape_.deadlines && world_.now() >= one_second, "when it is time");
            else if (error == weir::errc::held_too_long)
                expect(key == 0 && too_long_, "only what is held for too long");
            else
                expect(error == weir::errc::closed && closed_,
                       "closed is reported only when it is closed");
            return;
        }
        expect(p.key() == key && p.weight() == 1, "the permit that it asked for");
        bool is_fresh = key == 0 && check_hold(p);
        ++out_.at(key);
        if (semaphore_) {
            expect(semaphore_->in_use(key) <= most_, "no more of a key than its limit");
            expect(semaphore_->in_use() <= most_wide_, "no more than the wide limit");
            x.granted_by_then = released_.at(key) + semaphore_->in_use(key);
        }
        if (shape_.probes_say_so) {
            if (is_fresh)
                after_hold_ = false;
            is_fresh = false;
            p.succeeded();
            expect(!p.is_probe(), "it is no probe any more");
        }
        asio::post(c.get_executor(), give_back{*this, std::move(p), key, is_fresh ? holds_ : 0});
    }

    // True: it is the probe of the last hold.
    bool check_hold(const permit& p)
    {
        expect(!p.is_probe() || held_, "no probe without a hold");
        if (!after_hold_)
            return false;
        if (under_way_ != 0) { // these are delivered before time passes
            --under_way_;
            return false;
        }
        expect(p.is_probe(), "after a hold one goes alone");
        expect(semaphore_ == nullptr || world_.now() >= held_until_,
               "no probe goes before the end of the hold");
        expect(++probes_ == 1, "one probe at a time");
        return true;
    }

    // Where the context of its handler goes, it is destroyed: then it counts as released.
    class give_back {
    public:
        give_back(three_acquirers& owner, permit p, int key, int holds)
            : owner_(&owner), permit_(std::move(p)), key_(key), holds_(holds)
        {
        }
        give_back(give_back&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), permit_(std::move(other.permit_)),
              key_(other.key_), holds_(other.holds_)
        {
        }
        ~give_back() { end(); }
        void operator()() { end(); }

    private:
        void end()
        {
            if (auto* const owner = std::exchange(owner_, nullptr))
                owner->released(std::move(permit_), key_, holds_);
        }

        three_acquirers* owner_;
        permit permit_;
        int key_;
        int holds_;
    };

    void released(permit p, int key, int holds)
    {
        --out_.at(key);
        ++released_.at(key);
        const bool counts = holds != 0 && holds == holds_; // the probe of the last hold
        if (counts)
            probes_ = 0;
        if (shape_.probes_fail && p.is_probe() && !std::exchange(failed_, true)) {
            p.failed();
        } else {
            if (counts)
                after_hold_ = false;
            p.release();
        }
    }

    // Waiting needs a reason, for each key by itself.
    void look()
    {
        if (!semaphore_ || gone_)
            return;
        expect(!too_long_ || semaphore_->waiters(0) == 0,
               "nothing waits for what is held too long");
        const bool is_held = held_ && semaphore_->held_until(0) > world_.now();
        if (is_held)
            expect(semaphore_->in_use(0) <= used_when_held_, "a held key gets nothing");
        used_when_held_ = semaphore_->in_use(0);
        for (const int key : {0, 1}) {
            const std::size_t used = semaphore_->in_use(key);
            bool has_reason = used >= limit_ || semaphore_->in_use() >= wide_;
            if (key == 0 && held_) // its end may be a step that is ready now
                has_reason = has_reason || semaphore_->held_until(0) >= world_.now() ||
                             (after_hold_ && (probes_ != 0 || used > out_[0]));
            expect(semaphore_->waiters(key) == 0 || has_reason, "none waits while there is room");
        }
        check_turns();
    }

    // While one of a key waits for the wide limit alone, the other key has at most one turn.
    void check_turns()
    {
        if (!shape_.wide || held_)
            return;
        for (const int key : {0, 1}) {
            const int rival = 1 - key;
            const std::size_t got = released_.at(rival) + semaphore_->in_use(rival);
            if (semaphore_->waiters(key) == 0 || semaphore_->in_use(key) >= limit_)
                waits_since_.at(key).reset();
            else if (!waits_since_.at(key))
                waits_since_.at(key) = got;
            else
                expect(got <= *waits_since_.at(key) + 1, "keys take turns");
        }
    }

    // Grants of a key go to its first waiters, leaving out those that gave up.
    void check_order() const
    {
        if (gone_)
            return; // a dropped waiter does not report that it left
        std::array<std::size_t, 2> sum{};
        for (const std::size_t i : line_) {
            const std::size_t before = ++sum.at(key_of(i));
            const std::size_t granted = all_.at(i).granted_by_then;
            expect(granted == 0 || before <= granted, "first come, first served within a key");
        }
    }

    world& world_;
    const shape shape_;
    std::array<acquirer, 3> all_;
    std::array<std::size_t, 2> out_{};      // permits that were delivered, of each key
    std::array<std::size_t, 2> released_{}; // and came back
    std::array<std::optional<std::size_t>, 2> waits_since_;
    std::vector<std::size_t> line_;
    bool failed_ = false;
    bool held_ = false;
    bool after_hold_ = false; // and no probe has succeeded
    bool too_long_ = false;
    int holds_ = 0;
    std::size_t probes_ = 0;    // out, of the last hold
    std::size_t under_way_ = 0; // granted before it, and not delivered
    std::size_t used_when_held_ = 0;
    weir::time_point held_until_{};
    bool closed_ = false;
    bool gone_ = false;
    context home_;
    std::unique_ptr<context> away_;
    std::size_t limit_, most_;
    std::size_t wide_, most_wide_;
    std::unique_ptr<semaphore> semaphore_;
    permit first_;
};

using faults = void (*)(three_acquirers&);

void prove_one(const std::string& what, const shape& s, faults f,
               const schedules& which = schedules::all())
{
    const std::string wide =
        s.wide ? "wide " + std::to_string(*s.wide) + (s.taken_at_first ? " taken, " : ", ") : "";
    prove("keyed_semaphore {limit " + std::to_string(s.limit) + ", " + wide + what + "}", which,
          [&](world& w) {
              three_acquirers x(w, s);
              f(x);
              x.finish();
          });
}

// With a wide limit and without, and with one that others have.
void prove_each(const std::string& what, faults f)
{
    shape s;
    prove_one(what, s, f);
    s.wide = 2;
    prove_one(what, s, f);
    s.wide = 1;
    s.taken_at_first = true;
    prove_one(what, s, f);
}

void no_fault(three_acquirers&) {}

} // namespace

BOOST_AUTO_TEST_SUITE(keyed_semaphore_in_every_order)

BOOST_AUTO_TEST_CASE(turns)
{
    for (const std::size_t limit : {1, 2}) {
        shape s;
        s.limit = limit;
        s.wide = 1;
        s.taken_at_first = true;
        prove_one("no fault", s, no_fault);
    }
}

BOOST_AUTO_TEST_CASE(cancelled_and_closed)
{
    prove_each("1 canceller, 1 closer", [](three_acquirers& x) {
        x.cancel_one();
        x.close_it();
    });
}

BOOST_AUTO_TEST_CASE(destroyed)
{
    prove_each("destroyed", [](three_acquirers& x) { x.destroy_it(); });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed)
{
    prove_each("a context destroyed", [](three_acquirers& x) { x.destroy_a_context(); });
}

BOOST_AUTO_TEST_CASE(resized)
{
    prove_each("resized to 2", [](three_acquirers& x) { x.resize_to(2); });
    shape s;
    s.limit = 2;
    s.wide = 1;
    prove_one("1 canceller, wide resized to 2", s, [](three_acquirers& x) {
        x.cancel_one();
        x.resize_wide_to(2);
    });
    s.wide = 2;
    prove_one("resized to 1, wide to 1", s, [](three_acquirers& x) {
        x.resize_to(1);
        x.resize_wide_to(1);
    });
}

BOOST_AUTO_TEST_CASE(held)
{
    prove_each("held", [](three_acquirers& x) { x.hold_it(1s); });
    prove_each("held, 1 canceller", [](three_acquirers& x) {
        x.hold_it(1s);
        x.cancel_one();
    });
    prove_each("held, resumed", [](three_acquirers& x) {
        x.hold_it(1s);
        x.resume_it();
    });
    prove_each("held twice", [](three_acquirers& x) {
        x.hold_it(2s);
        x.hold_it(1s);
    });
    prove_each("held for too long", [](three_acquirers& x) { x.hold_it(1h); });
}

BOOST_AUTO_TEST_CASE(held_and_struck)
{
    prove_each("held, closed", [](three_acquirers& x) {
        x.hold_it(1s);
        x.close_it();
    });
    prove_each("held, a context destroyed", [](three_acquirers& x) {
        x.hold_it(1s);
        x.destroy_a_context();
    });
}

BOOST_AUTO_TEST_CASE(probes)
{
    for (const int kind : {0, 1, 2}) {
        shape s;
        s.limit = 2;
        s.probes_fail = kind == 1;
        s.probes_say_so = kind == 2;
        const char* const names[] = {"held", "held, a probe fails", "held, probes say so"};
        const std::string name = names[kind];
        prove_one(name, s, [](three_acquirers& x) { x.hold_it(1s); });
        prove_one(name + ", a call at the end", s, [](three_acquirers& x) {
            x.hold_it(1s);
            x.look_in_at(one_second);
        });
        if (s.probes_say_so)
            prove_one(name + ", held again", s, [](three_acquirers& x) {
                x.hold_it(1s);
                x.hold_it(1s);
            });
        s.wide = 2;
        prove_one(name, s, [](three_acquirers& x) { x.hold_it(1s); });
        prove_one(name + ", a call at the end", s, [](three_acquirers& x) {
            x.hold_it(1s);
            x.look_in_at(one_second);
        });
    }
}

BOOST_AUTO_TEST_CASE(deadlines)
{
    shape s;
    s.deadlines = true;
    for (const bool wide : {false, true}) {
        if (wide)
            s.wide = 1;
        prove_one(
            "deadlines, held, 4 delays", s, [](three_acquirers& x) { x.hold_it(1s); },
            schedules::delayed(4));
        prove_one(
            "deadlines, held, cancelled, 4 delays", s,
            [](three_acquirers& x) {
                x.hold_it(1s);
                x.cancel_one();
            },
            schedules::delayed(4));
    }
}

BOOST_AUTO_TEST_SUITE_END()
