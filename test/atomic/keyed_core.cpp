#include <weir/policy/detail/keyed_core.hpp>

#include "explored_atomics.hpp"
#include "scope.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::detail::key_verdict;
using weir::detail::keyed_result;
using weir::test::every_order;
using weir::test::explorer;
using weir::test::given_back;
using weir::test::owners;

BOOST_AUTO_TEST_SUITE(keyed_core)

using rule = weir::detail::keyed_core<int, std::hash<int>, weir::test::explored_atomics>;
using place = rule::place;

constexpr weir::time_point start = weir::time_point{} + 1h;

// Its clock is set by the scenario; a thread of it does what the timer would.
class core final : public rule {
public:
    core(std::size_t limit, std::optional<std::size_t> wide)
        : rule(weir::key_options(limit).max_hold(1min), wide)
    {
    }
    core(const core&) = delete;
    ~core()
    {
        if (gone != nullptr)
            ++*gone;
    }
    weir::time_point time = start;
    int* gone = nullptr;

private:
    weir::time_point now() const noexcept override { return time; }
    void tick_changed() noexcept override {}
};

struct shape {
    std::size_t limit = 1;
    std::optional<std::size_t> wide;
    std::vector<int> keys = {1, 1, 2}; // what each acquirer wants
};

struct scene {
    scene(explorer& e, const shape& s) : run(e), highest(s.limit), wide(s.wide.value_or(100))
    {
        semaphore = given_back<core>(memory, s.limit, s.wide);
    }

    explorer& run;
    std::shared_ptr<void> memory;
    std::shared_ptr<core> semaphore;
    std::size_t highest, wide;
    std::array<std::size_t, 4> in_use{};
    bool held = false; // and nothing of key 1 may go
    std::size_t probes = 0;
    bool cancel[4] = {};
};

struct acquirer final : core::node {
    acquirer(std::uint32_t its_hash, std::size_t w) : core::node(its_hash, w) {}
    void settled(keyed_result result) noexcept override
    {
        twice = how.has_value();
        how = result;
        wake_up.post();
    }

    std::optional<keyed_result> how;
    bool twice = false;
    weir::test::explored_post wake_up;
};

// An acquire, and a moment of holding the permit.
void acquire_and_release(const std::shared_ptr<scene>& s, std::size_t me, int key)
{
    core& semaphore = *s->semaphore;
    acquirer node(semaphore.hash_of(key), 1);
    keyed_result how = semaphore.park(node, key);
    if (how == keyed_result::parked) {
        s->run.wait_until([&] { return node.how.has_value() || s->cancel[me]; });
        if (!node.how && semaphore.unpark(node))
            return;
        s->run.wait_until([&] { return node.how.has_value(); });
        node.wake_up.run();
        how = *node.how;
    }
    s->run.check(!node.twice, "a node was settled twice");
    s->run.check(how == keyed_result::granted || how == keyed_result::closed ||
                     how == keyed_result::held_too_long,
                 "a node was settled with nonsense");
    if (how != keyed_result::granted)
        return;
    const place at = node.granted;
    s->run.check(at.entry != nullptr && at.entry->key == key, "a permit of another key");
    const auto mine = static_cast<std::size_t>(key);
    ++s->in_use[mine];
    s->probes += at.probe != 0;
    s->run.check(s->in_use[mine] <= s->highest, "more of a key is in use than its limit");
    s->run.check(s->in_use[1] + s->in_use[2] <= s->wide, "more is in use than the wide limit");
    s->run.check(s->probes <= 1 && (at.probe == 0 || s->in_use[1] == 1), "a probe has company");
    explorer::point();
    --s->in_use[mine];
    s->probes -= at.probe != 0;
    semaphore.release(at, key_verdict::succeeded);
}

using other_thread = std::function<void(scene&)>;

void explore(const std::string& what, const shape& shaped, std::vector<other_thread> others = {},
             unsigned preemptions = 2, const other_thread& before = nullptr)
{
    const std::string name =
        "keyed " + (shaped.wide ? "wide " + std::to_string(*shaped.wide) + ", " : std::string()) +
        what;
    const auto scenario = [=](explorer& e) {
        auto s = std::make_shared<scene>(e, shaped);
        if (before)
            before(*s);
        for (std::size_t i = 0; i < shaped.keys.size(); ++i)
            e.thread([s, i, key = shaped.keys[i]] { acquire_and_release(s, i, key); });
        for (const auto& other : others)
            e.thread([s, other] { other(*s); });
        return [s] {
            core& c = *s->semaphore;
            s->run.check(c.in_use() == 0, "a permit was lost, or invented");
            s->run.check(c.waiters() == 0, "a node is still in line");
            s->run.check(s->held || c.keys() == 0, "an idle key was kept");
            if (c.is_closed() || s->held)
                return;
            for (std::size_t i = 0; i < std::min<std::size_t>(s->wide, 2); ++i)
                s->run.check(c.try_acquire(7 + int(i), c.hash_of(7 + int(i)), 1).first ==
                                 keyed_result::granted,
                             "a place of the wide limit was lost");
        };
    };
    every_order(name, scenario, preemptions);
}

// Without a wide limit, with one that two fit, and with one for a single one.
void explore_each(const std::string& what, const std::vector<other_thread>& others,
                  unsigned preemptions = 2, const other_thread& before = nullptr)
{
    for (const std::optional<std::size_t> wide :
         {std::optional<std::size_t>(), std::optional<std::size_t>(2),
          std::optional<std::size_t>(1)}) {
        shape s;
        s.wide = wide;
        explore(what, s, others, preemptions, before);
    }
}

BOOST_AUTO_TEST_CASE(acquirers)
{
    shape s;
    s.keys = {1, 1};
    explore("two of one key", s);
    s.wide = 2;
    explore("two of one key", s);
    s.wide = 1;
    s.keys = {1, 2};
    explore("two keys", s);
    explore_each("three acquirers", {});
}

BOOST_AUTO_TEST_CASE(with_a_canceller)
{
    explore_each("three acquirers, one cancelled", {[](scene& s) { s.cancel[1] = true; }});
}

BOOST_AUTO_TEST_CASE(with_a_closer)
{
    explore_each("three acquirers, closed", {[](scene& s) { s.semaphore->close(); }});
}

BOOST_AUTO_TEST_CASE(with_other_limits)
{
    shape s;
    s.keys = {1, 1};
    const auto narrow = [](scene& x) {
        x.highest = 2;
        x.semaphore->resize(2);
    };
    explore("limit 1 becomes 2", s, {narrow});
    s.wide = 1;
    s.keys = {1, 2};
    const auto wide = [](scene& x) {
        x.wide = 2;
        x.semaphore->resize_wide(2);
    };
    explore("becomes 2", s, {wide});
    s.wide = 2;
    const auto override_it = [](scene& x) {
        x.held = true; // it is kept
        (void)x.semaphore->override_key(1, weir::limit(1), 1, weir::time_point::max());
    };
    explore("a key is overridden", s, {override_it});
}

BOOST_AUTO_TEST_CASE(with_holds)
{
    const auto hold = [](scene& s) {
        s.held = true;
        (void)s.semaphore->hold(1, start + 1s);
    };
    // The timer, once time has come.
    const auto pass = [](scene& s) {
        s.semaphore->time = start + 2s;
        s.semaphore->tick(start + 2s);
    };
    explore_each("three acquirers after a hold", {pass}, 1, hold);
    const auto hold_and_pass = [hold, pass](scene& s) {
        hold(s);
        pass(s);
    };
    explore_each("three acquirers, held in the middle", {hold_and_pass}, 1);
    const auto resume = [](scene& s) { s.semaphore->resume(1); };
    explore_each("three acquirers, resumed", {resume}, 1, hold);
    const auto too_long = [](scene& s) {
        s.held = true;
        (void)s.semaphore->hold(1, start + 1h);
    };
    explore_each("three acquirers, held for too long", {too_long}, 1);
}

// The operation of a waiter: it owns the core until it is settled.
void wait_and_release(explorer& run, std::shared_ptr<core> own, int key)
{
    core& semaphore = *own;
    acquirer node(semaphore.hash_of(key), 1);
    keyed_result how = semaphore.park(node, key);
    if (how == keyed_result::parked) {
        run.wait_until([&] { return node.how.has_value(); });
        node.wake_up.run();
        how = *node.how;
    }
    own.reset();
    if (how == keyed_result::granted)
        semaphore.release(node.granted, key_verdict::succeeded);
}

void explore_the_end(const std::string& name, std::optional<std::size_t> wide, bool one_waits)
{
    every_order(name, [=](explorer& e) {
        auto memory = std::make_shared<std::shared_ptr<void>>();
        auto gone = std::make_shared<int>(0);
        auto owner = std::make_shared<std::shared_ptr<core>>(
            one_waits // and shares in it: the count orders the last owner
                ? given_back<core>(*memory, std::size_t{1}, wide)
                : given_back<core, owners::one>(*memory, std::size_t{1}, wide));
        core* const semaphore = owner->get();
        semaphore->gone = gone.get();
        for (const int key : {1, 2}) {
            const auto got = semaphore->try_acquire(key, semaphore->hash_of(key), 1);
            e.check(got.first == keyed_result::granted, "there was no room");
            e.thread(
                [semaphore, at = got.second] { semaphore->release(at, key_verdict::succeeded); });
        }
        e.thread([owner] {
            (*owner)->close();
            core::outlive(std::move(*owner));
        });
        if (one_waits)
            e.thread([&e, own = *owner]() mutable {
                wait_and_release(e, std::exchange(own, nullptr), 1);
            });
        return [memory, gone, &e] { e.check(*gone == 1, "the core did not go, or twice"); };
    });
}

BOOST_AUTO_TEST_CASE(it_goes_with_its_owner_and_the_last_permit)
{
    explore_the_end("keyed, given up, two release", {}, false);
    explore_the_end("keyed wide 2, given up, two release", 2, false);
    explore_the_end("keyed, given up, two release, one waits", {}, true);
    explore_the_end("keyed wide 2, given up, two release, one waits", 2, true);
}

BOOST_AUTO_TEST_SUITE_END()
