#include "proof/mixture.hpp"

#include <weir/time/sleep.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace weir::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

pool_options options_from(sim::world& w)
{
    pool_options options(1 + w.choose(3));
    constexpr overflow rules[] = {overflow::wait, overflow::reject, overflow::drop_oldest,
                                  overflow::drop_newest, overflow::caller_runs};
    options.queue(w.choose(3)).results(w.choose(3)).grace(2s).when_full(rules[w.choose(5)]);
    if (w.choose(2) == 1)
        options.timeout(3s);
    if (w.choose(2) == 1)
        options.timings();
    return options;
}

} // namespace

mixture::mixture(sim::world& w)
    : world_(w), limit_(1 + w.choose(3)), most_(limit_), a_(w), b_(w),
      semaphore_(std::make_unique<semaphore>(a_.get_executor(), limit_)),
      channel_(std::make_unique<channel<value>>(b_.get_executor(), w.choose(3),
                                                [this](value&& v) { values_.undelivered(v); }))
{
    const std::vector<asio::any_io_executor> executors = {a_.get_executor(), b_.get_executor()};
    const auto handler = [this](int n) { return job(n); };
    const auto lost = [this](outcome<int>&& out) { record(out); };
    pool_ = std::make_unique<pool>(executors, options_from(w), handler, lost);
}

void mixture::run()
{
    a_.spawn([this] { return own_children(); }, "the owner of a scope");
    b_.spawn([this] { return feed(); }, "submitter of jobs");
    a_.spawn([this] { return collect(); }, "collector of outcomes");
    a_.spawn([this] { return receive(cancel_receiver_[0]); }, "a receiver");
    b_.spawn([this] { return receive(cancel_receiver_[1]); }, "another receiver");
    b_.spawn([this] { return end_it_all(); }, "ends everything");
    arm_faults();
    while (world_.run_one())
        look();
    world_.run_to_end();

    expect(children_at_work_ == 0 && jobs_at_work_ == 0, "no work is left at the end");
    expect(semaphore_->in_use() == 0, "every permit has come back");
    expect(semaphore_->waiters() == 0, "no acquire waits at the end");
    check_line();
    check_jobs();
    channel_.reset();
    values_.check();
}

void mixture::arm_faults()
{
    if (world_.choose(2) == 1)
        a_.at_some_step([this] {
            if (scope_ != nullptr)
                scope_->cancel();
        });
    if (world_.choose(3) == 1)
        world_.at_some_step([this] { pool_->stop(cancel_reason::requested); });
    if (world_.choose(4) == 1)
        world_.at_some_step([this] {
            channel_closed_ = true;
            channel_->close();
        });
    if (world_.choose(4) == 1)
        world_.at_some_step([this] { semaphore_->close(); });
    if (world_.choose(2) == 1) {
        const std::size_t to = 1 + world_.choose(3);
        world_.at_some_step([this, to] {
            most_ = std::max(most_, to);
            semaphore_->resize(to);
        });
    }
    if (world_.choose(4) == 1)
        world_.at_some_step([this] {
            pool_->resize(paused);
            world_.at_some_step([this] { pool_->resize(1 + world_.choose(3)); });
        });
    for (sim::context* c : {&a_, &b_})
        if (world_.choose(3) == 1)
            c->at_some_step([this, c] {
                cancel_receiver_[c == &a_ ? 0 : 1].emit(asio::cancellation_type::partial);
            });
}

void mixture::add_to(events& sum) const
{
    for (const auto& [id, how] : outcomes_)
        ++sum.jobs[how];
    sum.jobs_rejected += rejected_;
    for (const acquirer& x : line_)
        ++(x.granted_by_then != 0 ? sum.granted : sum.not_granted);
    sum.received += values_.count(fates::fate::received);
    sum.handed_back += values_.count(fates::fate::handed_back);
    sum.undelivered += values_.count(fates::fate::undelivered);
}

// Must hold after every step.
void mixture::look() const
{
    expect(semaphore_->in_use() <= most_, "no more permits than there are");
    const ledger l = pool_->ledger();
    expect(l.finished() <= l.started, "no job ends that was not started");
    expect(l.started + l.dropped <= l.accepted, "no job starts that was not accepted");
}

asio::awaitable<void> mixture::pause()
{
    const auto length = world_.choose(4) * 1s;
    co_await async_sleep_for(co_await asio::this_coro::executor, length, asio::use_awaitable);
}

// Acquires a permit, works for a while, sends a value.
asio::awaitable<void> mixture::work(int& count)
{
    const at_work here(count);
    const std::size_t place = line_.size();
    const std::size_t weight = 1 + world_.choose(2);
    line_.push_back({weight});
    auto answer = co_await semaphore_->async_acquire(weight, quietly);
    if (std::get<0>(answer)) {
        expect(!std::get<1>(answer), "a permit, or an error");
        co_return;
    }
    line_[place].granted_by_then = released_ + semaphore_->in_use();
    const holding held(*this, std::move(std::get<1>(answer)));
    co_await pause();
    // A cancelled coroutine throws at its next `co_await`, and the value would be lost with it.
    co_await asio::this_coro::throw_if_cancelled(false);
    value v = values_.make();
    const std::size_t number = v.number();
    auto sent = co_await channel_->async_send(std::move(v), quietly);
    auto& result = std::get<0>(sent);
    if (result) {
        values_.told_sent(number);
    } else {
        expect(result.value().number() == number, "the value handed back is the one that was sent");
        values_.handed_back(number);
    }
    co_await asio::this_coro::throw_if_cancelled(true);
    co_await pause();
    if (world_.choose(4) == 0)
        throw std::runtime_error("a job failed");
}

mixture::holding::~holding()
{
    mixture_.released_ += permit_.weight();
}

asio::awaitable<void> mixture::own_children()
{
    scope children(co_await asio::this_coro::executor);
    scope_ = &children;
    const std::size_t n = 1 + world_.choose(4);
    for (std::size_t i = 0; i < n; ++i)
        children.spawn(work(children_at_work_));
    try {
        co_await children.join();
    } catch (const std::exception&) {
    }
    scope_ = nullptr;
    expect(children_at_work_ == 0, "children are joined");
}

asio::awaitable<int> mixture::job(int n)
{
    expect(!pool_over_, "no job starts after its pool said done");
    if (world_.choose(6) == 0) { // does not honour cancellation
        const at_work here(jobs_at_work_);
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await async_sleep_for(co_await asio::this_coro::executor, 8s, asio::use_awaitable);
        co_return n;
    }
    co_await work(jobs_at_work_);
    co_return n;
}

asio::awaitable<void> mixture::feed()
{
    const std::size_t n = 1 + world_.choose(6);
    for (std::size_t i = 0; i < n; ++i) {
        job_options said;
        if (world_.choose(3) == 1)
            said.name("one with a deadline").deadline(world_.now() + (1 + world_.choose(6)) * 1s);
        auto submitted =
            co_await pool_->async_submit(static_cast<int>(i), said, asio::use_awaitable);
        if (submitted) {
            expect(accepted_.insert(submitted.id()).second, "each job has a number of its own");
        } else {
            expect(submitted.job() == static_cast<int>(i), "a rejected job is handed back");
            ++rejected_;
        }
    }
    co_await drain();
}

asio::awaitable<void> mixture::drain()
{
    const drain_report report = co_await pool_->drain(world_.choose(3) * 4s);
    pool_over_ = true;
    expect(report.complete, "a drain is complete");
}

// Also called from the pool's hook, which must not throw.
void mixture::record(const outcome<int>& out) noexcept
{
    outcomes_once_.expect(outcomes_.emplace(out.id(), out.status()).second,
                          "each job has one outcome");
}

asio::awaitable<void> mixture::collect()
{
    const std::size_t enough = world_.choose(2) == 0 ? 1000 : world_.choose(4);
    for (std::size_t i = 0; i < enough; ++i) {
        auto next = co_await pool_->results().async_receive(quietly);
        if (!std::get<1>(next))
            break;
        record(*std::get<1>(next));
    }
}

asio::awaitable<void> mixture::receive(asio::cancellation_signal& cancel)
{
    for (;;) {
        auto token = asio::bind_cancellation_slot(cancel.slot(), quietly);
        auto next = co_await channel_->async_receive(token);
        const auto& [error, v] = next;
        if (!v) {
            if (!error) {
                expect(channel_closed_, "the stream ends when it is closed");
                values_.ended();
            }
            co_return;
        }
        values_.received(*v);
    }
}

// Operations that still wait then complete.
asio::awaitable<void> mixture::end_it_all()
{
    co_await async_sleep_for(co_await asio::this_coro::executor, 60s, asio::use_awaitable);
    channel_closed_ = true;
    channel_->close();
    semaphore_->close();
    co_await drain(); // even if it was drained before
}

// Grants go to the first waiters in line, leaving out those that gave up.
void mixture::check_line() const
{
    std::size_t sum = 0;
    for (const acquirer& x : line_)
        if (x.granted_by_then != 0) {
            sum += x.weight;
            expect(sum <= x.granted_by_then, "first come, first served");
        }
}

void mixture::check_jobs() const
{
    outcomes_once_.check();
    const ledger l = pool_->ledger();
    expect(l.balanced(), "the ledger balances");
    expect(l.accepted == accepted_.size() && l.rejected == rejected_, "the ledger has every job");
    std::map<status, std::uint64_t> ended;
    for (const auto& [id, how] : outcomes_) {
        expect(accepted_.count(id) == 1, "no outcome without a job");
        ++ended[how];
    }
    // Some outcomes may still be in the results, not received.
    expect(outcomes_.size() + pool_->results().size() == accepted_.size(),
           "each job has an outcome");
    expect(ended[status::ok] <= l.ok && ended[status::failed] <= l.failed &&
               ended[status::cancelled] <= l.cancelled && ended[status::timed_out] <= l.timed_out &&
               ended[status::dropped] <= l.dropped && ended[status::abandoned] <= l.abandoned,
           "the ledger agrees with the outcomes");
}

} // namespace weir::test
