#include "stress/matrix/subject.hpp"

#include "support/watchdog.hpp"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Every operation of every primitive in every cell of: the primitive's own executor x the handler's
// x the threads that run them x the order in which contexts and primitive are destroyed x how far
// the operations are by then. docs/proof.md says what is looked at.

namespace asio = boost::asio;
using namespace weir::test;

namespace {

/// Where the handlers run.
enum class handler_place {
    elsewhere, ///< on an executor of another context
    own,       ///< on the primitive's own executor, by the handler's wish
    unnamed,   ///< the handler has no executor
    in_place,  ///< the handler's executor runs everything at once
};

enum class start_from { outside, handler_executor };

enum class progress {
    completed, ///< everything has completed before anything is destroyed
    waiting,   ///< nothing lets the operations go on
    released,  ///< they are let go on just before
    racing,    ///< another thread lets them go on at the same time
};

enum class thing { own_context, handler_context, primitive };

struct cell {
    const row* what;
    executor_kind own;
    unsigned own_threads;
    handler_place place;
    executor_kind handler; // for `elsewhere`
    unsigned handler_threads;
    start_from from;
    progress when;
    std::array<thing, 3> order;
};

std::ostream& operator<<(std::ostream& out, const cell& c)
{
    constexpr std::array places{"elsewhere", "own", "unnamed", "in place"};
    constexpr std::array times{"completed", "waiting", "released", "racing"};
    constexpr std::array things{" own", " handler's", " primitive"};
    out << c.what->name << ": own " << name_of(c.own) << "/" << c.own_threads << ", handlers "
        << places[static_cast<std::size_t>(c.place)];
    if (c.place == handler_place::elsewhere)
        out << " " << name_of(c.handler) << "/" << c.handler_threads;
    out << (c.from == start_from::outside ? ", from outside, " : ", from their executor, ")
        << times[static_cast<std::size_t>(c.when)] << ", destroyed:";
    for (const thing each : c.order)
        if (each != thing::handler_context || c.place == handler_place::elsewhere)
            out << things[static_cast<std::size_t>(each)];
    return out;
}

class run {
public:
    explicit run(const cell& c) : cell_(c)
    {
        own_ = std::make_unique<place>(c.own, c.own_threads);
        if (c.place == handler_place::elsewhere)
            other_ = std::make_unique<place>(c.handler, c.handler_threads);
        subject_ = c.what->make(own_->executor());
        for (trace& each : traces_)
            each.where = c.place == handler_place::in_place ? nullptr : &handlers();
    }

    /// What is wrong, or nothing.
    std::string wrong()
    {
        start();
        subject_->started();
        if (cell_.when == progress::racing)
            racer_ = std::thread([this] { subject_->finish(); });
        else if (cell_.when != progress::waiting)
            subject_->finish();
        if (cell_.when == progress::completed && !all([](const trace& t) { return t.called == 1; }))
            report("an operation does not complete");
        for (const thing each : cell_.order)
            destroy(each);
        for (const trace& t : traces_) {
            check(t.called <= 1, "a handler was called twice");
            check(t.handlers == 0, "a handler is left");
            check(t.memory == 0, "memory is left");
            check(t.inside == 0, "a handler ran inside the initiating function");
            check(t.elsewhere == 0, "a handler ran on another executor");
            check(t.too_early == 0, "a handler ran before the memory of its operation was freed");
        }
        return wrong_;
    }

private:
    place& handlers() { return other_ ? *other_ : *own_; }

    void check(bool well, const char* text)
    {
        if (!well)
            report(text);
    }
    void report(const char* text)
    {
        if (wrong_.find(text) == std::string::npos)
            wrong_ += std::string(wrong_.empty() ? "" : "; ") + text;
    }

    void start()
    {
        for (trace& each : traces_) {
            if (cell_.from == start_from::outside) {
                start_one(each);
                continue;
            }
            std::atomic<bool> done{false};
            asio::post(handlers().executor(), [this, &each, &done] {
                start_one(each);
                done = true;
            });
            until([&done] { return done.load(); });
        }
    }

    void start_one(trace& t)
    {
        trace::initiating = true;
        switch (cell_.place) {
        case handler_place::elsewhere:
        case handler_place::own:
            subject_->start(probe<asio::any_io_executor>(t, handlers().executor()));
            break;
        case handler_place::unnamed:
            subject_->start(probe<void>(t));
            break;
        case handler_place::in_place:
            subject_->start(probe<inline_executor>(t, inline_executor()));
            break;
        }
        trace::initiating = false;
    }

    /// Runs what has no threads, until this is true. False: it does not become true.
    template <class Condition>
    bool until(Condition condition)
    {
        for (int idle = 0; !condition(); ++idle) {
            if (idle == 300'000) // half a minute, for what takes microseconds: it is stuck
                return false;
            if (own_)
                own_->poll();
            if (other_)
                other_->poll();
            if (idle < 100)
                std::this_thread::yield();
            else
                std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
        return true;
    }

    template <class Condition>
    bool all(Condition condition)
    {
        return until([&] { return std::all_of(traces_.begin(), traces_.end(), condition); });
    }

    void destroy(thing what)
    {
        // The context of the handlers lives, and the primitive is gone: what waited must end.
        const bool last_of_handlers =
            what == (other_ ? thing::handler_context : thing::own_context);
        if (last_of_handlers && !subject_ && !all([](const trace& t) { return t.is_over(); }))
            report("the primitive is gone, and an operation still waits");
        if (racer_.joinable() && what == thing::primitive)
            racer_.join();
        switch (what) {
        case thing::own_context:
            own_.reset();
            break;
        case thing::handler_context:
            other_.reset();
            break;
        case thing::primitive:
            subject_.reset();
            break;
        }
    }

    const cell& cell_;
    std::array<trace, 3> traces_;
    std::unique_ptr<place> own_;
    std::unique_ptr<place> other_;
    std::unique_ptr<subject> subject_;
    std::thread racer_;
    std::string wrong_;
};

std::vector<unsigned> threads_of(executor_kind kind)
{
    switch (kind) {
    case executor_kind::runner:
    case executor_kind::runner_strand:
        return {1};
    case executor_kind::pool:
    case executor_kind::pool_strand:
    case executor_kind::erased_pool_strand:
        return {1, 4};
    default:
        return {0, 1, 4};
    }
}

/// How far the operations are, and where they were started.
struct circumstance {
    progress when;
    start_from from;
};

constexpr std::array circumstances{
    circumstance{progress::completed, start_from::outside},
    circumstance{progress::waiting, start_from::handler_executor},
    circumstance{progress::released, start_from::outside},
    circumstance{progress::racing, start_from::handler_executor},
    circumstance{progress::completed, start_from::handler_executor},
    circumstance{progress::waiting, start_from::outside},
    circumstance{progress::released, start_from::handler_executor},
    circumstance{progress::racing, start_from::outside},
};

bool is_set(const char* variable)
{
    return std::getenv(variable) != nullptr;
}

/// Every cell of a row: complete over the executors, their threads and the orders of destruction.
/// Each of these cells meets one of the circumstances, in turn, such that each executor and each
/// order meets all of them; with WEIR_MATRIX_ALL every cell does.
template <class Visit>
void for_each_cell(const row& what, Visit visit)
{
    const bool all = is_set("WEIR_MATRIX_ALL");
    std::size_t group = 0;
    std::size_t turn = 0;
    const auto meet = [&](cell c) {
        const std::size_t first = turn++ + group;
        for (std::size_t i = 0; i < (all ? circumstances.size() : 1); ++i) {
            const circumstance& met = circumstances[(first + i) % circumstances.size()];
            c.when = met.when;
            c.from = met.from;
            visit(c);
        }
    };
    std::array order{thing::own_context, thing::handler_context, thing::primitive};
    do {
        for (const executor_kind own : executor_kinds)
            for (const unsigned own_threads : threads_of(own)) {
                turn = 0;
                ++group;
                cell c{&what, own, own_threads, handler_place::own, own, 0, {}, {}, order};
                if (order[2] == thing::handler_context) // there is none
                    for (const auto place :
                         {handler_place::own, handler_place::unnamed, handler_place::in_place}) {
                        c.place = place;
                        meet(c);
                    }
                c.place = handler_place::elsewhere;
                for (const executor_kind handler : executor_kinds)
                    for (const unsigned threads : threads_of(handler)) {
                        c.handler = handler;
                        c.handler_threads = threads;
                        meet(c);
                    }
            }
    } while (std::next_permutation(order.begin(), order.end()));
}

/// WEIR_MATRIX_STEP=N looks at every N-th cell, where a build is slow.
std::size_t step()
{
    const char* text = std::getenv("WEIR_MATRIX_STEP");
    return text == nullptr ? 1 : static_cast<std::size_t>(std::max(1, std::atoi(text)));
}

} // namespace

BOOST_AUTO_TEST_SUITE(matrix)

BOOST_AUTO_TEST_CASE(every_cell)
{
    const char* only = std::getenv("WEIR_MATRIX_ROW");
    for (const row& what : rows()) {
        if (only != nullptr && what.name.find(only) == std::string::npos)
            continue;
        watchdog stuck(std::chrono::seconds(600));
        std::size_t cells = 0;
        std::size_t failed = 0;
        std::size_t seen = 0;
        for_each_cell(what, [&](const cell& c) {
            if (seen++ % step() != 0)
                return;
            ++cells;
            const std::string wrong = run(c).wrong();
            if (!wrong.empty() && ++failed <= 20)
                BOOST_ERROR(c << ": " << wrong);
        });
        BOOST_TEST_MESSAGE(what.name << ": " << cells << " cells, " << failed << " failed");
        BOOST_TEST(cells != 0);
        BOOST_TEST(failed == 0);
    }
}

BOOST_AUTO_TEST_SUITE_END()
