#include <weir/run/runner_pool.hpp>

#include <weir/detail/short_mutex.hpp>
#include <weir/detail/waiter.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace weir {

namespace {

#if defined(__linux__)

std::vector<int> available_cores()
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0)
        throw std::system_error(errno, std::generic_category(), "weir::runner_pool: which cores");
    std::vector<int> cores;
    for (int core = 0; core < CPU_SETSIZE; ++core)
        if (CPU_ISSET(core, &set))
            cores.push_back(core);
    return cores;
}

int set_affinity(std::thread& thread, int core)
{
    if (core < 0 || core >= CPU_SETSIZE)
        return EINVAL;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    return ::pthread_setaffinity_np(thread.native_handle(), sizeof set, &set);
}

void set_name(std::thread& thread, const std::string& prefix, std::size_t number)
{
    const std::string suffix = "-" + std::to_string(number);
    const std::string name = prefix.substr(0, 15 - std::min<std::size_t>(15, suffix.size()));
    ::pthread_setname_np(thread.native_handle(),
                         (name + suffix).c_str()); // only for debugging: failure is ignored
}

#else

std::vector<int> available_cores()
{
    return {0};
}
int set_affinity(std::thread&, int)
{
    return ENOTSUP;
}
void set_name(std::thread&, const std::string&, std::size_t) {}

#endif

void pin(std::thread& thread, int core)
{
    if (const int error = set_affinity(thread, core))
        throw std::system_error(error, std::generic_category(),
                                "weir::runner_pool: a runner cannot be pinned to core " +
                                    std::to_string(core));
}

// Contexts open their descriptors with the first timer or socket, and are quicker until then. This
// opens as many as they would, and closes them again: here a lack of them can still be reported.
void look_for_descriptors(std::size_t contexts)
{
    std::vector<std::unique_ptr<boost::asio::io_context>> like_them;
    for (std::size_t i = 0; i < contexts; ++i) {
        like_them.push_back(std::make_unique<boost::asio::io_context>(1));
        const boost::asio::steady_timer timer(*like_them.back());
    }
}

duration poll_time(const runner_pool_options& options, std::size_t runners)
{
    const bool useful = runners > 1 && std::thread::hardware_concurrency() > 1;
    return options.poll_first().value_or(useful ? std::chrono::microseconds(10)
                                                : std::chrono::microseconds(0));
}

} // namespace

struct runner_pool::runner {
    explicit runner(std::unique_ptr<boost::asio::io_context> made);
    explicit runner(boost::asio::io_context& yours);
    runner(const runner&) = delete;
    runner& operator=(const runner&) = delete;
    ~runner();

    std::unique_ptr<boost::asio::io_context> own; // none: the context is yours
    boost::asio::io_context& context;
    boost::asio::executor_work_guard<executor_type> work;
    std::thread thread;
    std::uint64_t idle_in_round = 0;
};

runner_pool::runner::runner(std::unique_ptr<boost::asio::io_context> made) : runner(*made)
{
    own = std::move(made);
}

runner_pool::runner::runner(boost::asio::io_context& yours)
    : context(yours), work(context.get_executor())
{
    detail::only_one_thread(context);
}

runner_pool::runner::~runner()
{
    detail::any_threads(context); // they may run it now
}

std::size_t runner_pool::default_size() noexcept
{
    return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

runner_pool::runner_pool(std::size_t runners) : runner_pool(runner_pool_options().runners(runners))
{
}

runner_pool::runner_pool(const runner_pool_options& options)
    : on_error_(options.on_error()), poll_first_(poll_time(options, options.runners()))
{
    look_for_descriptors(options.runners());
    runners_.reserve(options.runners());
    for (std::size_t i = 0; i < options.runners(); ++i)
        runners_.push_back(std::make_unique<runner>(std::make_unique<boost::asio::io_context>(1)));
    start_threads(options);
}

runner_pool::runner_pool(const std::vector<boost::asio::io_context*>& contexts,
                         const runner_pool_options& options)
    : on_error_(options.on_error()), poll_first_(poll_time(options, contexts.size()))
{
    if (contexts.empty())
        throw std::invalid_argument("weir::runner_pool: at least one context is needed");
    for (auto at = contexts.begin(); at != contexts.end(); ++at)
        if (*at == nullptr || std::find(contexts.begin(), at, *at) != at)
            throw std::invalid_argument(
                "weir::runner_pool: a context is null or given twice; one thread runs each");
    look_for_descriptors(contexts.size());
    runners_.reserve(contexts.size());
    for (boost::asio::io_context* context : contexts)
        runners_.push_back(std::make_unique<runner>(*context));
    start_threads(options);
}

// No thread runs anything before all have started: a constructor that throws has run nothing.
void runner_pool::start_threads(const runner_pool_options& options)
{
    try {
        const std::vector<int> cores =
            options.pin_to().empty() && options.pins() ? available_cores() : options.pin_to();
        for (std::size_t i = 0; i < runners_.size(); ++i) {
            runner& r = *runners_[i];
            r.thread = std::thread([this, &r] { run(r); });
            if (options.pins())
                pin(r.thread, cores[i % cores.size()]);
            if (!options.name().empty())
                set_name(r.thread, options.name(), i);
        }
        start_ = start::go;
    } catch (...) {
        start_ = start::failed;
        start_.notify_all();
        join_threads();
        throw;
    }
    start_.notify_all();
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
    start_.wait(start::not_yet);
    if (start_ == start::failed)
        return;
    do {
        r.context.restart();
        if (stopping_) // before `restart` undid it
            return;
        if (work(r) != 0)
            new_round();
    } while (!stopping_ && !all_idle(r));
}

// Until the context is stopped, or out of work.
std::size_t runner_pool::work(runner& r) noexcept
{
    if (poll_first_ == duration::zero())
        return drive([&r] { return r.context.run(); });
    std::size_t ran = 0;
    while (!r.context.stopped()) {
        ran += poll(r);
        ran += drive([&r] { return r.context.run_one(); });
    }
    return ran;
}

// Until nothing has come for the time in the options. The clock is not read while there is work,
// and only now and then while there is none: to read it costs about as much as to look for work.
std::size_t runner_pool::poll(runner& r) noexcept
{
    constexpr unsigned rounds_between_looks = 16;
    constexpr unsigned pauses = 4; // a thread that brings work needs the context's lock
    const detail::time_service& clock = detail::time_service::of(r.context.get_executor());
    std::size_t ran = 0;
    time_point until{};
    for (unsigned idle = 0; !stopping_;) {
        const std::size_t now = drive([&r] { return r.context.poll(); });
        ran += now;
        if (now != 0) {
            idle = 0;
            continue;
        }
        if (++idle % rounds_between_looks == 0) {
            if (r.context.stopped())
                break;
            const time_point looked = clock.now();
            if (idle == rounds_between_looks)
                until = saturating_add(looked, poll_first_);
            else if (looked >= until)
                break;
        }
        for (unsigned i = 0; i < pauses; ++i)
            detail::pause(i);
    }
    return ran;
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

// A runner without work may still get some from another that is busy. So in `join` it goes on
// looking, in rounds: a round ends when every runner has looked once since it began and found
// nothing, and a new one begins whenever a runner has run something. False: there is work again.
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
            if (ran == 0) // it does not look at all when its time is over before it begins
                ran = drive([&r] { return r.context.poll_one(); });
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
