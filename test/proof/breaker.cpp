// Breakers, in every order: a key opens, is probed and closes when it should; no more probes are
// out than there may be; each call that was let through ends, and a refused one does so at once.
#include "proof/prove.hpp"

#include <weir/policy/breaker.hpp>
#include <weir/policy/with_breaker.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::breaker_state;
using weir::time_point;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::prove;

namespace {

using breaker = weir::breaker<int>;

enum class ending { given_up, good, failed };
enum class entry { refused, ordinary, probe };

/// What a breaker should do with the calls to one key: a plain reading of its documentation.
class host {
public:
    breaker_state state(time_point now) const
    {
        return state_ == breaker_state::open && now >= until_ ? breaker_state::half_open : state_;
    }
    bool refuses(const weir::breaker_options& options, time_point now) const
    {
        if (state_ == breaker_state::closed || now >= until())
            return false;
        return state_ == breaker_state::open || is_full(options);
    }
    time_point until() const { return probes_.empty() ? until_ : probes_.front().until; }
    bool is_broken() const { return state_ != breaker_state::closed; }
    bool is_in_trouble() const
    {
        const auto is_bad = [](const call& c) { return c.failed || c.slow; };
        return is_broken() || std::any_of(latest_.begin(), latest_.end(), is_bad);
    }

    entry asked(std::size_t id, const weir::breaker_options& options, time_point now)
    {
        if (state_ == breaker_state::closed)
            return entry::ordinary;
        if (state_ == breaker_state::open) {
            if (now < until_)
                return entry::refused;
            state_ = breaker_state::half_open;
            good_ = 0;
        } else if (is_full(options)) {
            const auto hangs = [now](const probe& p) { return now >= p.until; };
            if (std::erase_if(probes_, hangs) == 0)
                return entry::refused;
        }
        probes_.push_back({id, now + options.open_for()});
        return entry::probe;
    }

    void ended(std::size_t id, entry how, ending e, bool slow, const weir::breaker_options& options,
               time_point now)
    {
        const bool failed = e == ending::failed;
        if (how == entry::ordinary) {
            if (state_ == breaker_state::closed && e != ending::given_up)
                count({failed, slow}, options, now);
        } else if (state_ == breaker_state::half_open &&
                   std::erase_if(probes_, [id](const probe& p) { return p.id == id; }) != 0) {
            if (e != ending::given_up && (failed || slow))
                open(options, now);
            else if (e == ending::good && ++good_ == options.probes())
                state_ = breaker_state::closed;
        }
    }

private:
    struct call {
        bool failed;
        bool slow;
    };
    struct probe {
        std::size_t id;
        time_point until; // it should have ended
    };

    bool is_full(const weir::breaker_options& options) const
    {
        return probes_.size() + good_ == options.probes();
    }
    void count(call c, const weir::breaker_options& options, time_point now)
    {
        latest_.push_back(c);
        if (latest_.size() > options.window())
            latest_.erase(latest_.begin());
        const auto failed = std::count_if(latest_.begin(), latest_.end(),
                                          [](const call& each) { return each.failed; });
        const auto slow = std::count_if(latest_.begin(), latest_.end(),
                                        [](const call& each) { return each.slow; });
        if (static_cast<std::size_t>(failed) >= options.failures() ||
            static_cast<std::size_t>(slow) >= options.slow_calls())
            open(options, now);
    }
    void open(const weir::breaker_options& options, time_point now)
    {
        state_ = breaker_state::open;
        until_ = now + options.open_for();
        probes_.clear();
        latest_.clear();
    }

    breaker_state state_ = breaker_state::closed;
    std::vector<call> latest_;
    std::vector<probe> probes_; // under way, those that count
    std::size_t good_ = 0;
    time_point until_;
};

struct shape {
    std::size_t probes = 1;
    bool broken = false;     // key 0 has been until now
    std::size_t bad = 0;     // so many calls to each key fail, the first ones
    std::size_t dropped = 0; // so many more are given up
    std::array<int, 3> keys{0, 0, 1};
    weir::duration length{};  // of a call; none is a step
    weir::duration pause{};   // between the calls of one caller
    bool slow_is_bad = false; // what takes as long as a key stays open
};

/// Three callers over two contexts: two of two calls, and one of one. A key stays open for a
/// second. The second caller is in the other context, and is the one that is cancelled.
class three_callers {
public:
    three_callers(world& w, const shape& s)
        : world_(w), shape_(s), options_(options_for(s)), home_(std::make_unique<context>(w)),
          away_(std::make_unique<context>(w)), breaker_(std::make_unique<breaker>(options_))
    {
        for (std::size_t i = 0; s.broken && i < options_.failures(); ++i) {
            const time_point before = world_.now() - options_.open_for();
            breaker_->try_enter(0, before).failed(before);
            (void)hosts_[0].asked(i, options_, before);
            hosts_[0].ended(i, entry::ordinary, ending::failed, false, options_, before);
        }
    }

    /// Callers are coroutines, with `with_breaker` around each call.
    void call_with_breaker()
    {
        const auto ended = [](std::exception_ptr error) {
            if (error && weir::detail::code_of(error) != asio::error::operation_aborted)
                std::rethrow_exception(error);
        };
        for (std::size_t i = 0; i < all_.size(); ++i)
            asio::co_spawn(of(i).get_executor(), caller(i),
                           asio::bind_cancellation_slot(all_[i].signal.slot(), ended));
    }
    /// Callers take passes, which end in the other context.
    void call_by_hand()
    {
        for (std::size_t i = 0; i < all_.size(); ++i)
            asio::post(of(i).get_executor(), [this, i] { enter_by_hand(i); });
    }

    void cancel_one()
    {
        of(1).at_some_step([this] {
            all_[1].cancelled = true;
            if (all_[1].begun) // before that, Asio 1.81 loses a coroutine that is cancelled
                all_[1].signal.emit(asio::cancellation_type::terminal);
        });
    }
    void destroy_it()
    {
        world_.at_some_step([this] { breaker_.reset(); });
    }
    void destroy_a_context()
    {
        world_.at_some_step([this] { away_.reset(); });
    }

    void finish()
    {
        while (world_.run_one())
            look();
        world_.run_to_end();
        expect(under_way_.empty(), "every call that was let through ends");
        expect(asked_ == let_in_ + refused_, "a call is let through, or refused");
        if (breaker_)
            expect(breaker_->refused() == refused_, "what was refused is counted");
        if (breaker_ && away_ && !all_[1].cancelled)
            expect(asked_ == 5, "every caller has made its calls");
    }

private:
    struct one_caller {
        asio::cancellation_signal signal;
        bool begun = false;
        bool cancelled = false;
        int calls = 0;
    };

    struct passage {
        std::size_t id;
        int key;
        entry how;
        time_point began;
        bool probes = false; // by what the breaker says
    };

    /// A call that was let through: what becomes of it, and that it ends once. If it is destroyed
    /// with its context, it was given up.
    class presence {
    public:
        presence(three_callers& of, const passage& p) : of_(&of), passage_(p)
        {
            of_->under_way_.push_back(p);
        }
        presence(presence&& other) noexcept
            : of_(std::exchange(other.of_, nullptr)), passage_(other.passage_), how_(other.how_)
        {
        }
        ~presence()
        {
            if (of_ != nullptr)
                of_->left(passage_, how_);
        }
        void ends(ending how) noexcept { how_ = how; }

    private:
        three_callers* of_;
        passage passage_;
        ending how_ = ending::given_up;
    };

    static weir::breaker_options options_for(const shape& s)
    {
        weir::breaker_options made;
        made.window(3).failures(2).open_for(1s).probes(s.probes);
        if (s.slow_is_bad)
            made.slow(1s, 2);
        return made;
    }

    std::unique_ptr<context>& place_of(std::size_t i) { return i == 1 ? away_ : home_; }
    context& of(std::size_t i) { return *place_of(i); }
    static int calls_of(std::size_t i) { return i == 2 ? 1 : 2; }
    host& host_of(int key) { return hosts_.at(static_cast<std::size_t>(key)); }
    ending plan_for(int key)
    {
        const std::size_t n = ++begun_.at(static_cast<std::size_t>(key));
        if (n <= shape_.bad)
            return ending::failed;
        return n <= shape_.bad + shape_.dropped ? ending::given_up : ending::good;
    }

    // ---- a call

    passage asks(std::size_t i)
    {
        ++asked_;
        ++all_.at(i).calls;
        const int key = shape_.keys.at(i);
        const std::size_t id = 100 + asked_;
        return {id, key, host_of(key).asked(id, options_, world_.now()), world_.now()};
    }

    void was_let_in(passage& p)
    {
        ++let_in_;
        p.probes = breaker_->state(p.key, world_.now()) == breaker_state::half_open;
        const auto counts = [&](const passage& each) {
            return each.probes && each.key == p.key &&
                   world_.now() < each.began + options_.open_for();
        };
        const auto out = std::count_if(under_way_.begin(), under_way_.end(), counts);
        expect(!p.probes || static_cast<std::size_t>(out) < shape_.probes,
               "no more probes than there may be, but for those that hang");
        expect(p.how != entry::refused, "only what should be let through");
        expect(p.probes == (p.how == entry::probe), "a call to a half-open key is a probe");
    }
    void was_refused(const passage& p)
    {
        ++refused_;
        expect(p.how == entry::refused, "only what should be refused");
    }

    void left(const passage& p, ending how) noexcept
    {
        std::erase_if(under_way_, [&p](const passage& each) { return each.id == p.id; });
        const bool slow = shape_.slow_is_bad && world_.now() >= p.began + options_.slow();
        host_of(p.key).ended(p.id, p.how, how, slow, options_, world_.now());
    }

    asio::awaitable<void> caller(std::size_t i)
    {
        one_caller& x = all_.at(i);
        x.begun = true;
        while (breaker_ && !x.cancelled) {
            co_await call(i);
            if (x.calls == calls_of(i))
                break;
            co_await wait(shape_.pause);
        }
    }

    asio::awaitable<void> call(std::size_t i)
    {
        const passage p = asks(i);
        const std::size_t step = world_.steps();
        auto guarded = weir::with_breaker(*breaker_, p.key, operation(p));
        try {
            co_await std::move(guarded);
        } catch (const weir::system_error& e) {
            if (e.code() == weir::errc::breaker_open) {
                was_refused(p);
                expect(world_.steps() == step, "a refused call ends at once");
            } else if (e.code() == asio::error::operation_aborted) {
                throw;
            } else {
                expect(e.code() == asio::error::connection_refused, "what the operation throws");
            }
        }
    }

    asio::awaitable<void> operation(passage p)
    {
        was_let_in(p);
        presence here(*this, p);
        const ending how = plan_for(p.key);
        co_await wait(shape_.length);
        here.ends(how);
        if (how == ending::given_up)
            throw weir::system_error(asio::error::operation_aborted);
        if (how == ending::failed)
            throw weir::system_error(asio::error::connection_refused);
    }

    asio::awaitable<void> wait(weir::duration length)
    {
        if (length == weir::duration::zero())
            co_await asio::post(asio::use_awaitable);
        else
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, length,
                                           asio::use_awaitable);
    }

    // ---- the same by hand

    struct call_by_hand_that_ends {
        void operator()()
        {
            if (how == ending::good)
                pass.succeeded(of->world_.now());
            else if (how == ending::failed)
                pass.failed(of->world_.now());
            here.ends(how);
            of->again(i);
        }

        three_callers* of;
        std::size_t i;
        ending how;
        breaker::pass pass;
        presence here;
    };

    void enter_by_hand(std::size_t i)
    {
        if (!breaker_)
            return;
        passage p = asks(i);
        auto pass = breaker_->try_enter(p.key, world_.now());
        if (!pass) {
            was_refused(p);
            return again(i);
        }
        was_let_in(p);
        presence here(*this, p);
        const ending how = plan_for(p.key);
        if (const auto& other = i == 1 ? home_ : away_)
            asio::post(other->get_executor(),
                       call_by_hand_that_ends{this, i, how, std::move(pass), std::move(here)});
    }

    void again(std::size_t i)
    {
        if (all_.at(i).calls < calls_of(i) && place_of(i))
            asio::post(of(i).get_executor(), [this, i] { enter_by_hand(i); });
    }

    // ---- after each step

    void look()
    {
        if (!breaker_)
            return;
        const time_point now = world_.now();
        std::size_t broken = 0;
        std::size_t in_trouble = 0;
        for (const int key : {0, 1}) {
            const host& h = host_of(key);
            const breaker_state state = breaker_->state(key, now);
            expect(state == h.state(now), "the state that it should have");
            check_transition(key, state);
            const auto until = breaker_->refuses_until(key, now);
            expect(until.has_value() == h.refuses(options_, now) && (!until || *until == h.until()),
                   "it says until when it refuses calls");
            broken += h.is_broken() ? 1 : 0;
            in_trouble += h.is_in_trouble() ? 1 : 0;
        }
        expect(breaker_->broken() == broken, "the broken are counted");
        expect(breaker_->keys() == in_trouble, "a key without trouble costs nothing");
        expect(breaker_->evicted_open() == 0, "there is room for all");
    }

    void check_transition(int key, breaker_state to)
    {
        const breaker_state from = std::exchange(seen_.at(static_cast<std::size_t>(key)), to);
        expect(!(from == breaker_state::closed && to == breaker_state::half_open),
               "no key is probed that was not open");
        expect(!(from == breaker_state::open && to == breaker_state::closed),
               "no key closes that was not probed");
    }

    world& world_;
    const shape shape_;
    const weir::breaker_options options_;
    std::array<host, 2> hosts_;
    std::array<breaker_state, 2> seen_{
        shape_.broken ? breaker_state::half_open : breaker_state::closed, breaker_state::closed};
    std::array<std::size_t, 2> begun_{};
    std::vector<passage> under_way_;
    std::size_t asked_ = 0;
    std::size_t let_in_ = 0;
    std::size_t refused_ = 0;
    std::array<one_caller, 3> all_;
    std::unique_ptr<context> home_;
    std::unique_ptr<context> away_;
    std::unique_ptr<breaker> breaker_;
};

using faults = void (*)(three_callers&);

void no_fault(three_callers&) {}

void by_hand(const std::string& what, const shape& s, faults f = no_fault)
{
    prove("breaker {3 callers, " + what + "}", schedules::all(), [&](world& w) {
        three_callers x(w, s);
        x.call_by_hand();
        f(x);
        x.finish();
    });
}

void with_breaker(const std::string& what, const shape& s, faults f = no_fault)
{
    prove("with_breaker {3 callers, " + what + "}", schedules::all(), [&](world& w) {
        three_callers x(w, s);
        x.call_with_breaker();
        f(x);
        x.finish();
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(breaker_in_every_order)

BOOST_AUTO_TEST_CASE(opens)
{
    for (const std::size_t bad : {1, 2, 3}) {
        shape s;
        s.bad = bad;
        by_hand(std::to_string(bad) + " bad", s);
    }
}

BOOST_AUTO_TEST_CASE(half_open)
{
    shape s;
    s.broken = true;
    s.keys = {0, 0, 0};
    for (const std::size_t probes : {1, 2}) {
        s.probes = probes;
        const std::string what = "half-open, " + std::to_string(probes) + " probes";
        s.bad = s.dropped = 0;
        by_hand(what, s);
        s.bad = 1;
        by_hand(what + ", 1 bad", s);
        s.bad = 0;
        s.dropped = 1;
        by_hand(what + ", 1 given up", s);
    }
}

BOOST_AUTO_TEST_CASE(struck)
{
    shape s;
    s.broken = true;
    for (const std::size_t probes : {1, 2}) {
        s.probes = probes;
        const std::string what = "half-open, " + std::to_string(probes) + " probes, ";
        by_hand(what + "destroyed", s, [](three_callers& x) { x.destroy_it(); });
        by_hand(what + "a context destroyed", s, [](three_callers& x) { x.destroy_a_context(); });
    }
}

BOOST_AUTO_TEST_CASE(around_coroutines)
{
    shape s;
    s.broken = true;
    for (const std::size_t bad : {0, 1}) {
        s.bad = bad;
        const std::string what = "half-open, " + std::to_string(bad) + " bad, ";
        with_breaker(what + "1 canceller", s, [](three_callers& x) { x.cancel_one(); });
        with_breaker(what + "destroyed", s, [](three_callers& x) { x.destroy_it(); });
        with_breaker(what + "a context destroyed", s,
                     [](three_callers& x) { x.destroy_a_context(); });
    }
}

BOOST_AUTO_TEST_CASE(in_time)
{
    for (const std::size_t bad : {0, 2}) {
        shape s;
        s.bad = bad;
        s.pause = 1s;
        const std::string what = std::to_string(bad) + " bad, ";
        with_breaker(what + "again when it may be probed", s);
        s.broken = true;
        s.length = 1s;
        s.pause = weir::duration::zero();
        with_breaker(what + "half-open, a probe hangs", s);
        with_breaker(what + "half-open, a probe hangs, 1 canceller", s,
                     [](three_callers& x) { x.cancel_one(); });
        s.slow_is_bad = true;
        with_breaker(what + "half-open, slow", s);
    }
}

BOOST_AUTO_TEST_SUITE_END()
