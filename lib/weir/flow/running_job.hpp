#pragma once

#include <weir/duration.hpp>
#include <weir/flow/job_id.hpp>

#include <cstdint>
#include <string>

namespace weir {

/// A job that a worker has begun and not ended, as seen from outside at one moment.
struct running_job {
    enum class place : std::uint8_t {
        on_thread, ///< it has its thread now: a plain callable, or a coroutine between two waits
        suspended, ///< it waits for something, and blocks no thread
        unknown,   ///< a coroutine in a pool without `on_stuck`: either
    };

    job_id id = 0;
    /// From its `job_options`.
    std::string name;
    /// How long it has been running.
    duration age{};
    place where = place::unknown;
};

/// The words for a place: "on the thread", "suspended", "running or suspended".
const char* to_string(running_job::place where) noexcept;

} // namespace weir
