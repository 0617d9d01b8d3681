#pragma once

#include <weir/detail/time_service.hpp>
#include <weir/detail/turn.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/pool/pool_state.hpp>
#include <weir/flow/detail/pool/root_coroutine.hpp>
#include <weir/flow/detail/pool/taken_jobs.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// How a pool's workers do their jobs.
///
/// `Base` is a `pool_state` that has the jobs: `job_type`, `result_type`, `jobs()`,
/// `publish(job, outcome)`, which is true when that is done, and `publish_later(outcome)`, which is
/// awaited when it has to wait; where `in_batches`, also `take(most, function)` and
/// `publish_some(outcomes)`, which says how many.
/// `Work` says how a job is run: `suspends(job)`, `call(job, context, outcome)` for those that do
/// not (when `may_run`), and `start(job, context)`, which is awaited, for those that do (when
/// `may_suspend`).
template <class Base, class Work>
class worker_loop final : public Base {
    using Job = typename Base::job_type;
    using R = typename Base::result_type;

public:
    template <class... Args>
    explicit worker_loop(Work work, Args&&... args)
        : Base(std::forward<Args>(args)...), work_(std::move(work))
    {
        if constexpr (!Work::may_suspend)
            this->one_worker_an_executor();
    }

    bool run_as_guest(boost::asio::any_io_executor where, numbered_job<Job>&& item,
                      boost::asio::any_completion_handler<void()> on_end) override
    {
        if (!where)
            where = this->next_executor();
        auto* fresh = new guest_type(std::move(where), this->guests_tally(), std::move(on_end));
        std::optional<presence> entered = this->enter_guest(worker_pointer(fresh));
        if (!entered)
            return false;
        this->accept_guest();
        fresh->hand.put(std::move(item));
        begin_guest(std::move(*entered));
        return true;
    }

private:
    using value_type = typename outcome<R>::value_type;
    // Only what never suspends is taken ahead: a job that waits might wait for what waits behind
    // it.
    static constexpr bool gathers = Base::in_batches && !Work::may_suspend;

    using hand = std::conditional_t<gathers, taken_jobs<Job, R>, taken_job<Job>>;
    using member_type = member<hand>;
    using guest_type = guest<Job>;

    static hand& hand_of(worker& w) noexcept { return static_cast<member_type&>(w).hand; }
    static guest_type& guest_in(worker& w) noexcept { return static_cast<guest_type&>(w); }
    static numbered_job<Job>& item_of(worker& w) noexcept
    {
        return w.is_guest() ? guest_in(w).hand.current() : hand_of(w).current();
    }

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

    worker_pointer make_member(boost::asio::any_io_executor executor) override
    {
        return worker_pointer(new member_type(std::move(executor)));
    }

    worker_pointer make_guest_beside(const worker& w) override
    {
        return worker_pointer(new guest_type(w.get_executor(), this->guests_tally(), {}));
    }

    ticket& job_of(worker& w) noexcept override { return item_of(w).number; }

    // Its coroutine is made where it belongs: frames that two runners write to are then not
    // neighbours in memory.
    void start_worker(presence here) override
    {
        const boost::asio::any_io_executor home = here.of().get_executor();
        auto begin = [this, here = std::move(here)]() mutable {
            worker& w = here.of();
            launch(run(std::move(here)), w.get_executor(), w.signal.slot());
        };
        boost::asio::dispatch(home, std::move(begin));
    }

    void tell_given_up(presence beside, worker& gone) override
    {
        outcome<R> out = given_up(gone);
        if (this->publish(item_of(gone).job, out))
            leave(std::move(beside));
        else
            publish_beside(std::move(beside), std::move(out));
    }

    // A job that does not suspend needs no coroutine.
    void begin_guest(presence here)
    {
        const boost::asio::any_io_executor home = here.of().get_executor();
        if constexpr (Work::may_suspend) {
            if (work_.suspends(item_of(here.of()).job)) {
                auto begin = [this, here = std::move(here)]() mutable {
                    worker& w = here.of();
                    launch(run_guest(std::move(here)), w.get_executor(), w.signal.slot());
                };
                return boost::asio::dispatch(home, std::move(begin));
            }
        }
        if constexpr (Work::may_run) {
            auto call = [this, here = std::move(here)]() mutable { call_guest(std::move(here)); };
            boost::asio::post(home, std::move(call));
        }
    }

    // Frames of guests are many: a variable here is worth a thought.
    root_coroutine run_guest(presence here)
    {
        guest_type& g = guest_in(here.of());
        const work_token running(g.get_executor());
        outcome<R> out;
        status how = this->take_up(g, g.hand.current().number, about_now(g), true);
        if (how == status::ok) {
            try {
                auto operation = work_.start(g.hand.current().job, g);
                if constexpr (std::is_void_v<R>) {
                    co_await std::move(operation);
                    out.set_value(value_type());
                } else {
                    out.set_value(co_await std::move(operation));
                }
            } catch (...) {
                out.set_error(std::current_exception());
            }
            if (g.retired()) { // given up meanwhile: what came of it is nobody's
                g.counts.late();
                leave_guest(std::move(here));
                co_return;
            }
            how = this->conclude(g, g.hand.current().number, out.has_value());
        }
        end(g, std::move(g.hand.current().number), how, out);
        publish_of_guest(std::move(here), std::move(out));
    }

    void call_guest(presence here)
    {
        guest_type& g = guest_in(here.of());
        numbered_job<Job>& item = g.hand.current();
        outcome<R> out;
        run_plain(g, item, this->take_up(g, item.number, about_now(g), false), out);
        publish_of_guest(std::move(here), std::move(out));
    }

    void publish_of_guest(presence here, outcome<R>&& out)
    {
        guest_type& g = guest_in(here.of());
        const bool published = this->publish(g.hand.current().job, out);
        g.hand.item.reset();
        if (published)
            leave_guest(std::move(here));
        else
            publish_beside(std::move(here), std::move(out));
    }

    static void leave_guest(presence here)
    {
        auto tell = std::move(guest_in(here.of()).on_end);
        leave(std::move(here));
        if (tell)
            std::move(tell)();
    }

    static void leave(presence here) noexcept { here.of().leave(); }

    // What could not be published at once, on the executor that `here` is at. What was done to the
    // job's cancellation is not its outcome's: this is a line of coroutines of its own.
    void publish_beside(presence here, outcome<R>&& out)
    {
        const boost::asio::any_io_executor home = here.of().get_executor();
        launch(publish_and_leave(std::move(here), std::move(out)), home);
    }

    root_coroutine publish_and_leave(presence here, outcome<R> out)
    {
        const work_token running(here.of().get_executor());
        co_await this->publish_later(std::move(out));
        leave_guest(std::move(here));
    }

    static time_point about_now(const worker& w)
    {
        return time_service::of(w.get_executor()).rough_now();
    }

    root_coroutine run(presence here)
    {
        worker& w = here.of();
        const work_token running(w.get_executor());
        hand& mine = hand_of(w);
        const time_service& clock = time_service::of(w.get_executor());
        turn my_turn(clock);
        while (!mine.empty() || !this->should_leave(w)) {
            if (mine.empty() && !take(mine)) {
                w.begin_idle();
                auto next = co_await this->jobs().async_receive(
                    boost::asio::as_tuple(boost::asio::deferred));
                // A job that had come already when the worker was disturbed is none the worse.
                if (w.end_idle() || std::get<0>(next))
                    co_await boost::asio::this_coro::reset_cancellation_state();
                if (std::get<0>(next)) // disturbed
                    continue;
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
                outcome<R> out;
                numbered_job<Job>& item = mine.current();
                const bool suspends = work_.suspends(item.job);
                const time_point about = suspends ? clock.rough_now() : my_turn.looked();
                status how = this->take_up(w, item.number, about, suspends);
                if constexpr (Work::may_suspend) {
                    if (suspends) {
                        if (how == status::ok) {
                            try {
                                auto operation = work_.start(item.job, w);
                                if constexpr (std::is_void_v<R>) {
                                    co_await std::move(operation);
                                    out.set_value(value_type());
                                } else {
                                    out.set_value(co_await std::move(operation));
                                }
                            } catch (...) {
                                out.set_error(std::current_exception());
                            }
                            if (w.retired()) { // given up meanwhile: what came of it is nobody's
                                w.counts.late();
                                break;
                            }
                            how = this->conclude(w, item.number, out.has_value());
                            // What the job did to its cancellation stays with it.
                            if (!is_fresh(w, co_await boost::asio::this_coro::cancellation_state)) {
                                const own_filter fresh(w.own_filters);
                                co_await boost::asio::this_coro::reset_cancellation_state(fresh);
                            }
                            co_await boost::asio::this_coro::throw_if_cancelled(true);
                        }
                        end(w, std::move(item.number), how, out);
                    }
                }
                if constexpr (Work::may_run) {
                    if (!suspends)
                        run_plain(w, item, how, out);
                }
                const bool published = this->publish(item.job, out);
                mine.item.reset();
                if (!published)
                    co_await this->publish_later(std::move(out));
                turn_is_over = my_turn.is_over(clock);
            }
            if (turn_is_over) {
                co_await boost::asio::post(boost::asio::deferred);
                my_turn.begin(clock);
            }
        }
        w.leave();
    }

    // Whether a reset would change nothing. A reset costs several times as much as this look.
    static bool is_fresh(const worker& w, const boost::asio::cancellation_state& state) noexcept
    {
        return w.own_filters == own_filter::in_use && !state.slot().has_handler() &&
               state.cancelled() == boost::asio::cancellation_type::none;
    }

    // Takes what is there, if anything: one job, or where they are over at once a share of them.
    bool take(hand& mine)
    {
        if constexpr (Base::in_batches) {
            std::size_t share = 1;
            if constexpr (gathers)
                share = mine.share();
            if (share > 1)
                share = std::clamp<std::size_t>(this->jobs().size() / this->executors().size(), 1,
                                                share);
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
        if (mine.has_several())
            my_turn.measure(clock);
        bool over = false;
        while (!over && !mine.empty()) {
            numbered_job<Job>& item = mine.current();
            const status how = this->take_up(w, item.number, my_turn.looked(), false);
            run_plain(w, item, how, mine.ended.emplace_back());
            mine.next();
            over = my_turn.is_over(clock);
            if (my_turn.is_measured())
                mine.trust(my_turn.is_quick());
        }
        mine.published = this->publish_some(mine.ended);
        return over;
    }

    void run_plain(worker& w, numbered_job<Job>& item, status how, outcome<R>& out)
    {
        if (how == status::ok) {
            try {
                work_.call(item.job, w, out);
            } catch (...) {
                out.set_error(std::current_exception());
            }
            how = this->conclude(w, item.number, out.has_value());
        }
        end(w, std::move(item.number), how, out);
    }

    void end(const worker& w, ticket&& number, status how, outcome<R>& out) const noexcept
    {
        cancel_reason reason = cancel_reason::none;
        if (how != status::ok)
            reason = how == status::dropped ? this->stopping() : w.reason();
        out.end(std::move(number), how, reason);
    }

    void torn_down(worker& w) noexcept override
    {
        outcome<R> out = given_up(w);
        this->publish_now(item_of(w).job, std::move(out));
    }

    // The same for what the worker has at hand and is not at.
    void empty_hands(worker& w) noexcept override
    {
        if (w.is_guest()) {
            if (!guest_in(w).hand.empty())
                this->dropped(std::move(item_of(w)));
            return;
        }
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
