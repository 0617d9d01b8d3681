#pragma once

#include <weir/detail/list.hpp>
#include <weir/error.hpp>
#include <weir/run/detail/lane/lane_callers.hpp>

#include <memory>

namespace weir::detail {

class lane_state;

/// What a lane has in a line: a callable that waits for its turn, or a wait for the lane's end.
class lane_job : public list_node<> {
public:
    lane_job(const lane_job&) = delete;
    lane_job& operator=(const lane_job&) = delete;

protected:
    lane_job() = default;
    ~lane_job() = default;

private:
    friend class lane_state;

    /// On the lane: calls the callable, keeps its result, and destroys the callable.
    virtual void call() noexcept = 0;
    /// Completes the wait, with an error when the callable was not called or the lane is not
    /// closed. Called once, outside locks. The job may be gone when this returns.
    virtual void ended(error_code why) noexcept = 0;

    std::shared_ptr<lane_callers> callers_;
    list<lane_job>* line_ = nullptr; // where it waits; null when a thread has taken it
    bool wake_up_destroyed_ = false; // while a thread still had it
};

} // namespace weir::detail
