#pragma once

#include <weir/duration.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// How a runner pool is made. Each setter returns the object, so that calls can be chained.
class runner_pool_options {
public:
    /// Called on the runner's thread. Must not throw.
    using error_sink = std::function<void(std::exception_ptr)>;

    runner_pool_options();

    /// How many runners, from 1. Default `runner_pool::default_size()`, because more threads than
    /// processors only take turns. A pool over contexts of yours has one for each of them.
    runner_pool_options& runners(std::size_t number);

    /// Called with an exception that leaves a handler; the runner then goes on. Default: none, and
    /// such an exception ends the program.
    runner_pool_options& on_error(error_sink sink);

    /// How long a runner without work looks for some before it sleeps. To wake a sleeping runner
    /// goes through the kernel and costs both threads microseconds; one that still looks finds the
    /// work in a tenth of that. Default ten microseconds, about what the wake-up costs, when there
    /// are several runners and several processors; otherwise zero, because no other runner could
    /// give it work meanwhile. Set zero where idle power matters more.
    runner_pool_options& poll_first(duration length);

    /// Keeps each runner on one core: the first runner on the first core that this process may use,
    /// and so on, in turn. Default: the kernel moves the threads, which is better unless nothing
    /// else runs on those cores.
    runner_pool_options& pin();
    /// The same, on these cores, in this order.
    runner_pool_options& pin_to(std::vector<int> cores);

    /// The threads' name in `top` and in a debugger: this prefix and a number, at most 15
    /// characters. Default: the program's name.
    runner_pool_options& name(std::string prefix);

    std::size_t runners() const noexcept { return runners_; }
    const error_sink& on_error() const noexcept { return on_error_; }
    /// Empty: the default, which depends on the number of runners.
    std::optional<duration> poll_first() const noexcept { return poll_first_; }
    bool pins() const noexcept { return pins_; }
    /// Empty: the cores that this process may use.
    const std::vector<int>& pin_to() const noexcept { return cores_; }
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
