#include "explored_atomics.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// Random small programs, twice: as the explorer runs them, and as the axioms of C++20 judge every
// way to read and to order stores. What the explorer finds must be allowed; and what is allowed by
// an execution that a schedule can follow (see `feasible`) must be found.

using weir::test::acquires;
using weir::test::bounds;
using weir::test::explored;
using weir::test::explored_atomic;
using weir::test::explored_fence;
using weir::test::explorer;
using weir::test::releases;

BOOST_AUTO_TEST_SUITE(random_programs)

constexpr std::memory_order rlx = std::memory_order_relaxed, acq = std::memory_order_acquire,
                            rel = std::memory_order_release, acq_rel = std::memory_order_acq_rel,
                            sc = std::memory_order_seq_cst;

enum class kind { load, store, change, fence };
struct operation {
    kind what;
    std::size_t thread, location;
    std::memory_order o;
    int value; // that it writes: no two the same
};
using program = std::vector<operation>; // the two that make x and y first, by thread 0
using outcome = std::vector<int>;       // what was read, or 0, and the final x and y
using relation = std::vector<std::vector<char>>;

bool reads(const operation& e)
{
    return e.what == kind::load || e.what == kind::change;
}
bool writes(const operation& e)
{
    return e.what == kind::store || e.what == kind::change;
}

relation none(std::size_t n)
{
    return relation(n, std::vector<char>(n));
}

relation closed(relation r)
{
    for (std::size_t k = 0; k < r.size(); ++k)
        for (std::size_t i = 0; i < r.size(); ++i)
            for (std::size_t j = 0; r[i][k] && j < r.size(); ++j)
                r[i][j] |= r[k][j];
    return r;
}

bool has_cycle(const relation& r)
{
    const relation c = closed(r);
    for (std::size_t i = 0; i < c.size(); ++i)
        if (c[i][i])
            return true;
    return false;
}

struct judged {
    std::set<outcome> allowed, feasible;
};

// One candidate: `from[i]` is what i reads, `mo[l]` the stores of l in modification order.
void judge(const program& p, const std::vector<std::size_t>& from,
           const std::array<std::vector<std::size_t>, 2>& mo, judged& result)
{
    const std::size_t n = p.size();
    relation sb = none(n), sw = none(n), eco = none(n), rf = none(n);
    std::vector<std::size_t> place(n);
    for (const auto& stores : mo)
        for (std::size_t i = 0; i < stores.size(); ++i) {
            place[stores[i]] = i;
            if (p[stores[i]].what == kind::change && (i == 0 || from[stores[i]] != stores[i - 1]))
                return; // a read-modify-write reads what is right before it
        }
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            sb[i][j] = i != j && (p[i].thread == 0 ? i < j : p[i].thread == p[j].thread && i < j);
            rf[i][j] = reads(p[j]) && from[j] == i;
            const bool same = i != j && p[i].what != kind::fence && p[j].what != kind::fence &&
                              p[i].location == p[j].location;
            eco[i][j] = rf[i][j] || (same && writes(p[j]) && writes(p[i]) && place[i] < place[j]) ||
                        (same && writes(p[j]) && reads(p[i]) && place[from[i]] < place[j]);
        }
    eco = closed(eco);
    // Who releases (a store, or a fence before a store) to who acquires (a load, or a fence after).
    for (std::size_t w = 2; w < n; ++w)
        for (std::size_t r = 2; r < n; ++r) {
            if (!writes(p[w]) || !reads(p[r]))
                continue;
            std::size_t head = from[r]; // back along the release sequence
            while (head != w && p[head].what == kind::change)
                head = from[head];
            if (head != w)
                continue;
            for (std::size_t a = 2; a < n; ++a)
                for (std::size_t b = 2; b < n; ++b)
                    if (releases(p[a].o) && acquires(p[b].o) &&
                        (a == w || (p[a].what == kind::fence && sb[a][w])) &&
                        (b == r || (p[b].what == kind::fence && sb[r][b])))
                        sw[a][b] = 1;
        }
    relation hb = sb;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
            hb[i][j] |= sw[i][j];
    hb = closed(hb);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
            if (hb[i][i] || (hb[i][j] && eco[j][i]))
                return;
    // The one order of seq_cst: strongly happens-before, and the four rules of coherence-ordered.
    relation s = none(n);
    const auto is_sc = [&](std::size_t i) { return i >= 2 && p[i].o == std::memory_order_seq_cst; };
    const auto fenced = [&](std::size_t i) { return is_sc(i) && p[i].what == kind::fence; };
    relation strongly = sb;
    for (std::size_t a = 0; a < n; ++a)
        for (std::size_t d = 0; d < n; ++d) {
            strongly[a][d] |= sw[a][d] && is_sc(a) && is_sc(d);
            for (std::size_t b = 0; b < n; ++b)
                for (std::size_t c = 0; c < n; ++c)
                    strongly[a][d] |= sb[a][b] && hb[b][c] && sb[c][d];
        }
    strongly = closed(strongly);
    for (std::size_t x = 2; x < n; ++x)
        for (std::size_t y = 2; y < n; ++y) {
            if (!is_sc(x) || !is_sc(y))
                continue;
            s[x][y] = strongly[x][y];
            for (std::size_t a = 0; a < n; ++a)
                for (std::size_t b = 0; b < n; ++b)
                    if (eco[a][b] && a != b && (a == x || (fenced(x) && hb[x][a])) &&
                        (b == y || (fenced(y) && hb[b][y])))
                        s[x][y] = 1;
        }
    if (has_cycle(s))
        return;
    outcome o;
    for (std::size_t i = 2; i < n; ++i)
        o.push_back(reads(p[i]) ? p[from[i]].value : 0);
    for (const auto& stores : mo)
        o.push_back(p[stores.back()].value);
    result.allowed.insert(o);
    // A schedule agrees with program order, reads-from and the one order; and what is after a
    // read-modify-write in modification order runs after it, for that takes the last store.
    relation schedule = sb;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
            schedule[i][j] |= rf[i][j] || s[i][j] ||
                              (p[i].what == kind::change && writes(p[j]) && i != j &&
                               p[i].location == p[j].location && place[i] < place[j]);
    if (!has_cycle(schedule))
        result.feasible.insert(o);
}

judged by_axioms(const program& p)
{
    judged result;
    std::array<std::vector<std::size_t>, 2> mo;
    std::vector<std::size_t> readers, from(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (writes(p[i]))
            mo[p[i].location].push_back(i);
        if (reads(p[i]))
            readers.push_back(i);
    }
    const auto stores = mo;
    const std::function<void(std::size_t)> choose = [&](std::size_t k) {
        if (k < readers.size()) {
            for (const std::size_t w : stores[p[readers[k]].location])
                if (w != readers[k]) {
                    from[readers[k]] = w;
                    choose(k + 1);
                }
            return;
        }
        mo = stores; // what makes it stays first
        do {
            do
                judge(p, from, mo, result);
            while (std::next_permutation(mo[1].begin() + 1, mo[1].end()));
        } while (std::next_permutation(mo[0].begin() + 1, mo[0].end()));
    };
    choose(0);
    return result;
}

std::set<outcome> by_runs(const program& p, std::uint64_t& runs, bool& complete)
{
    std::set<outcome> seen;
    explorer e(bounds(100, 100, 0));
    const explored found = e.explore([&](explorer& run) {
        struct scene {
            explored_atomic<int> at[2];
            std::array<int, 16> got{};
        };
        auto s = std::make_shared<scene>();
        for (std::size_t t = 1; t <= 3; ++t)
            run.thread([s, &p, t] {
                for (std::size_t i = 2; i < p.size(); ++i) {
                    if (p[i].thread != t)
                        continue;
                    auto& at = s->at[p[i].location];
                    if (p[i].what == kind::load)
                        s->got[i - 2] = at.load(p[i].o);
                    else if (p[i].what == kind::store)
                        at.store(p[i].value, p[i].o);
                    else if (p[i].what == kind::change)
                        s->got[i - 2] = at.exchange(p[i].value, p[i].o);
                    else
                        explored_fence(p[i].o);
                }
            });
        return [s, &p, &seen] {
            for (std::size_t l = 0; l < 2; ++l)
                s->got[p.size() - 2 + l] = s->at[l].load();
            const auto count = static_cast<std::ptrdiff_t>(p.size());
            seen.insert(outcome(s->got.begin(), s->got.begin() + count));
        };
    });
    runs += found.runs;
    complete = found.complete && found.failure.empty();
    return seen;
}

// In every second program two threads do what litmus tests do: one location, a fence, the other.
// Most of a program's orders are the same, or what one forbids another would mostly allow.
program draw(std::mt19937& random)
{
    const auto one_of = [&](std::size_t n) { return random() % n; };
    using orders = std::vector<std::memory_order>;
    const orders of[] = {
        {rlx, acq, sc}, {rlx, rel, sc}, {rlx, acq, rel, acq_rel, sc}, {acq, rel, acq_rel, sc, sc}};
    for (;;) {
        std::memory_order usual[4];
        for (std::size_t k = 0; k < 4; ++k)
            usual[k] = of[k][one_of(of[k].size())];
        program p = {{kind::store, 0, 0, rlx, 0}, {kind::store, 0, 1, rlx, 0}};
        const auto add = [&](kind what, std::size_t thread, std::size_t location) {
            const auto k = static_cast<std::size_t>(what);
            const std::memory_order o = one_of(8) == 0 ? of[k][one_of(of[k].size())] : usual[k];
            p.push_back({what, thread, location, o, static_cast<int>(p.size()) - 1});
        };
        const auto access = [&] {
            const std::size_t k = one_of(9);
            return k < 4 ? kind::load : k < 8 ? kind::store : kind::change;
        };
        const bool shaped = one_of(2) == 0;
        for (std::size_t t = 1; shaped && t <= 2; ++t) {
            const std::size_t first = one_of(2);
            add(access(), t, first);
            if (one_of(4) != 0)
                add(kind::fence, t, 0);
            add(access(), t, 1 - first);
        }
        for (std::size_t i = shaped ? one_of(3) : 4 + one_of(4); i > 0; --i)
            add(one_of(8) == 0 ? kind::fence : access(), shaped ? 3 : 1 + one_of(3), one_of(2));
        std::size_t at[2] = {}, in[4] = {};
        for (const auto& o : p)
            at[o.location] += writes(o), ++in[o.thread];
        if (std::max(at[0], at[1]) <= weir::test::weak_memory::most_stores &&
            std::max({in[1], in[2], in[3]}) <= 4)
            return p;
    }
}

std::string text_of(const program& p)
{
    std::ostringstream text;
    for (std::size_t i = 2; i < p.size(); ++i)
        text << "\n  thread " << p[i].thread << ": kind " << int(p[i].what) << " at "
             << p[i].location << ", order " << int(p[i].o) << ", value " << p[i].value;
    return text.str();
}

// WEIR_PROGRAMS: how many; WEIR_SEED: other ones.
BOOST_AUTO_TEST_CASE(agree_with_the_axioms)
{
    const char* const wanted = std::getenv("WEIR_PROGRAMS");
    const char* const seed = std::getenv("WEIR_SEED");
    const int programs = wanted != nullptr ? std::atoi(wanted) : 300;
    std::mt19937 random(seed != nullptr ? unsigned(std::atoi(seed)) : 1U);
    std::uint64_t runs = 0, outcomes = 0, allowed = 0;
    for (int i = 0; i < programs; ++i) {
        const program p = draw(random);
        const judged expected = by_axioms(p);
        bool complete = false;
        const std::set<outcome> seen = by_runs(p, runs, complete);
        BOOST_CHECK_MESSAGE(std::includes(expected.allowed.begin(), expected.allowed.end(),
                                          seen.begin(), seen.end()),
                            "program " << i << ": a forbidden outcome was found" << text_of(p));
        BOOST_CHECK_MESSAGE(std::includes(seen.begin(), seen.end(), expected.feasible.begin(),
                                          expected.feasible.end()),
                            "program " << i << ": a feasible outcome was not found" << text_of(p));
        BOOST_CHECK_MESSAGE(complete, "program " << i << ": not complete" << text_of(p));
        outcomes += seen.size();
        allowed += expected.allowed.size();
    }
    std::cout << "random programs: " << programs << ", " << runs << " runs, " << outcomes
              << " outcomes of " << allowed << " that C++20 allows" << std::endl;
}

BOOST_AUTO_TEST_SUITE_END()
