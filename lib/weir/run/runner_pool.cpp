#include <weir/run/runner_pool.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace weir {

std::size_t runner_pool::default_size() noexcept
{
    return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

runner_pool::runner_pool(std::size_t runners, error_sink on_error) : on_error_(std::move(on_error))
{
    if (runners == 0)
        throw std::invalid_argument("weir::runner_pool: at least one runner is needed");
    runners_.reserve(runners);
    for (std::size_t i = 0; i < runners; ++i)
        runners_.push_back(std::make_unique<runner>());
    try {
        for (auto& r : runners_)
            r->thread = std::thread([this, &r = *r] { run(r); });
    } catch (...) {
        stop();
        join_threads();
        throw;
    }
}

runner_pool::~runner_pool()
{
    stop();
    join_threads();
}

runner_pool::executor_type runner_pool::executor(std::size_t index) const
{
    return runners_.at(index)->context.get_executor();
}

runner_pool::executor_type runner_pool::get_executor() noexcept
{
    const std::size_t turn = next_.fetch_add(1, std::memory_order_relaxed);
    return runners_[turn % runners_.size()]->context.get_executor();
}

std::vector<boost::asio::any_io_executor> runner_pool::executors() const
{
    std::vector<boost::asio::any_io_executor> all;
    all.reserve(runners_.size());
    for (const auto& r : runners_)
        all.emplace_back(r->context.get_executor());
    return all;
}

void runner_pool::join()
{
    if (running_in_this_thread())
        throw std::logic_error(
            "weir::runner_pool::join: called on a runner, which would wait for itself");
    for (auto& r : runners_)
        r->work.reset();
    join_threads();
}

void runner_pool::stop() noexcept
{
    stopping_ = true;
    for (auto& r : runners_)
        r->context.stop();
}

bool runner_pool::running_in_this_thread() const noexcept
{
    const auto self = std::this_thread::get_id();
    return std::any_of(runners_.begin(), runners_.end(),
                       [self](const auto& r) { return r->thread.get_id() == self; });
}

void runner_pool::run(runner& r) noexcept
{
    do {
        r.context.restart();
        if (stopping_) // before `restart` undid it
            return;
        if (drive([&r] { return r.context.run(); }) != 0)
            new_round();
    } while (!stopping_ && !all_idle(r));
}

// Runs a step to its end, whatever its handlers throw.
template <class Step>
std::size_t runner_pool::drive(Step step) noexcept
{
    std::size_t thrown = 0;
    for (;;) {
        try {
            return step() + thrown;
        } catch (...) {
            if (!on_error_)
                std::terminate();
            on_error_(std::current_exception());
            ++thrown;
        }
    }
}

// A runner without work may still be given some by another that has not finished. So in `join` it
// goes on looking, in rounds: a round is over when every runner has looked once since it began and
// found nothing, and begins anew whenever one has run something. False: there is work again.
bool runner_pool::all_idle(runner& r) noexcept
{
    for (;;) {
        std::uint64_t began = 0;
        {
            std::lock_guard lock(idle_mutex_);
            began = round_;
        }
        std::size_t ran = 0;
        {
            const auto stay = boost::asio::make_work_guard(r.context);
            r.context.restart();
            if (stopping_)
                return true;
            ran = drive([&r] { return r.context.run_one_for(std::chrono::milliseconds(1)); });
        }
        if (ran != 0) {
            new_round();
            return false;
        }
        std::lock_guard lock(idle_mutex_);
        if (began == round_ && r.idle_in_round != round_) {
            r.idle_in_round = round_;
            ++idle_;
        }
        if (idle_ == runners_.size() || stopping_)
            return true;
    }
}

void runner_pool::new_round() noexcept
{
    std::lock_guard lock(idle_mutex_);
    ++round_;
    idle_ = 0;
}

void runner_pool::join_threads() noexcept
{
    for (auto& r : runners_)
        if (r->thread.joinable())
            r->thread.join();
}

} // namespace weir
