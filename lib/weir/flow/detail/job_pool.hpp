#pragma once

#include <weir/flow/detail/is_awaitable.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/pool_core.hpp>
#include <weir/time/turn.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::detail {

/// The job a worker is at. It is here and not in the coroutine, so that it can still be told of
/// when the coroutine is gone.
template <class Job>
struct job_at_hand {
    bool empty() const noexcept { return !item; }
    void put(numbered_job<Job>&& job) noexcept { item.emplace(std::move(job)); }
    numbered_job<Job>& current() noexcept { return *item; }

    std::optional<numbered_job<Job>> item;
};

/// Jobs that a worker took in one go, and what came of them, to be published in one go: of jobs
/// that never suspend. Several only while they are over in less than a microsecond each.
template <class Job, class R>
struct job_batch {
    /// Enough to make taking and publishing cheap, few enough to be done with in microseconds.
    static constexpr std::size_t most = 16;

    job_batch()
    {
        jobs.reserve(most);
        ended.reserve(most);
    }

    bool empty() const noexcept { return begun == jobs.size(); }
    void put(numbered_job<Job>&& job) noexcept { jobs.push_back(std::move(job)); }
    numbered_job<Job>& current() noexcept { return jobs[begun]; }
    void next() noexcept
    {
        if (++begun == jobs.size()) {
            jobs.clear();
            begun = 0;
        }
    }

    std::vector<numbered_job<Job>> jobs;
    std::size_t begun = 0; // of the jobs; the next is the current one
    std::vector<outcome<R>> ended;
    std::size_t published = 0; // of those that ended
};

template <class Job, class Hand>
class typed_worker final : public worker {
public:
    using worker::worker;

    Hand hand;
};

/// The coroutine of a pool's workers.
///
/// `Base` is a `pool_core` that has the jobs: `job_type`, `result_type`, `jobs()`,
/// `publish(job, outcome)`, which is true when that is done, and `publish_later(outcome)`, which is
/// awaited when it has to wait; where `in_batches`, also `take(most, function)` and
/// `publish_some(outcomes)`, which says how many.
/// `Work` says how a job is run: `suspends(job)`, `call(job, context)` for those that do not (when
/// `may_run`), and `start(job, context)`, which is awaited, for those that do (when `may_suspend`).
template <class Base, class Work>
class job_pool final : public Base {
    using Job = typename Base::job_type;
    using R = typename Base::result_type;

public:
    template <class... Args>
    explicit job_pool(Work work, Args&&... args)
        : Base(std::forward<Args>(args)...), work_(std::move(work))
    {
        if constexpr (!Work::may_suspend)
            this->one_worker_an_executor();
    }

    bool run_as_guest(boost::asio::any_io_executor where, numbered_job<Job>&& item,
                      boost::asio::any_completion_handler<void()> on_end) override
    {
        std::optional<presence> entered = this->enter_guest(std::move(where));
        if (!entered)
            return false;
        presence here = std::move(*entered);
        worker& w = here.of();
        this->accept_guest();
        hand_of(w).put(std::move(item));
        const auto executor = w.get_executor();
        auto done = [keep = here.shared(), self = this->shared_from_this(),
                     then = std::move(on_end)](std::exception_ptr error) mutable {
            if (error)
                std::rethrow_exception(error);
            std::move(then)();
        };
        boost::asio::co_spawn(
            executor, run(std::move(here), std::nullopt),
            boost::asio::bind_cancellation_slot(w.signal.slot(), std::move(done)));
        return true;
    }

private:
    using value_type = typename outcome<R>::value_type;
    // Only what never suspends is taken ahead: a job that waits might wait for what waits behind
    // it.
    static constexpr bool gathers = Base::in_batches && !Work::may_suspend;

    using hand = std::conditional_t<gathers, job_batch<Job, R>, job_at_hand<Job>>;
    using worker_type = typed_worker<Job, hand>;

    static hand& hand_of(worker& w) noexcept { return static_cast<worker_type&>(w).hand; }
    static numbered_job<Job>& item_of(worker& w) noexcept { return hand_of(w).current(); }

    /// The outcome of a job that is given up while it still needs its own ticket.
    static outcome<R> given_up(worker& w)
    {
        const ticket& own = item_of(w).number;
        ticket copy(own.id);
        if (own.record)
            copy.record = std::make_unique<job_record>(*own.record);
        outcome<R> out(std::move(copy), status::abandoned, nullptr, w.reason());
        out.set_attempts(1);
        return out;
    }

    std::shared_ptr<worker> make_worker(boost::asio::any_io_executor executor,
                                        worker::role role) override
    {
        return std::make_shared<worker_type>(std::move(executor), role);
    }

    ticket& job_of(worker& w) noexcept override { return item_of(w).number; }

    void start_worker(presence here) override { spawn(std::move(here), std::nullopt); }

    void replace(presence here, worker& gone) override
    {
        outcome<R> out = given_up(gone);
        if (this->publish(item_of(gone).job, out))
            spawn(std::move(here), std::nullopt);
        else
            spawn(std::move(here), std::move(out));
    }

    void spawn(presence here, std::optional<outcome<R>> first)
    {
        worker& w = here.of();
        const auto executor = w.get_executor();
        // Whatever leaves the worker is a fault of ours or of the machine: the runner's error sink
        // has it. Pool and worker are kept until then: the coroutine's last steps still touch the
        // worker's signal.
        const auto on_end = [self = this->shared_from_this(),
                             keep = here.shared()](std::exception_ptr error) {
            if (error)
                std::rethrow_exception(error);
        };
        boost::asio::co_spawn(executor, run(std::move(here), std::move(first)),
                              boost::asio::bind_cancellation_slot(w.signal.slot(), on_end));
    }

    boost::asio::awaitable<void> run(presence here, std::optional<outcome<R>> first)
    {
        worker& w = here.of();
        hand& mine = hand_of(w);
        const time_service& clock = time_service::of(w.get_executor());
        turn my_turn(clock);
        if (first)
            co_await this->publish_later(std::move(*first));
        while (!mine.empty() || !(w.is_guest() || this->should_leave(w))) {
            if (mine.empty() && !take(mine, my_turn)) {
                w.set_idle(true);
                auto next = co_await this->jobs().async_receive(
                    boost::asio::as_tuple(boost::asio::deferred));
                w.set_idle(false);
                if (std::get<0>(next)) { // disturbed
                    co_await boost::asio::this_coro::reset_cancellation_state();
                    continue;
                }
                auto job = this->number(std::move(std::get<1>(next)));
                if (!job) {
                    this->end_of_jobs();
                    break;
                }
                mine.put(std::move(*job));
                my_turn.begin(clock);
            }

            bool turn_is_over = false;
            if constexpr (gathers) {
                turn_is_over = work_through(w, my_turn, clock);
                while (mine.published < mine.ended.size())
                    co_await this->publish_later(std::move(mine.ended[mine.published++]));
                mine.ended.clear();
                mine.published = 0;
            } else {
                std::optional<outcome<R>> out;
                if constexpr (Work::may_suspend) {
                    if (work_.suspends(mine.current().job)) {
                        ticket& number = mine.current().number;
                        std::optional<value_type> value;
                        std::exception_ptr error;
                        status how = this->take_up(w, number, clock.rough_now(), true);
                        if (how == status::ok) {
                            try {
                                auto operation = work_.start(mine.current().job, w);
                                if constexpr (std::is_void_v<R>) {
                                    co_await std::move(operation);
                                    value.emplace();
                                } else {
                                    value.emplace(co_await std::move(operation));
                                }
                            } catch (...) {
                                error = std::current_exception();
                            }
                            if (w.retired()) { // given up meanwhile: what came of it is nobody's
                                w.counts.late();
                                break;
                            }
                            how = this->conclude(w, number, value.has_value());
                            // What the job did to its cancellation stays with it.
                            co_await boost::asio::this_coro::reset_cancellation_state();
                        }
                        out.emplace(ended(w, std::move(number), how, value, std::move(error)));
                    }
                }
                if constexpr (Work::may_run) {
                    if (!out)
                        out.emplace(run_plain(w, mine.current(), my_turn.looked()));
                }
                const bool published = this->publish(mine.current().job, *out);
                mine.item.reset();
                if (!published)
                    co_await this->publish_later(std::move(*out));
                turn_is_over = my_turn.is_over(clock);
            }
            if (turn_is_over) {
                co_await boost::asio::post(boost::asio::deferred);
                my_turn.begin(clock);
            }
        }
        w.leave();
    }

    // Takes what is there, if anything: one job, or where they are over at once a share of them.
    bool take(hand& mine, [[maybe_unused]] const turn& pace)
    {
        if constexpr (gathers) {
            std::size_t share = 1;
            if (pace.is_quick())
                share = std::clamp<std::size_t>(this->jobs().size() / this->executors().size(), 1,
                                                hand::most);
            this->take_some(share, [&mine](numbered_job<Job>&& job) { mine.put(std::move(job)); });
        } else {
            mine.item = this->number(this->jobs().try_receive());
        }
        return !mine.empty();
    }

    // Until the batch is done, or the turn is over, which is what is returned.
    bool work_through(worker& w, turn& my_turn, const time_service& clock)
    {
        hand& mine = hand_of(w);
        bool over = false;
        while (!over && !mine.empty()) {
            mine.ended.push_back(run_plain(w, mine.current(), my_turn.looked()));
            mine.next();
            over = my_turn.is_over(clock);
        }
        mine.published = this->publish_some(mine.ended);
        return over;
    }

    outcome<R> run_plain(worker& w, numbered_job<Job>& item, time_point now)
    {
        std::optional<value_type> value;
        std::exception_ptr error;
        status how = this->take_up(w, item.number, now, false);
        if (how == status::ok) {
            try {
                value.emplace(work_.call(item.job, w));
            } catch (...) {
                error = std::current_exception();
            }
            how = this->conclude(w, item.number, value.has_value());
        }
        return ended(w, std::move(item.number), how, value, std::move(error));
    }

    outcome<R> ended(const worker& w, ticket&& number, status how, std::optional<value_type>& value,
                     std::exception_ptr&& error) const noexcept
    {
        if (value)
            return outcome<R>::ok(std::move(number), std::move(*value));
        const bool dropped = how == status::dropped;
        outcome<R> out(std::move(number), how, std::move(error),
                       dropped ? this->stopping() : w.reason());
        out.set_attempts(dropped ? 0 : 1);
        return out;
    }

    void torn_down(worker& w) noexcept override
    {
        outcome<R> out = given_up(w);
        this->publish_now(item_of(w).job, std::move(out));
    }

    // The same for what the worker has at hand and is not at.
    void empty_hands(worker& w) noexcept override
    {
        hand& mine = hand_of(w);
        if constexpr (gathers) {
            for (; mine.published < mine.ended.size(); ++mine.published)
                this->publish_now(std::move(mine.ended[mine.published]));
            for (; !mine.empty(); mine.next())
                this->dropped(std::move(mine.current()));
        } else if (!mine.empty()) {
            this->dropped(std::move(mine.current()));
        }
    }

    Work work_;
};

} // namespace weir::detail
