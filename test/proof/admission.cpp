// Several limits taken at once, in every order: what passes when is what a scan of all that wait
// says, in their order, with the claims of those before. So no limit is exceeded, nothing is held
// by a waiter, and none starves.
#include "proof/prove.hpp"

#include <weir/policy/admission.hpp>

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
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

// Places, bytes, a key, and tokens.
struct amounts {
    amounts& operator+=(const amounts& other)
    {
        for (std::size_t i = 0; i < of.size(); ++i)
            of[i] += other.of[i];
        return *this;
    }
    amounts& operator-=(const amounts& other)
    {
        for (std::size_t i = 0; i < of.size(); ++i)
            of[i] -= other.of[i];
        return *this;
    }

    std::array<std::size_t, 4> of{};
};
enum limit_place : std::size_t { places, bytes, key, tokens };

struct shape {
    amounts limits; // of the last, the burst
    std::array<amounts, 4> asks;
    bool together = false; // all arrive in one step
    bool rate = false;     // a token a second
    bool in_parts = false; // the bytes are given back before the rest
};

/// Four acquirers over two contexts. Each holds its pass for one step. The second is in the other
/// context, and is the one that is cancelled.
class four_acquirers {
public:
    four_acquirers(world& w, const shape& s)
        : world_(w), shape_(s), limits_(s.limits), home_(w), away_(std::make_unique<context>(w))
    {
        weir::admission_limits limits;
        places_ = limits.count(limits_.of[places]);
        bytes_ = limits.count(limits_.of[bytes]);
        limits.per_key(limits_.of[key]);
        if (shape_.rate)
            limits.rate(weir::rate::per_second(1), limits_.of[tokens]);
        all_ = std::make_unique<admission>(home_.get_executor(), limits);
        if (shape_.together)
            asio::post(home_.get_executor(), [this] {
                for (std::size_t i = 0; i < every_.size(); ++i)
                    acquire(i);
            });
        else
            for (std::size_t i = 0; i < every_.size(); ++i)
                asio::post(of(i).get_executor(), [this, i] { acquire(i); });
    }

    void cancel_one()
    {
        world_.at_some_step([this] {
            if (gone_)
                return;
            before_a_fault();
            every_[1].cancelled = true;
            if (every_[1].is == state::waits)
                left(1);
            every_[1].signal.emit(asio::cancellation_type::total);
            look();
        });
    }
    void close_it()
    {
        world_.at_some_step([this] {
            before_a_fault();
            close();
            if (all_)
                all_->close();
            look();
        });
    }
    void destroy_it()
    {
        world_.at_some_step([this] {
            before_a_fault();
            close();
            all_.reset();
        });
    }
    void destroy_a_context()
    {
        world_.at_some_step([this] {
            before_a_fault();
            gone_ = true;
            if (every_[1].is == state::granted)
                give_back(1, every_[1].holds);
            left(1);
            away_.reset();
            look();
        });
    }
    void resize_to(limit_place which, std::size_t limit)
    {
        world_.at_some_step([this, which, limit] {
            limits_.of.at(which) = limit;
            for (std::size_t i = 0; i < every_.size(); ++i)
                if (every_[i].is == state::waits && too_large(i)) {
                    every_[i].is = state::refused;
                    left_line(i);
                }
            pass();
            const auto most = limit == 0 ? weir::paused : weir::limit(limit);
            if (which == key)
                all_->resize_keys(most);
            else
                all_->resize(which == places ? places_ : bytes_, most);
            look();
        });
    }

    void finish()
    {
        while (world_.run_one()) {
            if (shape_.rate)
                pass(); // it may be time
            look();
        }
        world_.run_to_end();
        for (std::size_t i = 0; i < every_.size(); ++i) {
            const acquirer& x = every_[i];
            if (gone_ && i == 1)
                expect(x.answers <= 1, "an acquire has at most one answer");
            else
                expect(x.answers == (x.asked ? 1 : 0), "an acquire has exactly one answer");
        }
        if (all_) {
            expect(all_->in_use(places_) == 0, "every place has come back");
            expect(all_->in_use(bytes_) == 0, "all bytes have come back");
            expect(all_->keys() == 0, "an idle key is forgotten");
            expect(all_->waiters() == 0, "no acquire waits at the end");
        }
        if (shape_.rate && !tainted_)
            expect(spent_ <= limits_.of[tokens] + seconds(), "no more than the rate");
    }

    /// Without a fault: it took no longer than the tokens do.
    void check_time() const
    {
        expect(seconds() == spent_ - limits_.of[tokens], "tokens are had when they come");
    }

private:
    using admission = weir::admission<int>;
    enum class state { away, waits, granted, refused, closed, done };

    struct acquirer {
        asio::cancellation_signal signal;
        state is = state::away;
        amounts holds;
        bool asked = false;
        bool cancelled = false;
        int answers = 0;
    };

    context& of(std::size_t i) { return i == 1 ? *away_ : home_; }
    std::size_t seconds() const
    {
        return static_cast<std::size_t>((world_.now() - world_.began()) / 1s);
    }

    void acquire(std::size_t i)
    {
        if (!all_ || (gone_ && i == 1))
            return;
        const amounts& a = shape_.asks.at(i);
        weir::admission_request<int> r;
        if (a.of[places] != 0)
            r.take(places_, a.of[places]);
        if (a.of[bytes] != 0)
            r.take(bytes_, a.of[bytes]);
        if (a.of[key] != 0)
            r.key(7, a.of[key]);
        if (a.of[tokens] != 0)
            r.tokens(a.of[tokens]);
        acquirer& x = every_[i];
        x.asked = true;
        if (closed_) {
            x.is = state::closed;
        } else if (too_large(i)) {
            x.is = state::refused;
        } else {
            x.is = state::waits;
            line_.push_back(i);
            pass();
        }
        const auto handler = [this, i](weir::error_code error, weir::admission_pass<int> p) {
            answered(i, error, std::move(p));
        };
        all_->async_acquire(
            r, asio::bind_cancellation_slot(x.signal.slot(),
                                            asio::bind_executor(of(i).get_executor(), handler)));
    }

    void answered(std::size_t i, weir::error_code error, weir::admission_pass<int> p)
    {
        acquirer& x = every_[i];
        ++x.answers;
        expect(!(gone_ && i == 1), "no handler runs after its context is gone");
        expect(world_.running() == &of(i), "a handler runs where it belongs");
        expect(bool(p) == !error, "a pass, or an error");
        if (tainted_)
            return hold(i, std::move(p));
        if (error == asio::error::operation_aborted)
            return expect(x.cancelled && x.is == state::done, "only what was cancelled");
        if (error == weir::errc::too_large)
            return expect(x.is == state::refused, "only what is too large");
        if (error == weir::errc::closed)
            return expect(x.is == state::closed, "closed is reported only when it is closed");
        expect(!error && x.is == state::granted, "it passes when it fits after earlier claims");
        const amounts& a = shape_.asks.at(i);
        expect(p.amount(places_) == a.of[places] && p.amount(bytes_) == a.of[bytes] &&
                   p.key_amount() == a.of[key],
               "what was asked for");
        if (shape_.in_parts && a.of[bytes] != 0) {
            amounts part;
            part.of[bytes] = a.of[bytes];
            give_back(i, part);
            p.split(bytes_, a.of[bytes]).release();
            look();
        }
        hold(i, std::move(p));
    }

    void hold(std::size_t i, weir::admission_pass<int> p)
    {
        asio::post(of(i).get_executor(), [this, i, held = std::move(p)]() mutable {
            if (!tainted_)
                give_back(i, every_[i].holds);
            every_[i].is = state::done;
            held.release();
        });
    }

    // ---- what should be

    // It is time for a token, and the timer's step is still to come: the fault may be first.
    void before_a_fault()
    {
        if (shape_.rate && all_ && all_->waiters() != line_.size())
            tainted_ = true;
    }

    bool too_large(std::size_t i) const
    {
        for (std::size_t k = 0; k < limits_.of.size(); ++k)
            if (limits_.of[k] != 0 && shape_.asks.at(i).of[k] > limits_.of[k])
                return true;
        return false;
    }

    void left_line(std::size_t i) { std::erase(line_, i); }
    void left(std::size_t i)
    {
        every_[i].is = state::done;
        left_line(i);
        pass();
    }
    void give_back(std::size_t i, amounts part)
    {
        every_[i].holds -= part;
        part.of[tokens] = 0;
        in_use_ -= part;
        pass();
    }
    void close()
    {
        closed_ = true;
        for (const std::size_t i : line_)
            every_[i].is = state::closed;
        line_.clear();
    }

    void pass()
    {
        there_ = std::min(limits_.of[tokens], there_ + seconds() - seen_);
        seen_ = seconds();
        while (pass_one())
            continue;
    }
    bool pass_one()
    {
        amounts claimed;
        for (const std::size_t i : line_) {
            const amounts& a = shape_.asks.at(i);
            bool fits = true;
            for (std::size_t k = 0; k < tokens; ++k)
                fits = fits &&
                       (a.of[k] == 0 || in_use_.of[k] + claimed.of[k] + a.of[k] <= limits_.of[k]);
            fits = fits && (a.of[tokens] == 0 || claimed.of[tokens] + a.of[tokens] <= there_);
            if (fits) {
                in_use_ += a;
                spent_ += a.of[tokens];
                there_ -= a.of[tokens];
                in_use_.of[tokens] = 0;
                every_[i].holds = a;
                every_[i].holds.of[tokens] = 0;
                every_[i].is = state::granted;
                left_line(i);
                return true;
            }
            claimed += a;
        }
        return false;
    }

    // The timer's step may be still to come, though it is time for it: with a rate there may be
    // less in use by then.
    void look() const
    {
        if (!all_ || tainted_)
            return;
        if (shape_.rate) {
            expect(all_->in_use(places_) <= in_use_.of[places], "no place is taken too early");
            expect(all_->in_use(bytes_) <= in_use_.of[bytes], "no byte is taken too early");
            return;
        }
        expect(all_->in_use(places_) == in_use_.of[places], "places are as they should be");
        expect(all_->in_use(bytes_) == in_use_.of[bytes], "bytes are as they should be");
        expect(all_->in_use(7) == in_use_.of[key], "the key is as it should be");
        expect(all_->waiters() == line_.size(), "only those wait that have to");
    }

    world& world_;
    const shape shape_;
    amounts limits_;
    std::array<acquirer, 4> every_;
    context home_;
    std::unique_ptr<context> away_;
    weir::admission_count places_ = weir::admission_limits().count(1);
    weir::admission_count bytes_ = places_;
    std::unique_ptr<admission> all_;
    std::vector<std::size_t> line_; // of those that wait, by arrival
    amounts in_use_;
    std::size_t spent_ = 0;
    std::size_t there_ = limits_.of[tokens];
    std::size_t seen_ = 0; // by when, in seconds
    bool closed_ = false;
    bool gone_ = false;
    bool tainted_ = false; // what should be is not known any more
};

// Two that want each other's limits, one that wants all, one that wants little.
shape crossed()
{
    shape s;
    s.limits = {{1, 2, 1}};
    s.asks = {{{{1, 1, 0}}, {{1, 2, 1}}, {{0, 1, 1}}, {{0, 1, 0}}}};
    return s;
}

// Two fit at a time, of the right ones.
shape wider()
{
    shape s;
    s.limits = {{2, 3, 1}};
    s.asks = {{{{1, 2, 0}}, {{1, 1, 1}}, {{0, 2, 1}}, {{2, 0, 0}}}};
    return s;
}

shape with_tokens()
{
    shape s;
    s.limits = {{1, 2, 1, 2}};
    s.asks = {{{{1, 0, 0, 1}}, {{1, 1, 0, 2}}, {{0, 2, 0, 0}}, {{1, 0, 1, 1}}}};
    s.rate = true;
    return s;
}

void prove_one(const std::string& what, const shape& s, void (*faults)(four_acquirers&),
               const schedules& which = schedules::all())
{
    prove("admission {4 acquirers, " + what + "}", which, [&](world& w) {
        four_acquirers x(w, s);
        faults(x);
        x.finish();
    });
}

void prove_each(const std::string& what, void (*faults)(four_acquirers&))
{
    prove_one("crossed, " + what, crossed(), faults);
    prove_one("wider, " + what, wider(), faults);
}

// For two faults: they arrive in their order, except in the long form. What comes afterwards does
// so in every order.
void prove_each_together(const std::string& what, void (*faults)(four_acquirers&))
{
    for (shape s : {crossed(), wider()}) {
        s.together = true;
        const std::string name = s.limits.of[places] == 1 ? "crossed" : "wider";
        prove_one(name + " and together, " + what, s, faults);
    }
    if (weir::test::is_long())
        prove_each(what, faults);
}

} // namespace

BOOST_AUTO_TEST_SUITE(admission_in_every_order)

BOOST_AUTO_TEST_CASE(four_acquirers_of_two_counts_and_a_key)
{
    prove_each("no fault", [](four_acquirers&) {});
    shape parts = crossed();
    parts.in_parts = true;
    prove_one("crossed, given back in parts", parts, [](four_acquirers&) {});
}

BOOST_AUTO_TEST_CASE(cancelled_and_closed)
{
    prove_each_together("1 canceller, 1 closer", [](four_acquirers& x) {
        x.cancel_one();
        x.close_it();
    });
}

BOOST_AUTO_TEST_CASE(destroyed)
{
    prove_each("destroyed", [](four_acquirers& x) { x.destroy_it(); });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed)
{
    prove_each("a context destroyed", [](four_acquirers& x) { x.destroy_a_context(); });
}

BOOST_AUTO_TEST_CASE(resized_and_cancelled)
{
    prove_each_together("1 canceller, 1 byte", [](four_acquirers& x) {
        x.cancel_one();
        x.resize_to(bytes, 1);
    });
    prove_each_together("1 canceller, 2 bytes", [](four_acquirers& x) {
        x.cancel_one();
        x.resize_to(bytes, 2);
    });
    prove_each_together("1 canceller, 3 places", [](four_acquirers& x) {
        x.cancel_one();
        x.resize_to(places, 3);
    });
    prove_each_together("1 canceller, 2 of a key", [](four_acquirers& x) {
        x.cancel_one();
        x.resize_to(key, 2);
    });
}

BOOST_AUTO_TEST_CASE(the_rate_apart)
{
    prove("admission {4 acquirers, tokens}", schedules::all(), [](world& w) {
        four_acquirers x(w, with_tokens());
        x.finish();
        x.check_time();
    });
    prove_one("tokens, cancelled", with_tokens(), [](four_acquirers& x) { x.cancel_one(); });
    prove_one("tokens, closed", with_tokens(), [](four_acquirers& x) { x.close_it(); });
    prove_one("tokens, a context destroyed", with_tokens(),
              [](four_acquirers& x) { x.destroy_a_context(); });
}

BOOST_AUTO_TEST_SUITE_END()
