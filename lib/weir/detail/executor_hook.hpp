#pragma once

namespace weir::detail {

/// Hears of every function that an executor runs.
class executor_hook {
public:
    executor_hook() = default;
    executor_hook(const executor_hook&) = delete;
    executor_hook& operator=(const executor_hook&) = delete;
    virtual ~executor_hook() = default;

    /// Around each function, on its thread. One may run inside another.
    virtual void enters() noexcept = 0;
    virtual void leaves() noexcept = 0;
    /// Whether the functions never run at the same time.
    virtual bool is_serial() const noexcept = 0;
};

} // namespace weir::detail
