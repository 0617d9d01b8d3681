#include <weir/sync/detail/channel_core.hpp>

#include "timed_operation.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// Sends and receives until a deadline, as the waits in deadlines.cpp.

using weir::detail::attempt_result;
using namespace weir::test;

BOOST_AUTO_TEST_SUITE(deadlines)

using channel = weir::detail::channel_core<int, explored_atomics>;

struct channel_scene {
    channel_scene(explorer& e, std::size_t capacity) : at(e), other(e), core(capacity) {}

    // Without waiting.
    void send(int value)
    {
        const int what = value;
        (core.try_push(value) == attempt_result::done ? sent : back).push_back(what);
    }
    void take(std::size_t most)
    {
        core.try_pop(most, [this](int&& v) { received.push_back(v); });
    }

    // Afterwards: every value that was sent is received, once.
    void settle()
    {
        take(100);
        std::sort(sent.begin(), sent.end());
        std::sort(received.begin(), received.end());
        at.run.check(sent == received, "what was received is not what was sent");
        at.run.check(core.waiting_senders() == 0, "a sender is still in line");
        at.run.check(core.waiting_receivers() == 0, "a receiver is still in line");
    }

    stage at, other;
    channel core;
    std::vector<int> sent, received, back;
};

class receive final : public timed_operation, private channel::receiver {
public:
    enum class until { a_deadline, the_end };

    receive(stage& s, channel_scene& scene, until limit)
        : timed_operation(s), scene_(scene), core_(scene.core), limit_(limit)
    {
    }

private:
    void begin() override
    {
        if (limit_ == until::a_deadline)
            set_alarm();
        if (!core_.park_unless_ready(*this))
            wake();
    }

    void notified() noexcept override { wake(); }

    void cancelled() override
    {
        if (cancelled_ || time_is_over())
            return;
        cancelled_ = true;
        if (!core_.unpark(*this))
            return;
        result_ = ended::cancelled;
        wake();
    }

    bool leave_line() noexcept override
    {
        if (!core_.give_up(*this))
            return false;
        result_ = ended::timed_out;
        return true;
    }

    void resumed() override
    {
        if (result_ == ended::no && !look())
            return;
        if (!alarm_is_out())
            return;
        core_.notify();
        for (const int value : values_)
            scene_.received.push_back(value);
        complete();
    }

    // False: it stands in line again, and may be gone.
    bool look()
    {
        core_.woken();
        for (bool first = true;; first = false) {
            if (cancelled_) {
                result_ = ended::cancelled;
                return true;
            }
            if (time_is_over()) {
                result_ = ended::timed_out;
                return true;
            }
            if (!first)
                explorer::pause();
            const attempt_result seen =
                core_.pop_or_park(*this, 1, [this](int&& v) { values_.push_back(v); });
            if (seen == attempt_result::parked)
                return false;
            if (seen == attempt_result::retry)
                continue;
            result_ = seen == attempt_result::done        ? ended::done
                      : seen == attempt_result::timed_out ? ended::timed_out
                                                          : ended::closed;
            return true;
        }
    }

    channel_scene& scene_;
    channel& core_;
    const until limit_;
    bool cancelled_ = false;
    std::vector<int> values_;
};

class send final : public timed_operation, private channel::sender {
public:
    send(stage& s, channel_scene& scene, int what)
        : timed_operation(s), channel::sender(&value_), scene_(scene), core_(scene.core),
          value_(what), what_(what)
    {
    }

private:
    void begin() override
    {
        set_alarm();
        attempt_result result = attempt_result::retry;
        channel& core = core_; // the operation may be gone
        for (bool first = true; result == attempt_result::retry; first = false) {
            if (!first)
                explorer::pause();
            result = core.push_or_park(*this);
        }
        if (result != attempt_result::parked)
            settled(result);
    }

    void settled(attempt_result result) noexcept override
    {
        result_ = result == attempt_result::done        ? ended::done
                  : result == attempt_result::timed_out ? ended::timed_out
                                                        : ended::closed;
        wake();
    }

    void cancelled() override
    {
        if (!core_.unpark(*this))
            return;
        result_ = ended::cancelled;
        wake();
    }

    bool leave_line() noexcept override
    {
        if (!core_.give_up(*this))
            return false;
        result_ = ended::timed_out;
        return true;
    }

    void resumed() override
    {
        if (!alarm_is_out())
            return;
        (result_ == ended::done ? scene_.sent : scene_.back).push_back(what_);
        complete();
    }

    channel_scene& scene_;
    channel& core_;
    int value_;
    const int what_;
};

void explore_channel(const std::string& name, std::size_t capacity, const endings& expected,
                     const std::function<void(explorer&, std::shared_ptr<channel_scene>)>& threads)
{
    ends_each_way("channel " + std::to_string(capacity) + ", " + name, expected, [&](explorer& e) {
        auto s = std::make_shared<channel_scene>(e, capacity);
        threads(e, s);
        return [s] {
            s->settle();
            return s->at.how();
        };
    });
}

const auto run_executor = [](channel_scene& s) { s.at.run_executor(); };

void explore_receive(const std::string& name, std::size_t capacity, const endings& expected,
                     begun where,
                     const std::function<void(explorer&, std::shared_ptr<channel_scene>)>& others)
{
    explore_channel(name, capacity, expected, [&](explorer& e, const auto& s) {
        s->at.template make<receive>(*s, receive::until::a_deadline);
        begin<channel_scene>(e, s, where, run_executor);
        others(e, s);
    });
}

BOOST_AUTO_TEST_CASE(a_receive_ends_once_with_a_value_or_timed_out_or_cancelled)
{
    for (const std::size_t capacity : {0, 1}) {
        explore_receive("received, the time is over, cancelled", capacity, all_but_closed,
                        begun::in_place, [](explorer& e, const auto& s) {
                            e.thread([s] { s->at.cancel(); });
                            e.thread([s] { s->send(1); });
                        });
        explore_receive("received, the time is over, begun elsewhere", capacity, done_or_late,
                        begun::elsewhere,
                        [](explorer& e, const auto& s) { e.thread([s] { s->send(1); }); });
    }
}

BOOST_AUTO_TEST_CASE(a_receive_whose_time_is_over_before_it_stands_in_line_waits_for_nothing_else)
{
    for (const std::size_t capacity : {0, 1})
        explore_receive("a receiver's time is over", capacity, {ended::timed_out}, begun::elsewhere,
                        [](explorer&, const auto&) {});
}

BOOST_AUTO_TEST_CASE(a_receive_ends_once_closed_or_timed_out)
{
    for (const std::size_t capacity : {0, 1})
        explore_receive("closed, a receiver's time is over", capacity,
                        {ended::closed, ended::timed_out}, begun::elsewhere,
                        [](explorer& e, const auto& s) { e.thread([s] { s->core.close(); }); });
}

// Its wake-up counts for one value. If the time is over before it looks, another receiver has it.
BOOST_AUTO_TEST_CASE(a_receive_that_times_out_passes_its_wake_up_on)
{
    for (const std::size_t capacity : {0, 1})
        explore_channel("two receivers and a value, the time of the first is over", capacity,
                        done_or_late, [](explorer& e, const auto& s) {
                            s->at.template make<receive>(*s, receive::until::a_deadline);
                            s->other.template make<receive>(*s, receive::until::the_end);
                            s->at.start();
                            s->other.start();
                            e.thread([s] {
                                if (s->at.run_executor() == ended::done)
                                    s->core.close(); // the other need not wait
                            });
                            e.thread([s] { s->at.fire(); });
                            e.thread([s, &e] {
                                const bool has_it = s->other.run_executor() == ended::done;
                                e.check(has_it || s->at.how() == ended::done,
                                        "neither has the value");
                            });
                            e.thread([s] { s->send(1); });
                        });
}

void explore_send(const std::string& name, std::size_t capacity, const endings& expected,
                  begun where,
                  const std::function<void(explorer&, std::shared_ptr<channel_scene>)>& others)
{
    explore_channel(name, capacity, expected, [&](explorer& e, const auto& s) {
        for (std::size_t i = 0; i < capacity; ++i)
            s->send(1);
        s->at.template make<send>(*s, 2);
        begin<channel_scene>(e, s, where, run_executor);
        others(e, s);
    });
}

BOOST_AUTO_TEST_CASE(a_send_ends_once_taken_or_timed_out_or_cancelled)
{
    for (const std::size_t capacity : {0, 1}) {
        explore_send("sent, the time is over, cancelled", capacity, all_but_closed, begun::in_place,
                     [](explorer& e, const auto& s) {
                         e.thread([s] { s->at.cancel(); });
                         e.thread([s] { s->take(1); });
                     });
        explore_send("sent, the time is over, begun elsewhere", capacity, done_or_late,
                     begun::elsewhere,
                     [](explorer& e, const auto& s) { e.thread([s] { s->take(1); }); });
    }
}

BOOST_AUTO_TEST_CASE(a_send_whose_time_is_over_before_it_stands_in_line_waits_for_nothing_else)
{
    for (const std::size_t capacity : {0, 1})
        explore_send("a sender's time is over", capacity, {ended::timed_out}, begun::elsewhere,
                     [](explorer&, const auto&) {});
}

BOOST_AUTO_TEST_CASE(a_send_ends_once_closed_or_timed_out)
{
    for (const std::size_t capacity : {0, 1})
        explore_send("closed, a sender's time is over", capacity, {ended::closed, ended::timed_out},
                     begun::elsewhere,
                     [](explorer& e, const auto& s) { e.thread([s] { s->core.close(); }); });
}

BOOST_AUTO_TEST_SUITE_END()
