// The rate limiter, in every order: tokens go to the first in line when they are there, never more
// than the burst and what the rate makes of the time, and each acquire completes once.
#include "proof/prove.hpp"

#include <weir/policy/rate_limiter.hpp>

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
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

/// Three acquirers over two contexts: of 1, 2 and 1 tokens, of which there are `burst` at first and
/// another each second. The second is in the other context, and is the one that is cancelled.
class three_askers {
public:
    three_askers(world& w, int burst, bool deadlines)
        : world_(w), deadlines_(deadlines), burst_(burst), home_(w),
          away_(std::make_unique<context>(w)),
          limiter_(std::make_unique<weir::rate_limiter>(home_.get_executor(), rate::per_second(1),
                                                        static_cast<std::size_t>(burst)))
    {
        for (std::size_t i = 0; i < all_.size(); ++i)
            asio::post(of(i).get_executor(), [this, i] { acquire(i); });
    }

    void cancel_one()
    {
        of(1).at_some_step([this] {
            all_[1].cancelled = true;
            if (all_[1].is == state::waits) {
                all_[1].is = state::left;
                std::erase(line_, 1);
                pass();
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
            gone_ = true;
            if (std::erase(line_, 1) != 0) // a token that was granted to it is spent
                pass();
            away_.reset();
            look();
        });
    }
    void change_to(int burst)
    {
        world_.at_some_step([this, burst] {
            refill();
            there_ += burst - burst_;
            most_ = std::max(most_, burst);
            burst_ = burst;
            for (std::size_t i = 0; i < all_.size(); ++i)
                if (all_[i].is == state::waits && weight(i) > burst_) {
                    all_[i].is = state::refused;
                    std::erase(line_, i);
                }
            pass();
            limiter_->change(rate::per_second(1), static_cast<std::size_t>(burst));
            look();
        });
    }

    void finish()
    {
        while (world_.run_one()) {
            // Time alone does it in a step of the timer, and not before.
            if (limiter_ && limiter_->waiters() < line_.size())
                pass();
            look();
        }
        world_.run_to_end();
        for (std::size_t i = 0; i < all_.size(); ++i) {
            const asker& x = all_[i];
            if (gone_ && i == 1)
                expect(x.answers <= 1, "an acquire has at most one answer");
            else
                expect(x.answers == (x.asked ? 1 : 0), "an acquire has exactly one answer");
        }
        refill();
        if (limiter_) {
            expect(limiter_->waiters() == 0, "no acquire waits at the end");
            if (!limiter_->is_closed() && !deadlines_)
                expect(limiter_->available() == static_cast<std::size_t>(std::max(0, there_)),
                       "what is left is what was not taken");
        }
        expect(spent_ <= most_ + seconds(), "no more than the burst and the rate");
    }

    /// Without a fault: it took no longer than the tokens do.
    void check_time() const
    {
        expect(seconds() == std::max(0, spent_ - burst_), "tokens are had when they come");
    }

private:
    enum class state { away, waits, granted, refused, closed, left };

    struct asker {
        asio::cancellation_signal signal;
        state is = state::away;
        bool asked = false;
        bool cancelled = false;
        int answers = 0;
    };

    static int weight(std::size_t i) { return i == 1 ? 2 : 1; }
    context& of(std::size_t i) { return i == 1 ? *away_ : home_; }
    int seconds() const { return static_cast<int>((world_.now() - world_.began()) / 1s); }

    void acquire(std::size_t i)
    {
        if (!limiter_)
            return;
        asker& x = all_[i];
        x.asked = true;
        if (closed_) {
            x.is = state::closed;
        } else if (weight(i) > burst_) {
            x.is = state::refused;
        } else {
            x.is = state::waits;
            line_.push_back(i);
            if (line_.size() == 1)
                pass();
        }
        const auto until = deadlines_ ? world_.began() + 1s : weir::time_point::max();
        limiter_->async_acquire_until(
            until, static_cast<std::size_t>(weight(i)),
            asio::bind_cancellation_slot(
                x.signal.slot(),
                asio::bind_executor(of(i).get_executor(),
                                    [this, i](weir::error_code error) { answered(i, error); })));
        look();
    }

    void answered(std::size_t i, weir::error_code error)
    {
        asker& x = all_[i];
        ++x.answers;
        expect(!(gone_ && i == 1), "no handler runs after its context is gone");
        expect(world_.running() == &of(i), "a handler runs where it belongs");
        if (error == asio::error::operation_aborted) {
            expect(x.cancelled && x.is == state::left, "only what was cancelled");
        } else if (error == weir::errc::too_large) {
            expect(x.is == state::refused, "only what is too large");
        } else if (error == weir::errc::closed) {
            expect(x.is == state::closed, "closed is reported only when it is closed");
        } else if (error == weir::errc::timed_out) {
            expect(deadlines_ && seconds() >= 1, "when it is time");
        } else {
            // With deadlines, a waiter that has timed out may have made room for it.
            expect(!error && (deadlines_ || x.is == state::granted), "first come, first served");
            if (deadlines_)
                spent_ += weight(i);
        }
    }

    // ---- what should be

    void close()
    {
        closed_ = true;
        for (const std::size_t i : line_)
            all_[i].is = state::closed;
        line_.clear();
    }

    void refill()
    {
        there_ = std::min(burst_, there_ + seconds() - seen_);
        seen_ = seconds();
    }

    void pass()
    {
        refill();
        while (!deadlines_ && !line_.empty() && weight(line_.front()) <= there_) {
            there_ -= weight(line_.front());
            spent_ += weight(line_.front());
            all_[line_.front()].is = state::granted;
            line_.erase(line_.begin());
        }
    }

    void look() const
    {
        if (limiter_ && !deadlines_)
            expect(limiter_->waiters() == line_.size(), "only those wait that have to");
    }

    world& world_;
    const bool deadlines_; // of a second each: when another token comes
    int burst_;
    int most_ = burst_;
    int there_ = burst_;
    int seen_ = 0;
    int spent_ = 0;
    std::array<asker, 3> all_;
    context home_;
    std::unique_ptr<context> away_;
    std::unique_ptr<weir::rate_limiter> limiter_;
    std::vector<std::size_t> line_;
    bool closed_ = false;
    bool gone_ = false;
};

void prove_each(const std::string& what, void (*faults)(three_askers&))
{
    for (const int burst : {1, 2})
        prove("rate_limiter {3 acquirers, burst " + std::to_string(burst) + ", " + what + "}",
              schedules::all(), [&](world& w) {
                  three_askers x(w, burst, false);
                  faults(x);
                  x.finish();
              });
}

} // namespace

BOOST_AUTO_TEST_SUITE(rate_limiter_in_every_order)

BOOST_AUTO_TEST_CASE(tokens_are_had_when_they_come)
{
    for (const int burst : {2, 3})
        prove("rate_limiter {3 acquirers, burst " + std::to_string(burst) + "}", schedules::all(),
              [&](world& w) {
                  three_askers x(w, burst, false);
                  x.finish();
                  x.check_time();
              });
}

BOOST_AUTO_TEST_CASE(cancelled_and_closed)
{
    prove_each("1 canceller, 1 closer", [](three_askers& x) {
        x.cancel_one();
        x.close_it();
    });
}

BOOST_AUTO_TEST_CASE(destroyed)
{
    prove_each("destroyed", [](three_askers& x) { x.destroy_it(); });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed)
{
    prove_each("a context destroyed", [](three_askers& x) { x.destroy_a_context(); });
}

BOOST_AUTO_TEST_CASE(changed_and_cancelled)
{
    prove_each("1 canceller, burst 1", [](three_askers& x) {
        x.cancel_one();
        x.change_to(1);
    });
    prove_each("1 canceller, burst 3", [](three_askers& x) {
        x.cancel_one();
        x.change_to(3);
    });
}

BOOST_AUTO_TEST_CASE(deadlines)
{
    for (const int burst : {2, 3})
        prove("rate_limiter {3 acquirers, burst " + std::to_string(burst) + ", deadlines}",
              schedules::all(), [&](world& w) {
                  three_askers x(w, burst, true);
                  x.finish();
              });
}

BOOST_AUTO_TEST_SUITE_END()
