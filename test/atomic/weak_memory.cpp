#include "weak_memory.hpp"

#include <cstring>
#include <limits>

namespace weir::test {

// Two at a time, and two such side by side, or most of a search would be spent here.
void word_hash::add(const unsigned char* bytes, std::size_t count)
{
    std::uint64_t lanes[2] = {state_, state_ ^ 0x94d049bb133111ebU};
    std::uint64_t words[4];
    add(count);
    for (; count >= sizeof words; bytes += sizeof words, count -= sizeof words) {
        std::memcpy(words, bytes, sizeof words);
        lanes[0] = mix(words[0] ^ lanes[0], words[1] ^ 0x9e3779b97f4a7c15U);
        lanes[1] = mix(words[2] ^ lanes[1], words[3] ^ 0xbf58476d1ce4e5b9U);
    }
    std::fill_n(words, 4, std::uint64_t{0});
    std::memcpy(words, bytes, count);
    for (const std::uint64_t word : words)
        add(word);
    add(lanes[0]);
    add(lanes[1]);
}

weak_memory::weak_memory(search& s)
    : search_(s), trace_of_(run_memory::words), edge_of_(run_memory::words)
{
}

void weak_memory::clear()
{
    for (const trace& t : traces_)
        trace_of_[t.word] = 0;
    for (const edge& e : edges_)
        edge_of_[e.word] = 0;
    traces_.clear();
    edges_.clear();
    made_ = started_ = 0;
    lives_ = false;
    total_ = {};
    threads_.fill({});
    self = 0;
    me().before.time[0] = 1;
    me().runs = true;
}

void weak_memory::join(view& v, const view& other) const
{
    for (std::size_t i = 0; i < made_; ++i)
        raise(v, i, other.at[i]);
}

void weak_memory::join(past& p, const past& other) const
{
    for (std::size_t i = 0; i < most_threads; ++i)
        p.time[i] = std::max(p.time[i], other.time[i]);
    join(p.seen, other.seen);
}

// What the thread does from here on is not known to those who take what it published.
void weak_memory::publish()
{
    ++me().before.time[self];
}

void weak_memory::start(std::size_t thread)
{
    started_ = thread;
    threads_[thread].before = threads_[0].before;
    threads_[thread].before.time[thread] = 1;
    threads_[thread].runs = true;
    ++threads_[0].before.time[0];
}

void weak_memory::end(std::size_t thread)
{
    threads_[thread].runs = false;
}

void weak_memory::join_all()
{
    for (std::size_t i = 0; i < most_threads; ++i)
        if (i != self) {
            join(me().before, threads_[i].before);
            ++threads_[i].before.time[i];
        }
}

void weak_memory::resume()
{
    for (std::size_t i = 0; i < made_; ++i)
        raise(me().paused, i, locations_[i].newest().place);
}

// ---- edges

weak_memory::edge* weak_memory::edge_at(const void* at)
{
    const std::size_t word = run_memory::word_of(at);
    if (word == run_memory::elsewhere)
        return nullptr;
    if (edge_of_[word] == 0) {
        const run_memory::not_of_the_run here;
        edges_.push_back({word, {}});
        edge_of_[word] = static_cast<std::uint16_t>(edges_.size());
    }
    return &edges_[edge_of_[word] - 1U];
}

void weak_memory::new_edge(const void* at)
{
    if (edge* const e = edge_at(at))
        e->published = {};
}

void weak_memory::leave(const void* at)
{
    if (edge* const e = edge_at(at)) {
        join(e->published, me().before);
        publish();
    }
}

void weak_memory::enter(const void* at)
{
    if (const edge* const e = edge_at(at))
        join(me().before, e->published);
}

// ---- plain data

void weak_memory::touch(const void* plain, use how, const char* race)
{
    const std::size_t word = run_memory::word_of(plain);
    if (word == run_memory::elsewhere)
        return;
    if (trace_of_[word] == 0) {
        const run_memory::not_of_the_run here;
        traces_.push_back({word, 0, 0, {}});
        trace_of_[word] = static_cast<std::uint16_t>(traces_.size());
    }
    trace& t = traces_[trace_of_[word] - 1U];
    const clock& time = me().before.time;
    bool ordered = time[t.writer] >= t.written;
    if (how == use::read) {
        t.read[self] = time[self];
    } else {
        for (std::size_t i = 0; i < most_threads; ++i)
            ordered = ordered && time[i] >= t.read[i];
        t.writer = self;
        t.written = time[self];
        t.read.fill(0);
        // Nobody else's objects come there.
        if (how == use::destroy && self != 0 && run_memory::is_own_stack(self, plain))
            t.written = 0;
    }
    if (!ordered)
        search_.found(race);
}

// ---- atomics

std::size_t weak_memory::make(const void* atomic, std::uint64_t bits)
{
    touch(atomic, use::write, "an atomic is made where another thread may use its memory");
    if (made_ == most_locations) {
        search_.found("there are too many atomics");
        return 0;
    }
    const std::size_t where = made_++;
    for (thread_state& t : threads_)
        t.before.seen.at[where] = t.fenced.seen.at[where] = t.unfenced.seen.at[where] =
            t.paused.at[where] = 0;
    for (edge& e : edges_)
        e.published.seen.at[where] = 0;
    total_.at[where] = 0;
    me().before.seen.at[where] = gap;
    cell& l = locations_[where];
    l.count = 1;
    l.stores[0] = {bits, gap, false, {}};
    return where;
}

void weak_memory::destroy(const void* atomic)
{
    touch(atomic, use::destroy, "an atomic is destroyed while another thread may use it");
}

void weak_memory::use_atomic(const void* atomic)
{
    if (lives_)
        touch(atomic, use::read,
              "an atomic is used by a thread that need not know that it was made");
}

// A sequentially consistent access must agree with those before it in their total order. A fence
// puts into `total_` what happens before it, and takes out what came before it there.
std::uint32_t weak_memory::floor(std::size_t where, std::memory_order o)
{
    const std::uint32_t known = std::max(me().before.seen.at[where], me().paused.at[where]);
    return o == std::memory_order_seq_cst ? std::max(known, total_.at[where]) : known;
}

// `unequal`: of the older ones only those that differ, with which an exchange fails.
std::size_t weak_memory::pick(std::size_t where, std::memory_order o, const std::uint64_t* unequal)
{
    const cell& l = locations_[where];
    const std::uint32_t oldest = floor(where, o);
    std::array<std::size_t, most_stores> options{l.count - 1};
    std::size_t count = 1;
    for (std::size_t i = l.count - 1; i > 0 && l.stores[i - 1].place >= oldest; --i)
        if (unequal == nullptr || l.stores[i - 1].bits != *unequal)
            options[count++] = i - 1;
    return options[search_.older(count)];
}

void weak_memory::saw(std::size_t where, std::uint32_t place, std::memory_order o)
{
    raise(me().before.seen, where, place);
    if (o == std::memory_order_seq_cst)
        raise(total_, where, place);
}

void weak_memory::take(std::size_t where, const stored& s, std::memory_order o)
{
    saw(where, s.place, o);
    join(acquires(o) ? me().before : me().unfenced, s.released);
}

void weak_memory::put(std::size_t where, std::size_t i, stored& s, std::memory_order o)
{
    cell& l = locations_[where];
    const std::uint32_t previous = l.stores[i - 1].place;
    s.place = i == l.count ? previous + gap : previous + (l.stores[i].place - previous) / 2;
    if (s.place == previous)
        search_.found("too many stores came between two others");
    saw(where, s.place, o);
    if (releases(o))
        join(s.released, me().before);
    else if (me().fences)
        join(s.released, me().fenced);
    // An access after this one is not covered by what it published.
    if (releases(o))
        publish();
    if (l.count == most_stores) {
        std::move(l.stores.begin() + 1, l.stores.begin() + static_cast<std::ptrdiff_t>(i),
                  l.stores.begin());
        l.stores[i - 1] = s;
        return;
    }
    std::move_backward(l.stores.begin() + static_cast<std::ptrdiff_t>(i),
                       l.stores.begin() + static_cast<std::ptrdiff_t>(l.count),
                       l.stores.begin() + static_cast<std::ptrdiff_t>(l.count) + 1);
    l.stores[i] = s;
    ++l.count;
}

void weak_memory::replace(std::size_t where, std::uint64_t bits, std::memory_order o)
{
    stored next = locations_[where].newest();
    take(where, next, o);
    next.bits = bits;
    next.changes = true;
    put(where, locations_[where].count, next, o);
}

std::uint64_t weak_memory::load(const void* atomic, std::size_t where, std::memory_order o)
{
    use_atomic(atomic);
    const stored& s = locations_[where].stores[pick(where, o, nullptr)];
    take(where, s, o);
    return s.bits;
}

void weak_memory::store(const void* atomic, std::size_t where, std::uint64_t bits,
                        std::memory_order o)
{
    use_atomic(atomic);
    const cell& l = locations_[where];
    const std::uint32_t oldest = floor(where, o);
    std::array<std::size_t, most_stores + 1> options{l.count};
    std::size_t count = 1;
    for (std::size_t i = l.count - 1; i > 0 && l.stores[i - 1].place >= oldest; --i)
        if (!l.stores[i].changes)
            options[count++] = i;
    stored s;
    s.bits = bits;
    put(where, options[search_.older(count)], s, o);
}

bool weak_memory::compare_exchange(const void* atomic, std::size_t where, std::uint64_t& expected,
                                   std::uint64_t desired, strength kind, std::memory_order success,
                                   std::memory_order failure)
{
    use_atomic(atomic);
    const stored& s = locations_[where].stores[pick(where, failure, &expected)];
    if (s.bits == expected && !(kind == strength::weak && search_.spurious())) {
        replace(where, desired, success);
        return true;
    }
    take(where, s, failure);
    expected = s.bits;
    return false;
}

void weak_memory::fence(std::memory_order o)
{
    thread_state& t = me();
    if (acquires(o))
        join(t.before, t.unfenced);
    if (o == std::memory_order_seq_cst) {
        join(t.before.seen, total_);
        join(total_, t.before.seen);
    }
    if (releases(o)) {
        t.fenced = t.before;
        t.fences = true;
        publish();
    }
}

// ---- a state

void weak_memory::add_to(word_hash& hash, bool older_stores)
{
    const std::size_t threads = started_ + 1;
    // An access that every thread has behind it can race with nothing any more.
    clock settled;
    for (std::size_t i = 0; i < threads; ++i) {
        settled[i] = std::numeric_limits<std::uint32_t>::max();
        for (std::size_t j = 1; j < threads; ++j)
            if (j != i && threads_[j].runs)
                settled[i] = std::min(settled[i], threads_[j].before.time[i]);
    }
    // The others stand for themselves: of a clock it counts only which of them it includes.
    auto& open = open_;
    for (auto& of_one : open)
        of_one.clear();
    const auto is_open = [&](std::size_t i, std::uint32_t when) { return when > settled[i]; };
    for (const trace& t : traces_) {
        if (is_open(t.writer, t.written))
            open[t.writer].push_back(t.written);
        for (std::size_t i = 0; i < threads; ++i)
            if (is_open(i, t.read[i]))
                open[i].push_back(t.read[i]);
    }
    for (auto& of_one : open) {
        std::sort(of_one.begin(), of_one.end());
        of_one.erase(std::unique(of_one.begin(), of_one.end()), of_one.end());
    }
    const auto rank = [&](std::size_t i, std::uint32_t when) {
        return static_cast<std::uint64_t>(std::upper_bound(open[i].begin(), open[i].end(), when) -
                                          open[i].begin());
    };
    const auto add_clock = [&](const clock& time) {
        std::uint64_t packed[2] = {};
        for (std::size_t i = 0; i < threads; ++i)
            packed[i % 2] = packed[i % 2] << 16 | (open[i].empty() ? 0 : rank(i, time[i]));
        hash.add(packed[0]);
        hash.add(packed[1]);
    };

    std::uint64_t all_traces = 0; // in whatever order they were made
    for (const trace& t : traces_) {
        word_hash one;
        bool any = is_open(t.writer, t.written);
        one.add(any ? t.writer * 1024 + rank(t.writer, t.written) : 0);
        for (std::size_t i = 0; i < threads; ++i)
            if (is_open(i, t.read[i])) {
                one.add(i * 1024 + rank(i, t.read[i]));
                any = true;
            }
        one.add(t.word);
        all_traces += any ? one.value() : 0;
    }
    hash.add(all_traces);

    // Of each location, from the oldest store that some thread may still read.
    std::array<std::size_t, most_locations> first{};
    for (std::size_t l = 0; l < made_; ++l) {
        const cell& at = locations_[l];
        first[l] = at.count - 1;
        if (!older_stores)
            continue;
        for (std::size_t j = 1; j < threads; ++j) {
            const thread_state& t = threads_[j];
            if (!t.runs)
                continue;
            const std::uint32_t oldest = std::max(t.before.seen.at[l], t.paused.at[l]);
            while (first[l] > 0 && at.stores[first[l] - 1].place >= oldest)
                --first[l];
        }
    }
    const auto add_view = [&](const view& v) {
        if (!older_stores)
            return;
        std::uint64_t packed = 0;
        for (std::size_t l = 0; l < made_; ++l) {
            std::uint64_t place = 0;
            for (std::size_t i = first[l] + 1; i < locations_[l].count; ++i)
                place += locations_[l].stores[i].place <= v.at[l];
            packed = packed * 5 + place;
            if (l % 24 == 23) {
                hash.add(packed);
                packed = 0;
            }
        }
        hash.add(packed);
    };
    const auto add_past = [&](const past& p) {
        add_clock(p.time);
        add_view(p.seen);
    };
    for (std::size_t l = 0; l < made_; ++l)
        for (std::size_t i = first[l]; i < locations_[l].count; ++i) {
            const stored& s = locations_[l].stores[i];
            hash.add(s.bits);
            hash.add((i - first[l]) * 2 + s.changes);
            add_past(s.released);
        }
    add_view(total_);
    for (std::size_t j = 1; j < threads; ++j) {
        const thread_state& t = threads_[j];
        hash.add(t.runs);
        if (!t.runs)
            continue;
        add_past(t.before);
        add_past(t.unfenced);
        hash.add(t.fences);
        if (t.fences)
            add_past(t.fenced);
        add_view(t.paused);
    }
    std::uint64_t all_edges = 0;
    for (const edge& e : edges_) {
        const word_hash before = hash;
        hash = {};
        hash.add(e.word);
        add_past(e.published);
        all_edges += hash.value();
        hash = before;
    }
    hash.add(all_edges);
}

} // namespace weir::test
