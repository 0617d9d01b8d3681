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

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// A worker, and the job it is at. The job is here and not in the coroutine, so that it can still
/// be told of when the coroutine is gone.
template <class Job>
class typed_worker final : public worker {
public:
    using worker::worker;

    std::optional<numbered_job<Job>> item;
};

/// The coroutine of a pool's workers.
///
/// `Base` is a `pool_core` that has the jobs: `job_type`, `result_type`, `jobs()`,
/// `publish(job, outcome)`, which is true when that is done, and `publish_later(outcome)`, which is
/// awaited when it has to wait.
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
        static_cast<worker_type&>(w).item.emplace(std::move(item));
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
    using worker_type = typed_worker<Job>;

    static numbered_job<Job>& item_of(worker& w) noexcept
    {
        return *static_cast<worker_type&>(w).item;
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
        worker_type& w = static_cast<worker_type&>(here.of());
        const time_service& clock = time_service::of(w.get_executor());
        turn my_turn(clock);
        if (first)
            co_await this->publish_later(std::move(*first));
        while (w.item || !(w.is_guest() || this->should_leave(w))) {
            if (!w.item)
                w.item = this->number(this->jobs().try_receive());
            if (!w.item) {
                w.set_idle(true);
                auto next = co_await this->jobs().async_receive(
                    boost::asio::as_tuple(boost::asio::deferred));
                w.set_idle(false);
                if (std::get<0>(next)) { // disturbed
                    co_await boost::asio::this_coro::reset_cancellation_state();
                    continue;
                }
                w.item = this->number(std::move(std::get<1>(next)));
                if (!w.item) {
                    this->end_of_jobs();
                    break;
                }
                my_turn.begin(clock);
            }

            std::optional<value_type> value;
            std::exception_ptr error;
            ticket& number = w.item->number;
            const bool suspends = work_.suspends(w.item->job);
            status how =
                this->take_up(w, number, suspends ? clock.now() : my_turn.looked(), suspends);
            if (how == status::ok) {
                try {
                    if constexpr (Work::may_suspend) {
                        if (suspends) {
                            auto operation = work_.start(w.item->job, w);
                            if constexpr (std::is_void_v<R>) {
                                co_await std::move(operation);
                                value.emplace();
                            } else {
                                value.emplace(co_await std::move(operation));
                            }
                        }
                    }
                    if constexpr (Work::may_run) {
                        if (!suspends)
                            value.emplace(work_.call(w.item->job, w));
                    }
                } catch (...) {
                    error = std::current_exception();
                }
                if (w.retired()) { // given up meanwhile: what came of it is nobody's
                    w.counts.late();
                    break;
                }
                how = this->conclude(w, number, value.has_value());
                if constexpr (Work::may_suspend) // what the job did to its cancellation stays with
                    co_await boost::asio::this_coro::reset_cancellation_state(); // it
            }
            outcome<R> out =
                value ? outcome<R>::ok(std::move(number), std::move(*value))
                      : outcome<R>(std::move(number), how, std::move(error), why(w, how));
            out.set_attempts(how == status::dropped ? 0 : 1);
            const bool published = this->publish(w.item->job, out);
            w.item.reset();
            if (!published)
                co_await this->publish_later(std::move(out));
            if (my_turn.is_over(clock)) {
                co_await boost::asio::post(boost::asio::deferred);
                my_turn.begin(clock);
            }
        }
        w.leave();
    }

    cancel_reason why(const worker& w, status how) const noexcept
    {
        return how == status::dropped ? this->stopping() : w.reason();
    }

    void torn_down(worker& w) noexcept override
    {
        outcome<R> out = given_up(w);
        this->publish_now(item_of(w).job, std::move(out));
    }

    void drop_unstarted(worker& w) noexcept override
    {
        if (auto& item = static_cast<worker_type&>(w).item)
            this->dropped(std::move(*item));
    }

    Work work_;
};

} // namespace weir::detail
