#pragma once

#include <weir/flow/detail/pool/pool_queues.hpp>
#include <weir/flow/outcome.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// A worker pool's outcomes: a queue, and a hook for those that will not be received.
template <class R, class Results>
class result_outlet {
public:
    using result_type = R;
    using hook = std::function<void(outcome<R>&&)>;

    template <class Source>
    [[gnu::cold]] result_outlet(const pool_state& owner, [[maybe_unused]] Source& source,
                                hook on_undelivered)
        : discards_(owner.options().discards_results()), undelivered_(std::move(on_undelivered))
    {
        if constexpr (std::is_same_v<Source, own_queue>)
            open_own(results_, owner, owner.options().results(), overflow::wait, undelivered_);
        else
            results_.emplace(source, Results::plain_side_of_results, std::span(owner.executors()),
                             undelivered_);
        if (discards_)
            results_->close();
    }

    Results& results() noexcept { return *results_; }
    [[gnu::cold]] void close() noexcept { results_->close(); }
    std::size_t size() const noexcept { return results_->size(); }

    static constexpr bool delivers_to_job = false;

    [[gnu::always_inline]] bool publish(outcome<R>& out) noexcept
    {
        return discards_ || bool(results_->try_send(std::move(out)));
    }
    template <class Job>
    bool publish(Job&, outcome<R>& out) noexcept
    {
        return publish(out);
    }

    boost::asio::awaitable<void> publish_later(outcome<R>* out)
    {
        auto sent = co_await results_->async_send(std::move(*out));
        if (!sent)
            lose(std::move(sent).value());
    }

    /// From the front, in one go. Returns how many.
    std::size_t publish_some(std::span<outcome<R>> outcomes) noexcept
    {
        if (discards_)
            return outcomes.size();
        if constexpr (is_channel<Results>)
            return results_->try_send_n(outcomes);
        std::size_t count = 0;
        while (count < outcomes.size() && results_->try_send(std::move(outcomes[count])))
            ++count;
        return count;
    }

    template <class Job>
    void publish_now(Job&, outcome<R>&& out) noexcept
    {
        publish_now(std::move(out));
    }
    [[gnu::cold]] void publish_now(outcome<R>&& out) noexcept
    {
        if (!discards_ && !results_->try_send(std::move(out)))
            lose(std::move(out));
    }

private:
    [[gnu::cold]] void lose(outcome<R>&& out) noexcept
    {
        if (undelivered_)
            undelivered_(std::move(out));
    }

    const bool discards_;
    const hook undelivered_;
    std::optional<Results> results_;
};

} // namespace weir::detail
