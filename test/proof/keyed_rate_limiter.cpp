// A rate for each key, in every order: in no window more of a key than the burst and what the rate
// makes of it; no key waits for another; what waits is granted when its tokens come; and each
// acquire completes once.
#include "proof/prove.hpp"

#include <weir/policy/keyed_rate_limiter.hpp>
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
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::rate;
using weir::time_point;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

using limiter = weir::keyed_rate_limiter<int>;

struct shape {
    int burst = 1;
    std::size_t max_keys = 2;
    bool one_key = false;     // for all three
    bool others_first = true; // they have just taken all tokens of key 1
    bool late = false;        // the third acquirer comes after two seconds
    bool deadlines = false;   // of a second each: when another token comes
};

/// Three acquirers over two contexts: of 1 and 2 tokens of one key, and of 1 token of that or of
/// another; each key has a token a second. The second acquirer is in the other context, and is the
/// one that is cancelled.
class three_askers {
public:
    three_askers(world& w, const shape& s)
        : world_(w), shape_(s), burst_(s.burst), most_(s.burst),
          home_(std::make_unique<context>(w)), away_(std::make_unique<context>(w)),
          limiter_(std::make_unique<limiter>(home_->get_executor(), rate::per_second(1),
                                             static_cast<std::size_t>(s.burst), s.max_keys))
    {
        for (bucket& b : buckets_)
            b = {burst_, world_.began(), {}};
        if (s.others_first) {
            expect(limiter_->try_acquire(1, static_cast<std::size_t>(burst_)), "they are there");
            buckets_[1].there = 0;
            grants_.push_back({1, world_.began(), burst_});
        }
        for (std::size_t i = 0; i < all_.size(); ++i)
            if (i != 2 || !s.late)
                asio::post(of(i).get_executor(), [this, i] { acquire(i); });
        if (s.late)
            weir::async_sleep_for(home_->get_executor(), 2s,
                                  [this](weir::error_code) { acquire(2); });
    }

    void cancel_one()
    {
        of(1).at_some_step([this] {
            all_[1].cancelled = true;
            if (all_[1].is == state::waits) {
                all_[1].is = state::left;
                leave(1);
            }
            all_[1].signal.emit(asio::cancellation_type::total);
            look();
        });
    }
    void close_it()
    {
        world_.at_some_step([this] {
            close();
            limiter_->close();
        });
    }
    void destroy_it()
    {
        world_.at_some_step([this] {
            close();
            limiter_.reset();
        });
    }
    void destroy_a_context()
    {
        world_.at_some_step([this] {
            leave(1); // a token that was granted to it is spent
            away_.reset();
            look();
        });
    }
    void destroy_its_context()
    {
        world_.at_some_step([this] {
            close();
            home_.reset();
            look();
        });
    }
    /// Another burst, and a token in each `interval`.
    void change_to(weir::duration interval, int burst)
    {
        world_.at_some_step([this, interval, burst] {
            for (bucket& b : buckets_) {
                refill(b);
                b = {b.there + burst - burst_, world_.now(), b.line};
            }
            changed_at_ = world_.now();
            interval_ = interval;
            burst_ = burst;
            most_ = std::max(most_, burst);
            for (std::size_t i = 0; i < all_.size(); ++i)
                if (all_[i].is == state::waits && weight(i) > burst_) {
                    all_[i].is = state::too_large;
                    std::erase(bucket_of(i).line, i);
                }
            pass(0);
            pass(1);
            limiter_->change(rate(1, interval), static_cast<std::size_t>(burst));
            look();
        });
    }

    void finish()
    {
        for (;;) {
            const time_point before = world_.now();
            const time_point due = std::min(next_due(0), next_due(1));
            if (!world_.run_one())
                break;
            expect(world_.now() == before || world_.now() <= due, "tokens are had when they come");
            // Time alone does it in a step of the timer, and not before.
            for (const int key : {0, 1})
                if (limiter_ && limiter_->waiters(key) < of_key(key).line.size())
                    pass(key);
            look();
        }
        world_.run_to_end();
        check_answers();
        check_windows();
        if (!limiter_)
            return;
        expect(limiter_->waiters() == 0, "no acquire waits at the end");
        if (!limiter_->is_closed() && !shape_.deadlines)
            check_what_is_left();
    }

private:
    enum class state { away, waits, granted, too_large, full, closed, left };

    struct asker {
        asio::cancellation_signal signal;
        state is = state::away;
        bool asked = false;
        bool cancelled = false;
        int answers = 0;
    };

    /// What should be there of a key, and who should wait for it.
    struct bucket {
        int there = 0; // at `seen`; less than none after the burst was lowered
        time_point seen;
        std::vector<std::size_t> line;
    };

    struct grant {
        int key;
        time_point at;
        int weight;
    };

    int key_of(std::size_t i) const { return i == 2 && !shape_.one_key ? 1 : 0; }
    static int weight(std::size_t i) { return i == 1 ? 2 : 1; }
    std::unique_ptr<context>& place_of(std::size_t i) { return i == 1 ? away_ : home_; }
    context& of(std::size_t i) { return *place_of(i); }
    bucket& of_key(int key) { return buckets_.at(static_cast<std::size_t>(key)); }
    bucket& bucket_of(std::size_t i) { return of_key(key_of(i)); }

    void acquire(std::size_t i)
    {
        if (!limiter_)
            return;
        asker& x = all_[i];
        x.asked = true;
        enter(i);
        const auto until = shape_.deadlines ? world_.began() + 1s : time_point::max();
        const auto handler = [this, i](weir::error_code error) { answered(i, error); };
        limiter_->async_acquire_until(
            until, key_of(i), static_cast<std::size_t>(weight(i)),
            asio::bind_cancellation_slot(x.signal.slot(),
                                         asio::bind_executor(of(i).get_executor(), handler)));
        look();
    }

    void answered(std::size_t i, weir::error_code error)
    {
        asker& x = all_[i];
        ++x.answers;
        expect(place_of(i) != nullptr, "no handler runs after its context is gone");
        expect(world_.running() == &of(i), "a handler runs where it belongs");
        if (error == asio::error::operation_aborted) {
            expect(x.cancelled && x.is == state::left, "only what was cancelled");
        } else if (error == weir::errc::too_large) {
            expect(x.is == state::too_large, "only what is too large");
        } else if (error == weir::errc::full) {
            expect(x.is == state::full, "only when too many keys are remembered");
        } else if (error == weir::errc::closed) {
            expect(x.is == state::closed, "closed is reported only when it is closed");
        } else if (error == weir::errc::timed_out) {
            expect(shape_.deadlines && world_.now() >= world_.began() + 1s, "when it is time");
        } else {
            // With deadlines, a waiter that has timed out may have made room for it.
            expect(!error && (shape_.deadlines || x.is == state::granted),
                   "first come, first served within a key");
            grants_.push_back({key_of(i), world_.now(), weight(i)});
        }
    }

    void check_answers()
    {
        for (std::size_t i = 0; i < all_.size(); ++i) {
            const asker& x = all_[i];
            if (place_of(i) == nullptr)
                expect(x.answers <= 1, "an acquire has at most one answer");
            else
                expect(x.answers == (x.asked ? 1 : 0), "an acquire has exactly one answer");
        }
    }

    // Of each key, in each window from a grant to a grant.
    void check_windows() const
    {
        for (const grant& first : grants_)
            for (const grant& last : grants_) {
                int taken = 0;
                for (const grant& g : grants_)
                    if (g.key == first.key && first.at <= g.at && g.at <= last.at)
                        taken += g.weight;
                expect(taken <= most_ + made_until(last.at) - made_until(first.at) ||
                           last.at < first.at,
                       "no more than the burst and the rate");
            }
    }

    void check_what_is_left()
    {
        std::size_t remembered = 0;
        for (const int key : {0, 1}) {
            bucket& b = of_key(key);
            refill(b);
            expect(limiter_->available(key) == static_cast<std::size_t>(std::max(0, b.there)),
                   "what is left is what was not taken");
            remembered += b.there < burst_ ? 1 : 0;
        }
        expect(limiter_->keys() == remembered, "a key with all its tokens costs nothing");
    }

    // ---- what should be

    int made_until(time_point at) const
    {
        const time_point first_until = std::min(at, changed_at_);
        return static_cast<int>((first_until - world_.began()) / 1s +
                                (at - first_until) / interval_);
    }

    void refill(bucket& b) const
    {
        const auto intervals = (world_.now() - b.seen) / interval_;
        b.there = std::min(burst_, b.there + static_cast<int>(intervals));
        b.seen = b.there == burst_ ? world_.now() : b.seen + intervals * interval_;
    }

    time_point next_due(int key) // of a key for which something waits
    {
        const bucket& b = of_key(key);
        if (b.line.empty())
            return time_point::max();
        return b.seen + (weight(b.line.front()) - b.there) * interval_;
    }

    void enter(std::size_t i)
    {
        asker& x = all_[i];
        bucket& own = bucket_of(i);
        bucket& other = of_key(1 - key_of(i));
        for (bucket& b : buckets_)
            refill(b);
        const auto is_remembered = [this](const bucket& b) {
            return b.there < burst_ || !b.line.empty();
        };
        if (closed_) {
            x.is = state::closed;
        } else if (weight(i) > burst_) {
            x.is = state::too_large;
        } else if (shape_.max_keys == 1 && !is_remembered(own) && is_remembered(other)) {
            x.is = state::full;
        } else {
            x.is = state::waits;
            if (shape_.deadlines)
                return;
            own.line.push_back(i);
            if (own.line.size() == 1)
                pass(key_of(i));
        }
    }

    void pass(int key)
    {
        bucket& b = of_key(key);
        refill(b);
        while (!b.line.empty() && weight(b.line.front()) <= b.there) {
            b.there -= weight(b.line.front());
            all_.at(b.line.front()).is = state::granted;
            b.line.erase(b.line.begin());
        }
    }

    void leave(std::size_t i)
    {
        if (std::erase(bucket_of(i).line, i) != 0)
            pass(key_of(i));
    }

    void close()
    {
        closed_ = true;
        for (bucket& b : buckets_) {
            for (const std::size_t i : b.line)
                all_.at(i).is = state::closed;
            b.line.clear();
        }
    }

    void look()
    {
        if (!limiter_ || shape_.deadlines)
            return;
        for (const int key : {0, 1})
            expect(limiter_->waiters(key) == of_key(key).line.size(),
                   "only those wait that have to");
    }

    world& world_;
    const shape shape_;
    weir::duration interval_ = 1s;
    int burst_;
    int most_;
    time_point changed_at_ = time_point::max();
    std::array<bucket, 2> buckets_;
    std::vector<grant> grants_;
    std::array<asker, 3> all_;
    std::unique_ptr<context> home_;
    std::unique_ptr<context> away_;
    std::unique_ptr<limiter> limiter_;
    bool closed_ = false;
};

using faults = void (*)(three_askers&);

void prove_one(const std::string& what, const shape& s, faults f)
{
    prove("keyed_rate_limiter {3 acquirers, burst " + std::to_string(s.burst) + what + "}",
          schedules::all(), [&](world& w) {
              three_askers x(w, s);
              f(x);
              x.finish();
          });
}

void prove_each(const std::string& what, faults f, shape s = shape())
{
    for (const int burst : {1, 2}) {
        s.burst = burst;
        prove_one(what, s, f);
    }
}

// Of two keys, and of one: then a waiter may have one behind it that needs less.
void prove_each_key(const std::string& what, faults f)
{
    prove_each(what, f);
    shape s;
    s.one_key = true;
    prove_each(", one key" + what, f, s);
}

void no_fault(three_askers&) {}

} // namespace

BOOST_AUTO_TEST_SUITE(keyed_rate_limiter_in_every_order)

BOOST_AUTO_TEST_CASE(tokens_are_had_when_they_come)
{
    prove_each_key("", no_fault);
}

BOOST_AUTO_TEST_CASE(cancelled_and_closed)
{
    prove_each_key(", 1 canceller, 1 closer", [](three_askers& x) {
        x.cancel_one();
        x.close_it();
    });
}

BOOST_AUTO_TEST_CASE(destroyed)
{
    prove_each(", destroyed", [](three_askers& x) { x.destroy_it(); });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed)
{
    prove_each(", a context destroyed", [](three_askers& x) { x.destroy_a_context(); });
    prove_each(", its own context destroyed", [](three_askers& x) { x.destroy_its_context(); });
}

BOOST_AUTO_TEST_CASE(changed_and_cancelled)
{
    prove_each_key(", 1 canceller, burst 3", [](three_askers& x) {
        x.cancel_one();
        x.change_to(1s, 3);
    });
    prove_each_key(", 1 canceller, twice the rate, burst 1", [](three_askers& x) {
        x.cancel_one();
        x.change_to(500ms, 1);
    });
    prove_each_key(", 1 canceller, half the rate, burst 2", [](three_askers& x) {
        x.cancel_one();
        x.change_to(2s, 2);
    });
}

BOOST_AUTO_TEST_CASE(too_many_keys)
{
    shape s;
    s.max_keys = 1;
    s.others_first = false;
    for (const bool late : {false, true}) {
        s.late = late;
        const std::string what = late ? ", room for 1 key, the other is late" : ", room for 1 key";
        prove_each(
            what + ", 1 canceller", [](three_askers& x) { x.cancel_one(); }, s);
        prove_each(
            what + ", twice the rate, burst 2", [](three_askers& x) { x.change_to(500ms, 2); }, s);
    }
}

BOOST_AUTO_TEST_CASE(deadlines)
{
    shape s;
    s.deadlines = true;
    prove_each(", deadlines", no_fault, s);
    prove_each(
        ", deadlines, 1 canceller", [](three_askers& x) { x.cancel_one(); }, s);
}

BOOST_AUTO_TEST_SUITE_END()
