#pragma once

#include <weir/run/cancel.hpp>

#include <cstddef>
#include <cstdint>

namespace weir {

/// In which order results come.
enum class order : std::uint8_t {
    kept,         ///< as the items came: one that takes long holds back those behind it
    as_completed, ///< as they are ready
};

/// How a stage of a pipeline works.
class stage_options {
public:
    stage_options() {}

    /// Default `order::kept`: what people expect who have written a loop before.
    stage_options& order(weir::order o)
    {
        order_ = o;
        return *this;
    }

    /// The limit counts calls under way together with results that wait to be taken; this many
    /// more may wait. Default 0: the least memory. More lets a stage go on while the next one is
    /// slow for a moment, or while a call that takes long holds back those behind it.
    stage_options& queue(std::size_t results)
    {
        queue_ = results;
        return *this;
    }

    weir::order order() const noexcept { return order_; }
    std::size_t queue() const noexcept { return queue_; }

private:
    weir::order order_ = weir::order::kept;
    std::size_t queue_ = 0;
};

/// The account of a stage: once all has ended, `entered = delivered + failed + dropped`.
struct stage_counts {
    std::uint64_t entered = 0;   ///< items pulled
    std::uint64_t delivered = 0; ///< results handed on
    std::uint64_t failed = 0;    ///< calls that threw for a reason of their own
    std::uint64_t dropped = 0;   ///< calls that were cancelled, and results nobody took
    /// Why it was cancelled; `none` when it was not.
    cancel_reason reason = cancel_reason::none;

    /// Calls under way, and results that wait to be taken.
    std::uint64_t under_way() const noexcept { return entered - delivered - failed - dropped; }
};

} // namespace weir
