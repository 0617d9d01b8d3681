#pragma once

#include <weir/detail/time_service.hpp>
#include <weir/detail/turn.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/pool/pool_queues.hpp>
#include <weir/flow/detail/pool/root_coroutine.hpp>
#include <weir/flow/detail/pool/taken_jobs.hpp>
#include <weir/flow/detail/pool/worker_kinds.hpp>
#include <weir/flow/outcome.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// What a pool's workers do: take a job, run it, publish its outcome, and again.
///
/// `Pool` is a `pool_queues`. `Work` runs a job in one of two ways, and `suspends(job)` says which:
/// `call(job, context, outcome)` runs it to its end (only when `may_be_plain`), and
/// `start(job, context)` gives what to await (only when `may_suspend`).
template <class Pool, class Work>
class worker_loop final : public Pool {
    using Job = typename Pool::job_type;
    using R = typename Pool::result_type;
    using executor_type = typename Pool::executor_type;

public:
    template <class... Args>
    [[gnu::cold]] explicit worker_loop(Work work, Args&&... args)
        : Pool(std::forward<Args>(args)...), work_(std::move(work))
    {
        if constexpr (!Work::may_suspend)
            this->one_worker_per_executor();
    }

    bool run_beside(executor_type where, numbered_job<Job>&& job,
                    std::unique_ptr<end_callback>&& on_end) override
    {
        worker_pointer made = this->new_temporary(std::move(where));
        if (!made)
            return false;
        temporary_type& fresh = as_temporary(*made);
        std::optional<worker_guard> entered = this->enter_temporary(std::move(made));
        if (!entered)
            return false;
        this->accept_directly();
        fresh.on_end = std::move(on_end);
        fresh.taken.put(std::move(job));
        this->start(std::move(*entered));
        return true;
    }

    void run_accepted(numbered_job<Job>&& job) override
    {
        worker_pointer made = this->new_temporary(executor_type());
        if (!made)
            return this->drop(std::move(job));
        temporary_type& fresh = as_temporary(*made);
        worker_guard entered = this->enter_for_accepted(std::move(made));
        fresh.taken.put(std::move(job));
        this->start(std::move(entered));
    }

private:
    // Only jobs that never suspend are taken ahead: a job that waits might wait for what is taken
    // behind it.
    static constexpr bool takes_several = Pool::in_batches && !Work::may_suspend;

    // An outcome may have its job: for a pool that keeps them.
    static constexpr bool keeps_copies =
        !Pool::delivers_to_job && std::is_copy_constructible_v<Job>;

    using taken_type = std::conditional_t<takes_several, taken_jobs<Job, R>, taken_job<Job>>;
    using resident_type = resident_worker<taken_type>;
    using temporary_type = temporary_worker<Job>;
    using access = outcome_access;

    static taken_type& taken_by(worker& w) noexcept { return static_cast<resident_type&>(w).taken; }
    static temporary_type& as_temporary(worker& w) noexcept
    {
        return static_cast<temporary_type&>(w);
    }
    static numbered_job<Job>& current_job(worker& w) noexcept
    {
        return w.is_temporary() ? as_temporary(w).taken.current() : taken_by(w).current();
    }

    [[gnu::cold]] worker_pointer make_worker(worker::role role, executor_type executor) override
    {
        if (role == worker::role::resident)
            return worker_pointer(new resident_type(std::move(executor)));
        return worker_pointer(new temporary_type(std::move(executor), this->temporary_counters()));
    }

    void run(worker_guard here) override
    {
        worker& w = *here;
        if (!w.is_temporary()) {
            if constexpr (takes_several)
                return launch(work_in_batches(std::move(here)), w);
            else
                return launch(work(std::move(here)), w);
        }
        if constexpr (Work::may_suspend)
            if (work_.suspends(current_job(w).job))
                return launch(run_one(std::move(here)), w);
        if constexpr (Work::may_be_plain)
            call_one(std::move(here));
    }

    // A resident worker, for jobs that are taken one by one. Its frame is what a worker costs: a
    // variable here is worth a thought.
    root_coroutine work(worker_guard here)
    {
        worker& w = *here;
        const work_token running(w.get_executor());
        taken_type& mine = taken_by(w);
        const time_service& clock = time_service::of(w.get_executor());
        turn my_turn(clock);
        while (!mine.empty() || !this->should_leave(w)) {
            if (mine.empty() && !take(mine)) {
                w.begin_idle();
                auto next = co_await next_job();
                const idle_ending how = end_idle(w, std::move(next));
                if (how.was_cancelled)
                    co_await boost::asio::this_coro::reset_cancellation_state();
                if (how.is_end)
                    break;
                if (mine.empty())
                    continue;
                my_turn.begin(clock);
            }
            outcome<R> out;
            numbered_job<Job>& job = mine.current();
            const bool suspends = work_.suspends(job.job);
            ending how = ending::now;
            if constexpr (Work::may_be_plain)
                if (!suspends)
                    how = run_plain(w, job, my_turn.looked(), out);
            if constexpr (Work::may_suspend) {
                if (suspends && try_begin(w, job, clock.rough_now(), out)) {
                    try {
                        auto operation = work_.start(job.job, w);
                        if constexpr (std::is_void_v<R>) {
                            co_await std::move(operation);
                            access::set_value(out, {});
                        } else {
                            access::set_value(out, co_await std::move(operation));
                        }
                    } catch (...) {
                        access::set_error(out, std::current_exception());
                    }
                    how = finish(w, job, out);
                    if (how == ending::late)
                        break;
                    // What the job did to its cancellation stays with it.
                    if (!is_fresh(w, co_await boost::asio::this_coro::cancellation_state)) {
                        const worker_filter fresh(w.filters);
                        co_await boost::asio::this_coro::reset_cancellation_state(fresh);
                    }
                    co_await boost::asio::this_coro::throw_if_cancelled(true);
                }
            }
            if (how == ending::again)
                mine.item.reset();
            else if (!publish_current(mine, out))
                if (auto later = publish_later(out); later.valid())
                    co_await std::move(later);
            if (my_turn.is_over(clock)) {
                co_await boost::asio::post(boost::asio::deferred);
                my_turn.begin(clock);
            }
        }
        w.leave();
    }

    // The same for jobs that are taken several at a time. What the two loops share stands in plain
    // functions. The awaiting is written out in both: a coroutine beneath them would cost a frame
    // and a resumption for each idle wait and each job.
    root_coroutine work_in_batches(worker_guard here)
    {
        worker& w = *here;
        const work_token running(w.get_executor());
        taken_type& mine = taken_by(w);
        const time_service& clock = time_service::of(w.get_executor());
        turn my_turn(clock);
        while (!mine.empty() || !this->should_leave(w)) {
            if (mine.empty() && !take(mine)) {
                w.begin_idle();
                auto next = co_await next_job();
                const idle_ending how = end_idle(w, std::move(next));
                if (how.was_cancelled)
                    co_await boost::asio::this_coro::reset_cancellation_state();
                if (how.is_end)
                    break;
                if (mine.empty())
                    continue;
                my_turn.begin(clock);
            }
            const bool turn_is_over = run_batch(w, my_turn, clock);
            while (mine.published < mine.ended.size())
                if (auto later = publish_later(mine.ended[mine.published++]); later.valid())
                    co_await std::move(later);
            mine.ended.clear();
            mine.published = 0;
            if (turn_is_over) {
                co_await boost::asio::post(boost::asio::deferred);
                my_turn.begin(clock);
            }
        }
        w.leave();
    }

    // A temporary worker. There may be a million of these frames.
    root_coroutine run_one(worker_guard here)
    {
        temporary_type& w = as_temporary(*here);
        const work_token running(w.get_executor());
        outcome<R> out;
        if (try_begin(w, w.taken.current(), about_now(w), out)) {
            try {
                auto operation = work_.start(w.taken.current().job, w);
                if constexpr (std::is_void_v<R>) {
                    co_await std::move(operation);
                    access::set_value(out, {});
                } else {
                    access::set_value(out, co_await std::move(operation));
                }
            } catch (...) {
                access::set_error(out, std::current_exception());
            }
            if (finish(w, w.taken.current(), out) != ending::now) {
                leave(std::move(here));
                co_return;
            }
        }
        publish_and_leave(std::move(here), std::move(out));
    }

    // A job that does not suspend needs no coroutine.
    void call_one(worker_guard here)
    {
        worker& w = *here;
        outcome<R> out;
        if (run_plain(w, current_job(w), about_now(w), out) == ending::again)
            return leave(std::move(here));
        publish_and_leave(std::move(here), std::move(out));
    }

    static time_point about_now(const worker& w)
    {
        return time_service::of(w.get_executor()).rough_now();
    }

    // ---- taking jobs

    // What is there, if anything: one job, or where jobs are over at once a share of them.
    bool take(taken_type& mine)
    {
        if constexpr (Pool::in_batches) {
            std::size_t share = 1;
            if constexpr (takes_several)
                share = mine.share();
            if (share > 1) {
                const std::size_t fair = this->jobs().size() / this->takers();
                if (fair < share)
                    share = fair > 0 ? fair : 1;
            }
            channel_access::try_take(this->jobs(), share, [&mine](numbered_job<Job>&& job) {
                mine.put(std::move(job));
            });
        } else {
            mine.item = this->number(this->jobs().try_receive());
        }
        return !mine.empty();
    }

    struct idle_ending {
        bool was_cancelled; // and must not stay so
        bool is_end;        // of the jobs
    };

    auto next_job()
    {
        if constexpr (is_channel<typename Pool::queue_type>)
            return channel_access::async_receive(this->jobs());
        else
            return this->jobs().async_receive(boost::asio::as_tuple(boost::asio::deferred));
    }

    using item_type = typename Pool::queue_type::value_type;

    idle_ending end_idle(worker& w, std::tuple<error_code, std::optional<item_type>>&& next)
    {
        return end_idle(w, received<item_type>(std::get<0>(next), std::move(std::get<1>(next))));
    }

    // Keeps the job that arrived, if one did. A worker that was disturbed has none, unless the job
    // arrived first.
    idle_ending end_idle(worker& w, received<item_type>&& next)
    {
        const bool disturbed = w.end_idle();
        if (next.error)
            return {true, false};
        auto job = this->number(std::move(next.value));
        if (job)
            taken_by(w).put(std::move(*job));
        else
            this->end_of_jobs();
        return {disturbed, !job};
    }

    // ---- running one job

    status begin(worker& w, numbered_job<Job>& job, time_point now, bool may_suspend)
    {
        if constexpr (keeps_copies)
            if (job.number.record) [[unlikely]]
                this->keep(job.number, std::as_const(job.job));
        if (!work_.begin(job.job, w, job.number.id))
            return this->end_unstarted(w, job.number, now, work_.asked(job.job));
        return this->begin_job(w, job.number, now, may_suspend);
    }

    // Without memory for its name, its timeout or its token it must not run.
    status begin_or_fail(worker& w, numbered_job<Job>& job, time_point now, bool may_suspend,
                         outcome<R>& out)
    {
        try {
            return begin(w, job, now, may_suspend);
        } catch (...) {
            access::set_error(out, std::current_exception());
            return this->end_job(w, job.number, false);
        }
    }

    /// How it went on with a job that was started.
    enum class ending {
        now,   // it ended, and `out` says how
        again, // it will be run again, and is gone
        late,  // it was abandoned meanwhile, and its result is discarded
    };

    // False: it must not start, and `out` says how it ended.
    bool try_begin(worker& w, numbered_job<Job>& job, time_point now, outcome<R>& out)
    {
        const status how = begin_or_fail(w, job, now, true, out);
        if (how != status::ok)
            end_unbegun(w, job, how, out);
        return how == status::ok;
    }

    [[gnu::cold]] void end_unbegun(worker& w, numbered_job<Job>& job, status how, outcome<R>& out)
    {
        if (how == status::failed && job.number.record && job.number.record->last_error)
            access::set_error(out, job.number.record->last_error);
        end(w, job, how, out);
    }

    ending finish(worker& w, numbered_job<Job>& job, outcome<R>& out)
    {
        if (w.retired()) {
            work_.ended_late(job.job);
            w.counts.late();
            return ending::late;
        }
        const bool has_value = access::has_value(out);
        if (!has_value && this->run_again(w, job, out)) [[unlikely]]
            return ending::again;
        end(w, job, this->end_job(w, job.number, has_value), out);
        return ending::now;
    }

    ending run_plain(worker& w, numbered_job<Job>& job, time_point now, outcome<R>& out)
    {
        const status how = begin_or_fail(w, job, now, false, out);
        if (how != status::ok) {
            end_unbegun(w, job, how, out);
            return ending::now;
        }
        try {
            work_.call(job.job, w, out);
        } catch (...) {
            access::set_error(out, std::current_exception());
        }
        const bool has_value = access::has_value(out);
        if (!has_value && this->run_again(w, job, out)) [[unlikely]]
            return ending::again;
        end(w, job, this->end_job(w, job.number, has_value), out);
        return ending::now;
    }

    void end(const worker& w, numbered_job<Job>& job, status how, outcome<R>& out) const noexcept
    {
        if constexpr (!Pool::delivers_to_job && !keeps_copies)
            this->keep(job.number, std::move(job.job));
        cancel_reason reason = cancel_reason::none;
        if (how != status::ok)
            reason = how == status::dropped ? this->stopping() : w.reason();
        access::end(out, std::move(job.number), how, reason);
    }

    // Until the batch is done, or the turn is over. Returns whether it is.
    bool run_batch(worker& w, turn& my_turn, const time_service& clock)
    {
        taken_type& mine = taken_by(w);
        if (mine.has_several())
            my_turn.measure(clock);
        bool over = false;
        while (!over && !mine.empty()) {
            outcome<R>& out = mine.ended.emplace_back();
            if (run_plain(w, mine.current(), my_turn.looked(), out) == ending::again)
                mine.ended.pop_back();
            mine.next();
            over = my_turn.is_over(clock);
            if (my_turn.is_measured())
                mine.trust(my_turn.is_quick());
        }
        if (!mine.empty())
            mine.forget_ended();
        mine.published = this->outlet().publish_some({mine.ended.data(), mine.ended.size()});
        return over;
    }

    // False: there is no room now; use `publish_later`.
    bool publish_current(taken_type& mine, outcome<R>& out)
    {
        return publish_and_forget(mine.item, out);
    }

    // A job is destroyed before its outcome is there: it may hold a permit.
    bool publish_and_forget(std::optional<numbered_job<Job>>& item, outcome<R>& out)
    {
        if constexpr (Pool::delivers_to_job) {
            const bool published = this->outlet().publish(item->job, out);
            item.reset();
            return published;
        } else {
            item.reset();
            return this->outlet().publish(out);
        }
    }

    // Whether a reset would change nothing. A reset costs several times as much as this look.
    static bool is_fresh(const worker& w, const boost::asio::cancellation_state& state) noexcept
    {
        return w.filters == worker_filter::in_use && !state.slot().has_handler() &&
               state.cancelled() == boost::asio::cancellation_type::none;
    }

    // ---- publishing where the worker does not go on

    void publish_and_leave(worker_guard here, outcome<R>&& out)
    {
        temporary_type& w = as_temporary(*here);
        if (publish_and_forget(w.taken.item, out))
            leave(std::move(here));
        else
            publish_beside(std::move(here), std::move(out));
    }

    // The root of a stack of its own: what was done to the job's cancellation is not done to its
    // outcome's.
    [[gnu::cold]] void publish_beside(worker_guard here, outcome<R>&& out)
    {
        const executor_type home = here->get_executor();
        std::optional<root_coroutine> publishing;
        try {
            publishing.emplace(publish_later_and_leave(here, out));
        } catch (const std::bad_alloc&) {
            this->outlet().publish_now(std::move(out));
            return leave(std::move(here));
        }
        launch(std::move(*publishing), home);
    }

    // `launch` begins it at once: until it has its frame, the outcome stays where it is.
    root_coroutine publish_later_and_leave(worker_guard& its, outcome<R>& ended)
    {
        worker_guard here(std::move(its));
        outcome<R> out(std::move(ended));
        std::optional<work_token> running;
        boost::asio::awaitable<void> later;
        try {
            running.emplace(here->get_executor());
            later = publish_later(out);
        } catch (const std::bad_alloc&) {
            this->outlet().publish_now(std::move(out));
        }
        if (later.valid())
            co_await std::move(later);
        leave(std::move(here));
    }

    // Waits for room, for an outcome that stays where it is. Without memory for that there is
    // nothing to await: the outcome goes to the hook.
    boost::asio::awaitable<void> publish_later(outcome<R>& out)
    {
        try {
            return this->outlet().publish_later(&out);
        } catch (const std::bad_alloc&) {
            this->outlet().publish_now(std::move(out));
            return boost::asio::awaitable<void>();
        }
    }

    static void leave(worker_guard here)
    {
        const std::unique_ptr<end_callback> on_end = std::move(as_temporary(*here).on_end);
        {
            const worker_guard left(std::move(here));
            left->leave();
        }
        if (on_end)
            on_end->job_ended();
    }

    // The outcome of a job that is given up while it still needs its own ticket.
    [[gnu::cold]] static outcome<R> abandoned(worker& w) noexcept
    {
        const ticket& own = current_job(w).number;
        ticket copy(own.id);
        try {
            if (own.record)
                copy.record = std::make_unique<job_record>(*own.record);
        } catch (const std::bad_alloc&) { // the id must do
        }
        return access::make<R>(std::move(copy), status::abandoned, w.reason());
    }

    [[gnu::cold]] void publish_abandoned(worker_guard beside, worker& w) override
    {
        outcome<R> out = abandoned(w);
        if (this->outlet().publish(current_job(w).job, out))
            leave(std::move(beside));
        else
            publish_beside(std::move(beside), std::move(out));
    }

    [[gnu::cold]] void lost(worker& w, bool in_a_job) noexcept override
    {
        if (in_a_job)
            return this->outlet().publish_now(current_job(w).job, abandoned(w));
        if (w.is_temporary()) {
            if (!as_temporary(w).taken.empty())
                this->drop(std::move(current_job(w)));
            return;
        }
        taken_type& mine = taken_by(w);
        if constexpr (takes_several) {
            for (; mine.published < mine.ended.size(); ++mine.published)
                this->outlet().publish_now(std::move(mine.ended[mine.published]));
            for (; !mine.empty(); mine.next())
                this->drop(std::move(mine.current()));
        } else if (!mine.empty()) {
            this->drop(std::move(mine.current()));
        }
    }

    Work work_;
};

} // namespace weir::detail
