#pragma once

#include <weir/detail/time_service.hpp>
#include <weir/duration.hpp>

namespace weir {

/// The time on the executor's clock: real, or virtual in a simulation.
///
/// Threads: safe from any thread.
template <class Executor>
time_point now(const Executor& executor)
{
    return detail::time_service::of(executor).now();
}

} // namespace weir
