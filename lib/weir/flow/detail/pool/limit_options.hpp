#pragma once

#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/sync/limit.hpp>

#include <cstdint>
#include <optional>

namespace weir::detail {

/// The limits of a pool besides the number of its workers.
struct limit_options {
    struct starts {
        weir::rate each;
        std::uint64_t burst;
    };

    limit per_key = unlimited;
    double key_share = 1;
    limit bytes = unlimited;
    std::optional<starts> rate;
    std::optional<retry_policy> retry;
    std::optional<breaker_options> breaker;
};

} // namespace weir::detail
