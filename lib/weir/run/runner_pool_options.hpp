#pragma once

#include <weir/duration.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// How a runner pool is made. Each setter returns the object, so that they may be chained.
class runner_pool_options {
public:
    /// Called on the runner's thread. Must not throw.
    using error_sink = std::function<void(std::exception_ptr)>;

    runner_pool_options();

    /// How many runners, from 1. Default `std::thread::hardware_concurrency()` (1 when that is
    /// unknown), for more threads than cores only take turns. A pool over contexts of yours has one
    /// for each of them.
    runner_pool_options& runners(std::size_t number);

    /// Where an exception goes that leaves a handler; the runner goes on. Default: none, and such
    /// an exception ends the program.
    runner_pool_options& on_error(error_sink sink);

    /// How long a runner that has nothing to do looks for work before it sleeps. Another that has
    /// work for one asleep wakes it by the kernel, which takes some microseconds of both; one that
    /// still looks finds it in a tenth of that. Default ten microseconds, about what the waking
    /// costs, where there are several runners and several processors; otherwise zero, for nobody
    /// could bring it work while it looks. Zero where idle power matters more.
    runner_pool_options& poll_first(duration length);

    /// Each runner stays on one core: the first on the first that this process may use, and so on,
    /// in turn. Default: the kernel moves them as it thinks best, which is better unless nothing
    /// else runs on those cores.
    runner_pool_options& pin();
    /// The same, on these cores, in this order.
    runner_pool_options& pin_to(std::vector<int> cores);

    /// What its threads are called in `top` and in a debugger: this and a number, 15 characters at
    /// most. Default: as the program.
    runner_pool_options& name(std::string prefix);

    std::size_t runners() const noexcept { return runners_; }
    const error_sink& on_error() const noexcept { return on_error_; }
    /// Empty: the default, which depends on how many there are.
    std::optional<duration> poll_first() const noexcept { return poll_first_; }
    bool pins() const noexcept { return pins_; }
    /// Empty: those this process may use.
    const std::vector<int>& cores() const noexcept { return cores_; }
    const std::string& name() const noexcept { return name_; }

private:
    std::size_t runners_;
    error_sink on_error_;
    std::optional<duration> poll_first_;
    bool pins_ = false;
    std::vector<int> cores_;
    std::string name_;
};

} // namespace weir
