#pragma once

#include <weir/run/cancel.hpp>

#include <cstddef>
#include <cstdint>

namespace weir {

/// The order in which results come.
enum class order : std::uint8_t {
    kept,         ///< that of the items: a call that takes long holds back later results
    as_completed, ///< that in which calls end
};

/// Options of one stage of a `pipeline`. Each setter returns the object, so that calls chain.
class stage_options {
public:
    stage_options() {}

    /// The order of the results. Default `order::kept`: it is what a loop does.
    stage_options& order(weir::order o)
    {
        order_ = o;
        return *this;
    }

    /// How many results may wait beyond the stage's limit, which counts running calls and waiting
    /// results together. Default 0: the least memory. With more, a stage goes on while the next
    /// one is slow for a moment, or while one long call holds back later results.
    stage_options& results(std::size_t count)
    {
        results_ = count;
        return *this;
    }

    weir::order order() const noexcept { return order_; }
    std::size_t results() const noexcept { return results_; }

private:
    weir::order order_ = weir::order::kept;
    std::size_t results_ = 0;
};

/// What became of the items of one stage. At the end, `entered == delivered + failed + dropped`.
struct stage_counts {
    std::uint64_t entered = 0;   ///< items pulled
    std::uint64_t delivered = 0; ///< results taken by the next stage or the consumer
    std::uint64_t failed = 0;    ///< calls that threw, cancelled ones aside
    std::uint64_t dropped = 0;   ///< cancelled calls, and results that were not taken
    /// Why the stage was cancelled; `none` when it was not.
    cancel_reason reason = cancel_reason::none;

    /// Running calls, and results that wait to be taken.
    std::uint64_t in_flight() const noexcept { return entered - delivered - failed - dropped; }
};

} // namespace weir
