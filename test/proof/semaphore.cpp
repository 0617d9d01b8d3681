// The semaphore, in every order: no permit is lost or invented, first come is first served, each
// acquire completes once.
#include "proof/prove.hpp"

#include <weir/sync/semaphore.hpp>
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
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

constexpr weir::time_point one_second = weir::time_point{} + 1s;

struct shape {
    explicit shape(std::size_t p) : permits(p) {}

    std::size_t permits;
    std::array<std::size_t, 3> weights = {1, 1, 1};
    std::size_t overtakers = 0;
    bool deadlines = false; // each waits for up to 1 s, and holds its permit for 1 s
};

/// Three acquirers over two contexts. Each holds its permit for one step.
class three_acquirers {
public:
    three_acquirers(world& w, const shape& s)
        : world_(w), shape_(s), home_(w), away_(std::make_unique<context>(w)), most_(s.permits),
          semaphore_(
              std::make_unique<weir::semaphore>(home_.get_executor(), s.permits, s.overtakers))
    {
        for (std::size_t i = 0; i < all_.size(); ++i) {
            context& c = of(i);
            asio::post(c.get_executor(), [this, i, &c] { acquire(i, c); });
        }
    }

    void cancel_one()
    {
        of(1).at_some_step([this] { cancel(1); });
    }
    void close_it()
    {
        world_.at_some_step([this] { close(); });
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
    void resize_to(std::size_t permits)
    {
        world_.at_some_step([this, permits] {
            most_ = std::max(most_, permits);
            least_ = std::min(least_, permits);
            limit_ = permits;
            semaphore_->resize(permits);
        });
    }

    void finish()
    {
        while (world_.run_one())
            look();
        world_.run_to_end();
        for (std::size_t i = 0; i < all_.size(); ++i) {
            const acquirer& x = all_[i];
            if (gone_ && i == 1) {
                expect(x.answers <= 1, "an acquire has at most one answer");
                continue;
            }
            expect(x.answers == (x.asked ? 1 : 0), "an acquire has exactly one answer");
        }
        if (semaphore_) {
            expect(semaphore_->in_use() == 0, "every permit has come back");
            expect(semaphore_->waiters() == 0, "no acquire waits at the end");
            if (!closed_)
                expect(bool(semaphore_->try_acquire()), "there is room at the end");
        }
        check_order();
    }

private:
    struct acquirer {
        asio::cancellation_signal signal;
        bool asked = false;
        bool cancelled = false;
        int answers = 0;
        std::size_t granted_by_then = 0; // total weight, when this one completed
    };

    // The second acquirer is in the other context, and is the one that is cancelled.
    context& of(std::size_t i) { return i == 1 ? *away_ : home_; }

    void acquire(std::size_t i, context& c)
    {
        if (!semaphore_)
            return;
        all_[i].asked = true;
        line_.push_back(i);
        const auto handler = [this, i, &c](weir::error_code error, weir::permit permit) {
            answered(i, c, error, std::move(permit));
        };
        const auto until = shape_.deadlines ? one_second : weir::time_point::max();
        semaphore_->async_acquire_until(
            until, shape_.weights.at(i),
            asio::bind_cancellation_slot(all_[i].signal.slot(),
                                         asio::bind_executor(c.get_executor(), handler)));
    }

    void answered(std::size_t i, context& c, weir::error_code error, weir::permit permit)
    {
        acquirer& x = all_[i];
        ++x.answers;
        expect(world_.running() == &c, "a handler runs where it belongs");
        expect(!(gone_ && i == 1), "no handler runs after its context is gone");
        expect(permit.weight() == (error ? 0 : shape_.weights.at(i)), "a permit, or an error");
        if (error) {
            line_.erase(std::find(line_.begin(), line_.end(), i));
            if (error == asio::error::operation_aborted)
                expect(x.cancelled, "only what was cancelled ends as cancelled");
            else if (error == weir::errc::timed_out)
                expect(shape_.deadlines && world_.now() >= one_second, "when it is time");
            else if (error == weir::errc::too_large)
                expect(shape_.weights.at(i) > least_, "too large is reported only for too much");
            else
                expect(error == weir::errc::closed && closed_,
                       "closed is reported only when it is closed");
            return;
        }
        if (semaphore_) {
            expect(semaphore_->in_use() <= most_, "no more permits than there are");
            x.granted_by_then = released_ + semaphore_->in_use();
        }
        const auto let_go = [this](weir::permit held) {
            released_ += held.weight();
            held.release();
        };
        if (shape_.deadlines)
            weir::async_sleep_for(c.get_executor(), 1s,
                                  [let_go, held = std::move(permit)](weir::error_code) mutable {
                                      let_go(std::move(held));
                                  });
        else
            asio::post(c.get_executor(),
                       [let_go, held = std::move(permit)]() mutable { let_go(std::move(held)); });
    }

    void cancel(std::size_t i)
    {
        all_[i].cancelled = true;
        all_[i].signal.emit(asio::cancellation_type::total);
    }

    void close()
    {
        closed_ = true;
        semaphore_->close();
    }

    // Waiting needs a reason: one of the waiters asks for more than there is.
    void look() const
    {
        if (!semaphore_ || gone_ || semaphore_->waiters() == 0)
            return;
        const std::size_t room = limit_ - std::min(limit_, semaphore_->in_use());
        bool reason = false;
        for (std::size_t i = 0; i < all_.size(); ++i)
            if (all_[i].asked && all_[i].answers == 0)
                reason = reason || shape_.weights.at(i) > room;
        expect(reason, "no acquire waits while there is room");
    }

    // Grants go to the first waiters in line, leaving out those that gave up.
    void check_order() const
    {
        if (gone_ || shape_.overtakers != 0)
            return; // a dropped waiter does not report that it left
        std::size_t sum = 0;
        for (const std::size_t i : line_) {
            sum += shape_.weights.at(i);
            const std::size_t granted = all_.at(i).granted_by_then;
            expect(granted == 0 || sum <= granted, "first come, first served");
        }
    }

    world& world_;
    const shape shape_;
    std::array<acquirer, 3> all_;
    context home_;
    std::unique_ptr<context> away_;
    std::size_t most_;
    std::size_t least_ = most_;
    std::size_t limit_ = most_;
    std::unique_ptr<weir::semaphore> semaphore_;
    std::vector<std::size_t> line_;
    std::size_t released_ = 0;
    bool closed_ = false;
    bool gone_ = false;
};

void prove_one(const std::string& what, const shape& s, void (*faults)(three_acquirers&),
               const schedules& which = schedules::all())
{
    prove("semaphore {" + std::to_string(s.permits) + " permits, 3 acquirers, " + what + "}", which,
          [&](world& w) {
              three_acquirers x(w, s);
              faults(x);
              x.finish();
          });
}

void prove_each(const std::string& what, void (*faults)(three_acquirers&))
{
    for (const std::size_t permits : {1, 2})
        prove_one(what, shape(permits), faults);
}

void cancel_and_close(three_acquirers& x)
{
    x.cancel_one();
    x.close_it();
}

} // namespace

BOOST_AUTO_TEST_SUITE(semaphore_in_every_order)

BOOST_AUTO_TEST_CASE(cancelled_and_closed)
{
    prove_each("1 canceller, 1 closer", cancel_and_close);
}

BOOST_AUTO_TEST_CASE(destroyed)
{
    prove_each("destroyed", [](three_acquirers& x) { x.destroy_it(); });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed)
{
    prove_each("a context destroyed", [](three_acquirers& x) { x.destroy_a_context(); });
}

BOOST_AUTO_TEST_CASE(resized_and_cancelled)
{
    prove_each("1 canceller, resized to 1", [](three_acquirers& x) {
        x.cancel_one();
        x.resize_to(1);
    });
    prove_each("1 canceller, resized to 3", [](three_acquirers& x) {
        x.cancel_one();
        x.resize_to(3);
    });
}

BOOST_AUTO_TEST_CASE(weights)
{
    for (const std::size_t overtakers : {0, 1}) {
        shape s(3);
        s.overtakers = overtakers;
        s.weights = {2, 2, 1};
        const std::string name = "weights 2 2 1, " + std::to_string(overtakers) + " overtaker, ";
        prove_one(name + "canceller, closer", s, cancel_and_close);
        prove_one(name + "resized to 1", s, [](three_acquirers& x) { x.resize_to(1); });
    }
}

BOOST_AUTO_TEST_CASE(deadlines)
{
    for (const std::size_t permits : {1, 2}) {
        shape s(permits);
        s.deadlines = true;
        prove_one(
            "deadlines, 4 delays", s, [](three_acquirers&) {}, schedules::delayed(4));
        prove_one(
            "deadlines, cancelled, 4 delays", s, [](three_acquirers& x) { x.cancel_one(); },
            schedules::delayed(4));
    }
}

BOOST_AUTO_TEST_SUITE_END()
