#include "explored_atomics.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

// Small programs whose outcomes C++20 settles. What comes out must be the whole set that is named:
// one that C++20 forbids would be a false alarm elsewhere, and one that is missing hides a fault.

using weir::test::bounds;
using weir::test::explored;
using weir::test::explored_atomic;
using weir::test::explored_fence;
using weir::test::explored_mutex;
using weir::test::explored_plain;
using weir::test::explored_post;
using weir::test::explorer;

BOOST_AUTO_TEST_SUITE(litmus)

constexpr std::memory_order rlx = std::memory_order_relaxed, acq = std::memory_order_acquire,
                            rel = std::memory_order_release, acq_rel = std::memory_order_acq_rel,
                            sc = std::memory_order_seq_cst;

struct world {
    explored_atomic<int> x{0}, y{0};
    explored_plain<int> data{0};
    explored_mutex lock;
    explored_post woken;
    bool told = false;
    int r[4] = {};
};
using body = std::function<void(world&)>;
using outcomes = std::set<std::string>;

explored explore(const std::vector<body>& threads, const std::function<void(world&)>& at_the_end,
                 bounds b)
{
    explorer e(b);
    return e.explore([&](explorer& run) {
        auto w = std::make_shared<world>();
        for (const body& t : threads)
            run.thread([w, &t] { t(*w); });
        return [w, &at_the_end] { at_the_end(*w); };
    });
}

const bounds none(100, 100, 1);

// `registers`: how many of r count. With `finals` the last two are the values of x and y at the
// end.
void allows(const std::string& name, std::size_t registers, const outcomes& expected,
            const std::vector<body>& threads, bool finals = false)
{
    outcomes seen;
    const explored found = explore(
        threads,
        [&](world& w) {
            if (finals) {
                w.r[registers - 2] = w.x.load(rlx);
                w.r[registers - 1] = w.y.load(rlx);
            }
            std::string text;
            for (std::size_t i = 0; i < registers; ++i)
                text += std::to_string(w.r[i]);
            seen.insert(text);
        },
        none);
    BOOST_TEST_CONTEXT(name)
    {
        BOOST_TEST(seen == expected, boost::test_tools::per_element());
        BOOST_TEST(found.failure == "");
        BOOST_TEST(found.complete);
    }
}

void races(const std::string& name, bool expected, const std::vector<body>& threads)
{
    const explored found = explore(
        threads, [](world&) {}, none);
    BOOST_TEST_CONTEXT(name)
    {
        BOOST_TEST(found.failure ==
                   (expected ? "plain data is used by two threads without an order" : ""));
        BOOST_TEST(found.complete != expected);
    }
}

outcomes all(std::size_t registers, const outcomes& but = {})
{
    outcomes every;
    for (unsigned i = 0; i < 1U << registers; ++i) {
        std::string text;
        for (std::size_t r = 0; r < registers; ++r)
            text += (i >> (registers - 1 - r) & 1) != 0 ? '1' : '0';
        if (!but.contains(text))
            every.insert(text);
    }
    return every;
}

// ---- two locations

enum class fenced { no, first, both };

// Each writes one of them and then reads the other.
std::vector<body> store_buffering(std::memory_order s, std::memory_order l,
                                  fenced which = fenced::no, std::memory_order f = sc)
{
    return {[=](world& w) {
                w.x.store(1, s);
                if (which != fenced::no)
                    explored_fence(f);
                w.r[0] = w.y.load(l);
            },
            [=](world& w) {
                w.y.store(1, s);
                if (which == fenced::both)
                    explored_fence(f);
                w.r[1] = w.x.load(l);
            }};
}

BOOST_AUTO_TEST_CASE(store_buffering_needs_sequential_consistency)
{
    allows("SB, seq_cst", 2, all(2, {"00"}), store_buffering(sc, sc));
    allows("SB, release and acquire", 2, all(2), store_buffering(rel, acq));
    allows("SB, relaxed, fences", 2, all(2, {"00"}), store_buffering(rlx, rlx, fenced::both));
    allows("SB, relaxed, one fence", 2, all(2), store_buffering(rlx, rlx, fenced::first));
    allows("SB, relaxed, acq_rel fences", 2, all(2),
           store_buffering(rlx, rlx, fenced::both, acq_rel));
    allows("SB, seq_cst stores, acquire loads", 2, all(2), store_buffering(sc, acq));
    // x, then y or the other way round, each changed and read by the other: no load is stale for
    // read-modify-writes, so SB of them is not found when relaxed. C++20 allows it.
    const auto change = [](std::memory_order o) -> std::vector<body> {
        return {[o](world& w) {
                    w.x.fetch_add(1, o);
                    w.r[0] = w.y.fetch_add(0, o);
                },
                [o](world& w) {
                    w.y.fetch_add(1, o);
                    w.r[1] = w.x.fetch_add(0, o);
                }};
    };
    allows("SB, relaxed read-modify-writes: 00 is not found", 2, all(2, {"00"}), change(rlx));
}

BOOST_AUTO_TEST_CASE(a_message_needs_release_and_acquire)
{
    const auto message = [](std::memory_order s, std::memory_order l,
                            bool fences) -> std::vector<body> {
        return {[=](world& w) {
                    w.y.store(1, rlx);
                    if (fences)
                        explored_fence(rel);
                    w.x.store(1, s);
                },
                [=](world& w) {
                    w.r[0] = w.x.load(l);
                    if (fences)
                        explored_fence(acq);
                    w.r[1] = w.y.load(rlx);
                }};
    };
    allows("MP, relaxed", 2, all(2), message(rlx, rlx, false));
    allows("MP, release and acquire", 2, all(2, {"10"}), message(rel, acq, false));
    allows("MP, release and relaxed", 2, all(2), message(rel, rlx, false));
    allows("MP, relaxed and acquire", 2, all(2), message(rlx, acq, false));
    allows("MP, relaxed, fences", 2, all(2, {"10"}), message(rlx, rlx, true));
}

// C++20 allows 11. Nothing is read here before it is written.
BOOST_AUTO_TEST_CASE(load_buffering_is_not_found)
{
    allows("LB, relaxed", 2, all(2, {"11"}),
           {[](world& w) {
                w.r[0] = w.x.load(rlx);
                w.y.store(1, rlx);
            },
            [](world& w) {
                w.r[1] = w.y.load(rlx);
                w.x.store(1, rlx);
            }});
}

BOOST_AUTO_TEST_CASE(independent_reads_agree_only_with_sequential_consistency)
{
    const auto independent = [](std::memory_order s, std::memory_order l,
                                bool fences) -> std::vector<body> {
        const auto reader = [=](bool x_first, int at) {
            return [=](world& w) {
                w.r[at] = (x_first ? w.x : w.y).load(l);
                if (fences)
                    explored_fence(sc);
                w.r[at + 1] = (x_first ? w.y : w.x).load(l);
            };
        };
        return {[=](world& w) { w.x.store(1, s); }, [=](world& w) { w.y.store(1, s); },
                reader(true, 0), reader(false, 2)};
    };
    allows("IRIW, seq_cst", 4, all(4, {"1010"}), independent(sc, sc, false));
    allows("IRIW, release and acquire", 4, all(4), independent(rel, acq, false));
    allows("IRIW, relaxed, fences", 4, all(4, {"1010"}), independent(rlx, rlx, true));
    allows("IRIW, seq_cst stores, acquire loads", 4, all(4), independent(sc, acq, false));
}

BOOST_AUTO_TEST_CASE(two_stores_each_may_come_in_the_other_order)
{
    const auto two = [](std::memory_order o, bool fences) -> std::vector<body> {
        return {[=](world& w) {
                    w.x.store(1, o);
                    if (fences)
                        explored_fence(sc);
                    w.y.store(2, o);
                },
                [=](world& w) {
                    w.y.store(1, o);
                    if (fences)
                        explored_fence(sc);
                    w.x.store(2, o);
                }};
    };
    allows("2+2W, seq_cst", 2, {"12", "21", "22"}, two(sc, false), true);
    allows("2+2W, release", 2, {"11", "12", "21", "22"}, two(rel, false), true);
    allows("2+2W, relaxed, fences", 2, {"12", "21", "22"}, two(rlx, true), true);
}

BOOST_AUTO_TEST_CASE(what_is_handed_on)
{
    // C++20's fences also order what is between two of them.
    allows("RWC, relaxed, fences", 3, all(3, {"100"}),
           {[](world& w) { w.x.store(1, rlx); },
            [](world& w) {
                w.r[0] = w.x.load(rlx);
                explored_fence(sc);
                w.r[1] = w.y.load(rlx);
            },
            [](world& w) {
                w.y.store(1, rlx);
                explored_fence(sc);
                w.r[2] = w.x.load(rlx);
            }});
    for (const bool ordered : {false, true}) {
        outcomes expected = {"000", "001", "100", "101", "110", "111"};
        if (ordered)
            expected.erase("110");
        allows(ordered ? "WRC, release and acquire" : "WRC, relaxed", 3, expected,
               {[](world& w) { w.x.store(1, rlx); },
                [ordered](world& w) {
                    w.r[0] = w.x.load(ordered ? acq : rlx);
                    w.y.store(w.r[0], ordered ? rel : rlx);
                },
                [ordered](world& w) {
                    w.r[1] = w.y.load(ordered ? acq : rlx);
                    w.r[2] = w.x.load(rlx);
                }});
    }
}

// ---- one location

BOOST_AUTO_TEST_CASE(one_location_is_coherent)
{
    allows("CoRR", 2, all(2, {"10"}),
           {[](world& w) { w.x.store(1, rlx); },
            [](world& w) {
                w.r[0] = w.x.load(rlx);
                w.r[1] = w.x.load(rlx);
            }});
    allows("CoWW", 2, {"20"}, {[](world& w) {
               w.x.store(1, rlx);
               w.x.store(2, rlx);
           }},
           true);
    allows("CoRW: who read 1 writes after it", 3, {"010", "020", "120"},
           {[](world& w) { w.x.store(1, rlx); },
            [](world& w) {
                w.r[0] = w.x.load(rlx);
                w.x.store(2, rlx);
            }},
           true);
    allows("CoWR: who wrote 2 reads it, or what is after it", 3, {"110", "210", "220"},
           {[](world& w) { w.x.store(1, rlx); },
            [](world& w) {
                w.x.store(2, rlx);
                w.r[0] = w.x.load(rlx);
            }},
           true);
}

BOOST_AUTO_TEST_CASE(read_modify_writes_take_the_last_store)
{
    const body add = [](world& w) { w.x.fetch_add(1, rlx); };
    allows("they lose nothing", 2, {"30"}, {add, add, add}, true);
    const auto from_zero = [](int to) {
        return [to](world& w) {
            int zero = 0;
            w.r[0] += w.x.compare_exchange_strong(zero, to, rlx);
        };
    };
    allows("one of two exchanges succeeds", 3, {"110", "120"}, {from_zero(1), from_zero(2)}, true);
    allows("an exchange that fails may have read an older store", 1, all(1),
           {[](world& w) {
                w.x.store(1, rlx);
                w.y.store(1, rlx);
            },
            [](world& w) {
                if (int one = 1; w.y.load(rlx) == 1)
                    w.r[0] = w.x.compare_exchange_strong(one, 1, rlx);
                else
                    w.r[0] = 1;
            }});
    allows("a weak exchange may fail, a strong one not", 2, {"01", "11"}, {[](world& w) {
               int zero = 0;
               w.r[0] = w.x.compare_exchange_weak(zero, 1);
               w.r[1] = w.y.compare_exchange_strong(zero, 1);
           }});
}

// ---- races

BOOST_AUTO_TEST_CASE(plain_data_needs_happens_before)
{
    const auto guarded = [](std::memory_order s, std::memory_order l,
                            bool fences) -> std::vector<body> {
        return {[=](world& w) {
                    w.data = 1;
                    if (fences)
                        explored_fence(rel);
                    w.x.store(1, s);
                },
                [=](world& w) {
                    if (w.x.load(l) != 1)
                        return;
                    if (fences)
                        explored_fence(acq);
                    w.r[0] = w.data;
                }};
    };
    races("release and acquire", false, guarded(rel, acq, false));
    races("relaxed and acquire", true, guarded(rlx, acq, false));
    races("release and relaxed", true, guarded(rel, rlx, false));
    races("relaxed, fences", false, guarded(rlx, rlx, true));
    races("the total order of seq_cst is no happens-before", true,
          {[](world& w) {
               w.data = 1;
               explored_fence(sc);
               w.x.store(1, rlx);
           },
           [](world& w) {
               if (w.x.load(rlx) == 1) // before the fence: it would have to acquire
                   w.r[0] = w.data;
               explored_fence(sc);
           }});
}

// The second thread carries on, or interrupts, what the first one releases.
BOOST_AUTO_TEST_CASE(a_release_sequence_goes_on_with_read_modify_writes)
{
    const body reader = [](world& w) {
        if (w.x.load(acq) == 2)
            w.r[0] = w.data;
    };
    const body head = [](world& w) {
        w.data = 1;
        w.x.store(1, rel);
    };
    races("another thread's relaxed change", false,
          {head, [](world& w) { w.x.fetch_add(1, rlx); }, reader});
    races("another thread's store", true, {head, [](world& w) { w.x.store(2, rlx); }, reader});
    races("a store of the same thread (since C++20)", true,
          {[head](world& w) {
               head(w);
               w.x.store(2, rlx);
           },
           reader});
}

BOOST_AUTO_TEST_CASE(locks_and_wake_ups_are_edges)
{
    const body locked = [](world& w) {
        w.lock.lock();
        ++w.data;
        w.lock.unlock();
    };
    races("two who lock", false, {locked, locked});
    races("one who locks", true, {locked, [](world& w) { ++w.data; }});
    const auto spinning = [](std::memory_order leave) {
        return [leave](world& w) {
            while (w.x.exchange(1, acq) != 0)
                explorer::pause();
            ++w.data;
            w.x.store(0, leave);
        };
    };
    races("a lock of an exchange and a store", false, {spinning(rel), spinning(rel)});
    races("the same, left relaxed", true, {spinning(rlx), spinning(rlx)});
    for (const bool posted : {true, false})
        races(posted ? "one who is woken" : "one who only sees that it may go on", !posted,
              {[posted](world& w) {
                   w.data = 1;
                   if (posted)
                       w.woken.post();
                   w.told = true;
               },
               [](world& w) {
                   explorer::block([&w] { return w.told; });
                   w.woken.run();
                   w.r[0] = w.data;
               }});
}

// A store that nobody reads for a while is seen after a pause.
BOOST_AUTO_TEST_CASE(a_pause_ends_with_the_newest_store)
{
    allows("after a pause", 2, {"00", "01", "11"},
           {[](world& w) { w.x.store(1, rlx); },
            [](world& w) {
                w.r[0] = w.x.load(rlx);
                explorer::pause();
                w.r[1] = w.x.load(rlx);
            }});
    const explored found = explore(
        {[](world& w) { w.x.store(1, rlx); },
         [](world& w) {
             while (w.x.load(rlx) == 0)
                 explorer::pause();
         }},
        [](world&) {}, none);
    BOOST_TEST(found.failure == "");
    BOOST_TEST(found.complete);
}

BOOST_AUTO_TEST_CASE(what_is_destroyed_must_not_be_in_use)
{
    for (const bool ordered : {true, false}) {
        explorer e(none);
        const explored found = e.explore([ordered](explorer& run) {
            explorer::memory()->watch_lives();
            struct counted {
                explored_atomic<int> owners{2}, other{0};
            };
            auto* const shared = new counted;
            for (int i = 0; i < 2; ++i)
                run.thread([shared, ordered] {
                    shared->other.load(rlx);
                    if (shared->owners.fetch_sub(1, ordered ? acq_rel : rlx) == 1)
                        delete shared;
                });
            return [] {};
        });
        BOOST_TEST(found.failure ==
                   (ordered ? "" : "an atomic is destroyed while another thread may use it"));
    }
}

// The bounds: no old store without one, and what needs two is not found with one.
BOOST_AUTO_TEST_CASE(older_stores_are_counted)
{
    for (const unsigned stale : {0U, 1U, 2U}) {
        outcomes seen;
        const explored found = explore(
            {[](world& w) {
                 w.x.store(1, rlx);
                 w.y.store(1, rlx);
                 w.told = true;
             },
             [](world& w) {
                 explorer::block([&w] { return w.told; });
                 w.r[0] = w.x.load(rlx);
                 w.r[1] = w.y.load(rlx);
             }},
            [&](world& w) { seen.insert(std::to_string(w.r[0]) + std::to_string(w.r[1])); },
            bounds(2, stale, 0));
        BOOST_TEST(found.complete);
        const outcomes expected[] = {{"11"}, {"01", "10", "11"}, {"00", "01", "10", "11"}};
        BOOST_TEST(seen == expected[stale], boost::test_tools::per_element());
    }
}

// Merging must not change what comes out, only how often it does.
BOOST_AUTO_TEST_CASE(merging_loses_no_outcome)
{
    const std::vector<body> program = {[](world& w) {
                                           w.x.store(1, rel);
                                           w.y.store(1, rlx);
                                           w.r[0] = w.x.load(rlx);
                                       },
                                       [](world& w) {
                                           w.r[1] = w.y.fetch_add(2, acq);
                                           w.x.store(2, rlx);
                                       },
                                       [](world& w) {
                                           w.r[2] = w.x.load(acq);
                                           w.r[3] = w.y.load(rlx);
                                       }};
    outcomes seen[2];
    std::uint64_t runs[2] = {};
    for (const bool merge : {false, true}) {
        bounds b = none;
        b.merge = merge;
        const explored found = explore(
            program,
            [&](world& w) {
                std::string text;
                for (const int value : w.r)
                    text += std::to_string(value);
                seen[merge].insert(text);
            },
            b);
        runs[merge] = found.runs;
        BOOST_TEST(found.complete);
        BOOST_TEST((found.merged != 0) == merge);
    }
    BOOST_TEST(seen[0] == seen[1], boost::test_tools::per_element());
    BOOST_TEST(runs[1] * 3 < runs[0]);
}

BOOST_AUTO_TEST_SUITE_END()
