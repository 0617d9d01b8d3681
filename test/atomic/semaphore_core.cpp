#include <weir/sync/detail/semaphore_core.hpp>

#include "explored_atomics.hpp"
#include "scope.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using weir::detail::acquire_result;
using weir::test::every_order;
using weir::test::explorer;

BOOST_AUTO_TEST_SUITE(semaphore_core)

using core = weir::detail::semaphore_core<weir::test::explored_atomics>;

struct scene {
    scene(explorer& e, std::size_t limit, std::size_t overtakers = 0)
        : run(e), semaphore(limit, overtakers)
    {
    }

    explorer& run;
    core semaphore;
    std::size_t in_use = 0;
    std::size_t highest_limit = 0;
    std::vector<int> granted; // in their order
    bool cancel[4] = {};
};

struct acquirer final : core::node {
    explicit acquirer(std::size_t w) : core::node(w) {}
    void settled(acquire_result result) noexcept override
    {
        twice = how.has_value();
        how = result;
        wake_up.post();
    }

    std::optional<acquire_result> how;
    bool twice = false;
    weir::test::explored_post wake_up;
};

// What an acquire does, and a moment of holding the permit. `cancel[me]` asks it to give up.
void acquire_and_release(const std::shared_ptr<scene>& s, int me, std::size_t weight)
{
    acquirer node(weight);
    acquire_result how = s->semaphore.try_acquire(weight);
    if (how == acquire_result::full) {
        how = s->semaphore.park(node);
        if (how == acquire_result::parked) {
            s->run.wait_until([&] { return node.how.has_value() || s->cancel[me]; });
            if (!node.how && s->semaphore.unpark(node))
                return;
            s->run.wait_until([&] { return node.how.has_value(); });
            node.wake_up.run();
            how = *node.how;
        }
    }
    s->run.check(!node.twice, "a node was settled twice");
    s->run.check(how != acquire_result::full && how != acquire_result::parked,
                 "a node was settled with nonsense");
    if (how != acquire_result::granted)
        return;
    s->granted.push_back(me);
    s->in_use += weight;
    s->run.check(s->in_use <= s->highest_limit, "more is in use than the limit");
    explorer::point();
    s->in_use -= weight;
    s->semaphore.release(weight);
}

void explore_acquires(const std::string& name, std::size_t limit, std::vector<std::size_t> weights,
                      std::function<void(scene&)> other, std::size_t overtakers = 0,
                      std::size_t highest = 0)
{
    every_order(name, [=](explorer& e) {
        auto s = std::make_shared<scene>(e, limit, overtakers);
        s->highest_limit = std::max(limit, highest);
        for (std::size_t i = 0; i < weights.size(); ++i)
            e.thread([s, i, w = weights[i]] { acquire_and_release(s, static_cast<int>(i), w); });
        if (other)
            e.thread([s, other] { other(*s); });
        return [s] {
            s->run.check(s->semaphore.in_use() == 0, "a permit was lost, or invented");
            s->run.check(s->semaphore.waiters() == 0, "a node is still in line");
        };
    });
}

BOOST_AUTO_TEST_CASE(three_acquirers)
{
    explore_acquires("semaphore 1, three acquirers", 1, {1, 1, 1}, nullptr);
    explore_acquires("semaphore 2, three acquirers", 2, {1, 1, 1}, nullptr);
    explore_acquires("semaphore 3, weights 2, 2, 1", 3, {2, 2, 1}, nullptr);
    explore_acquires("semaphore 3, weights 2, 3, 1, one may overtake", 3, {2, 3, 1}, nullptr, 1);
}

BOOST_AUTO_TEST_CASE(with_a_canceller)
{
    const auto cancel = [](scene& s) { s.cancel[1] = true; };
    explore_acquires("semaphore 1, three acquirers, one cancelled", 1, {1, 1, 1}, cancel);
    explore_acquires("semaphore 2, weights 1, 2, 1, the large one cancelled", 2, {1, 2, 1}, cancel);
}

BOOST_AUTO_TEST_CASE(with_a_closer)
{
    const auto close = [](scene& s) { s.semaphore.close(); };
    explore_acquires("semaphore 1, three acquirers, closed", 1, {1, 1, 1}, close);
    explore_acquires("semaphore 2, weights 1, 2, 1, closed", 2, {1, 2, 1}, close);
}

BOOST_AUTO_TEST_CASE(with_a_new_limit)
{
    explore_acquires(
        "semaphore 1 becomes 2", 1, {1, 1, 1}, [](scene& s) { s.semaphore.resize(2); }, 0, 2);
    explore_acquires("semaphore 2 becomes 1, weights 1, 2", 2, {1, 2},
                     [](scene& s) { s.semaphore.resize(1); });
    explore_acquires(
        "semaphore paused becomes 1", 0, {1, 1}, [](scene& s) { s.semaphore.resize(1); }, 0, 1);
}

BOOST_AUTO_TEST_CASE(the_first_parked_waiter_is_granted_first)
{
    every_order("semaphore 1, two in line, a third who tries", [](explorer& e) {
        auto s = std::make_shared<scene>(e, 1);
        auto first = std::make_shared<acquirer>(1);
        auto second = std::make_shared<acquirer>(1);
        auto order = std::make_shared<std::vector<int>>();
        e.check(s->semaphore.try_acquire(1) == acquire_result::granted,
                "the first was not granted");
        e.check(s->semaphore.park(*first) == acquire_result::parked, "there was room");
        e.check(s->semaphore.park(*second) == acquire_result::parked, "there was room");
        e.thread([s] { s->semaphore.release(1); });
        e.thread([s, order] {
            if (s->semaphore.try_acquire(1) == acquire_result::granted)
                order->push_back(3);
        });
        return [=] {
            s->run.check(order->empty(), "a newcomer overtook a waiter");
            s->run.check(first->how == acquire_result::granted, "the head was passed over");
            s->run.check(!second->how, "two were granted");
        };
    });
}

// A core whose memory is painted over when it goes, and looked at at the end.
class painted_core {
public:
    explicit painted_core(std::size_t limit)
        : core_(::new (static_cast<void*>(memory_)) core(limit), [this](core* c) {
              explorer::acquire_all(); // the last owner comes after the others
              c->~core();
              std::fill(std::begin(memory_), std::end(memory_), paint);
              ++gone_;
          })
    {
        if (auto* const m = explorer::memory())
            m->watch_lives();
    }

    core& get() const { return *core_; }
    std::shared_ptr<core> share() const { return core_; }
    std::shared_ptr<core> give_up() { return std::move(core_); }
    bool went_once() const { return gone_ == 1; }
    bool is_untouched() const
    {
        return std::count(std::begin(memory_), std::end(memory_), paint) == sizeof(core);
    }

private:
    static constexpr unsigned char paint = 0xdd;

    alignas(core) unsigned char memory_[sizeof(core)];
    int gone_ = 0;
    std::shared_ptr<core> core_;
};

// The operation of a waiter: it owns the core until it is settled.
void wait_and_release(explorer& run, const std::shared_ptr<core>& shared)
{
    acquirer node(1);
    std::shared_ptr<core> own = shared;
    core& semaphore = *own;
    acquire_result how = semaphore.park(node);
    if (how == acquire_result::parked) {
        run.wait_until([&] { return node.how.has_value(); });
        node.wake_up.run();
        how = *node.how;
    }
    own.reset();
    if (how == acquire_result::granted)
        semaphore.release(1);
}

BOOST_AUTO_TEST_CASE(it_goes_with_its_owner_and_the_last_permit)
{
    for (const bool one_waits : {false, true})
        every_order(one_waits ? "semaphore 2, given up, two release, one waits"
                              : "semaphore 2, given up, two release",
                    [one_waits](explorer& e) {
                        auto s = std::make_shared<painted_core>(2);
                        core* const semaphore = &s->get();
                        for (int i = 0; i < 2; ++i)
                            e.check(semaphore->try_acquire(1) == acquire_result::granted,
                                    "there was no room");
                        for (int i = 0; i < 2; ++i)
                            e.thread([semaphore] { semaphore->release(1); });
                        e.thread([s] {
                            s->get().close();
                            core::outlive(s->give_up());
                        });
                        if (one_waits)
                            e.thread([&e, shared = s->share()]() mutable {
                                wait_and_release(e, std::exchange(shared, nullptr));
                            });
                        return [s, &e] {
                            e.check(s->went_once(), "the core did not go, or twice");
                            e.check(s->is_untouched(), "the core was used when it was gone");
                        };
                    });
}

BOOST_AUTO_TEST_SUITE_END()
