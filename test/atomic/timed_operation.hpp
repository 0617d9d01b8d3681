#pragma once

#include "explored_atomics.hpp"
#include "scope.hpp"

#include <weir/detail/alarm_core.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

// What `weir::detail::timed_waiter` and the operations on it do, over explored atomics. The start
// of an operation, its executor, its alarm and what ends it are threads. The operation's memory is
// painted over when it completes, so whatever touches it later fails the schedule.

namespace weir::test {

enum class ended { no, done, closed, cancelled, timed_out };

class timed_operation;

/// Where an operation's handler belongs, and a timer queue with room for one alarm.
class stage {
public:
    explicit stage(explorer& e) : run(e) {}

    /// Makes the operation. The threads of the scenario come afterwards.
    template <class Operation, class... Args>
    void make(Args&&... args)
    {
        operation_ =
            given_back<Operation, owners::one>(memory_, *this, std::forward<Args>(args)...);
    }

    // The bodies of threads.

    /// The thread that starts the operation. It may have completed before this returns.
    void start();
    /// The operation's executor, until it has completed. Returns how.
    ended run_executor();
    /// The moment comes.
    void fire();
    void cancel() { cancel_ = true; }

    ended how() const { return how_; }

    explorer& run;

private:
    friend class timed_operation;

    void post();
    bool take_alarm_out();

    std::shared_ptr<void> memory_;
    std::shared_ptr<timed_operation> operation_;
    explored_post queue_, start_;
    bool posted_ = false;
    bool started_ = false;
    bool cancel_ = false;
    ended how_ = ended::no;
    explored_mutex timer_;
    timed_operation* alarm_ = nullptr;
};

class timed_operation {
public:
    explicit timed_operation(stage& s) : stage_(s) {}
    timed_operation(const timed_operation&) = delete;
    timed_operation& operator=(const timed_operation&) = delete;
    virtual ~timed_operation() = default;

protected:
    void set_alarm();
    bool time_is_over() const { return has_alarm_ && alarm_.is_over(); }
    bool alarm_is_out() { return !has_alarm_ || take_alarm_out(); }
    void wake() { stage_.post(); }
    /// The operation is gone when this returns.
    void complete();

    explored_plain<ended> result_{ended::no};

private:
    friend class stage;

    virtual void begin() = 0;
    virtual void resumed() = 0;
    virtual void cancelled() = 0;
    virtual bool leave_line() noexcept = 0;

    bool take_alarm_out();
    void expired();

    stage& stage_;
    explored_plain<bool> has_alarm_{false};
    detail::alarm_core<explored_atomics> alarm_;
};

inline void timed_operation::set_alarm()
{
    has_alarm_ = true;
    std::lock_guard lock(stage_.timer_);
    stage_.alarm_ = this;
}

inline bool timed_operation::take_alarm_out()
{
    if (time_is_over() || stage_.take_alarm_out()) {
        has_alarm_ = false;
        return true;
    }
    return alarm_.is_through();
}

inline void timed_operation::expired()
{
    if (leave_line()) {
        alarm_.ended_wait();
        return wake();
    }
    if (alarm_.came_late())
        wake();
}

inline void timed_operation::complete()
{
    stage& there = stage_;
    there.run.check(there.how_ == ended::no, "an operation completed twice");
    const ended how = result_;
    there.operation_.reset();
    there.how_ = how;
}

inline void stage::start()
{
    timed_operation& operation = *operation_;
    operation.begin();
    start_.post();
    started_ = true;
}

inline ended stage::run_executor()
{
    while (how_ == ended::no) {
        run.wait_until([this] { return posted_ || (cancel_ && started_); });
        // Asio's rule: an operation is cancelled after its start, and never beside its handler.
        if (cancel_ && started_) {
            cancel_ = false;
            start_.run();
            operation_->cancelled();
            continue;
        }
        posted_ = false;
        queue_.run();
        operation_->resumed();
    }
    run.check(!posted_, "an operation was woken after it completed");
    return how_;
}

inline void stage::fire()
{
    run.wait_until([this] { return alarm_ != nullptr || how_ != ended::no; });
    timed_operation* due = nullptr;
    {
        std::lock_guard lock(timer_);
        due = std::exchange(alarm_, nullptr);
    }
    if (due != nullptr)
        due->expired();
}

inline void stage::post()
{
    run.check(!posted_, "an operation was woken twice");
    queue_.post();
    posted_ = true;
}

inline bool stage::take_alarm_out()
{
    std::lock_guard lock(timer_);
    return std::exchange(alarm_, nullptr) != nullptr;
}

using endings = std::set<ended>;

/// Each ending must occur in some order, and no other.
inline void ends_each_way(const std::string& name, const endings& expected,
                          const std::function<std::function<ended()>(explorer&)>& scenario)
{
    endings seen;
    every_order("deadline: " + name, [&](explorer& e) {
        return [how = scenario(e), &e, &seen, &expected] {
            const ended end = how();
            e.check(expected.count(end) != 0, "it ended without a reason for that");
            seen.insert(end);
        };
    });
    if (std::getenv("WEIR_SCOPE") == nullptr)
        BOOST_CHECK_MESSAGE(seen == expected, name << ": an ending never occurred");
}

inline const endings all_but_closed = {ended::done, ended::timed_out, ended::cancelled};
inline const endings done_or_late = {ended::done, ended::timed_out};

/// Where the operation begins: on its executor, or on another thread, which is not through when the
/// operation goes on.
enum class begun { in_place, elsewhere };

/// The operation, its executor and its alarm. `run` is the executor.
template <class Scene>
void begin(explorer& e, const std::shared_ptr<Scene>& s, begun where,
           std::function<void(Scene&)> run)
{
    if (where == begun::elsewhere)
        e.thread([s] { s->at.start(); });
    e.thread([s, where, run] {
        if (where == begun::in_place)
            s->at.start();
        run(*s);
    });
    e.thread([s] { s->at.fire(); });
}

} // namespace weir::test
