#pragma once

#include <weir/flow/stage_options.hpp>
#include <weir/run/cancel.hpp>

#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::detail {

/// Pulls items from a range, one at a time. The range is not touched before the first `ready`, and
/// moves on only when the next item is asked for: a generator makes no item too early.
template <class Range>
class range_source {
    template <class R>
    static auto begin_of(R& range)
    {
        using std::begin;
        return begin(range);
    }
    template <class R>
    static auto end_of(R& range)
    {
        using std::end;
        return end(range);
    }

    using plain = std::remove_reference_t<Range>;
    using iterator = decltype(begin_of(std::declval<plain&>()));
    using sentinel = decltype(end_of(std::declval<plain&>()));
    using reference = decltype(*std::declval<iterator&>());

    // An input iterator goes stale when the next item is pulled, so its item is moved out first.
    static constexpr bool stays =
        std::is_lvalue_reference_v<reference> && std::forward_iterator<iterator>;

public:
    static constexpr bool pulls_at_once = true;
    using item_type = std::conditional_t<stays, reference, std::remove_cvref_t<reference>>;

    explicit range_source(Range&& range) : range_(std::forward<Range>(range)) {}

    /// Whether there is an item to take. An exception from the range ends it.
    bool ready()
    {
        if (ended_ || waiting_)
            return !ended_;
        try {
            if (place_)
                ++place_->next;
            else
                place_.emplace(begin_of(range_), end_of(range_));
            waiting_ = place_->next != place_->end;
        } catch (...) {
            stop();
            throw;
        }
        if (!waiting_)
            stop();
        return waiting_;
    }

    /// Precondition: `ready()`.
    item_type take()
    {
        waiting_ = false;
        return static_cast<item_type>(*place_->next);
    }

    /// Whether it was seen to have no more items.
    bool has_ended() const noexcept { return ended_; }

    /// The range is not touched after this.
    void stop(cancel_reason = cancel_reason::none) noexcept
    {
        ended_ = true;
        place_.reset();
    }

    void append_counts(std::vector<stage_counts>&) const {}

private:
    struct place {
        place(iterator n, sentinel e) : next(std::move(n)), end(std::move(e)) {}
        iterator next;
        sentinel end;
    };

    Range range_; // a reference, or the range itself
    std::optional<place> place_;
    bool waiting_ = false; // the item at `next` was not taken yet
    bool ended_ = false;
};

} // namespace weir::detail
