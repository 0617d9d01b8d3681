#pragma once

#include <weir/detail/gcra.hpp>
#include <weir/detail/own_timer.hpp>
#include <weir/duration.hpp>
#include <weir/policy/detail/rate_core.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstddef>
#include <memory>

namespace weir::detail {

/// What a `rate_limiter` and its waiters share: the core, its clock and its timer.
class rate_state final : public own_timer {
public:
    using node = rate_core<>::node;

    static std::shared_ptr<rate_state> make(const boost::asio::any_io_executor& executor,
                                            const gcra_rule& rule);

    rate_state(const boost::asio::any_io_executor& executor, const gcra_rule& rule);

    acquire_result try_acquire(std::size_t weight)
    {
        if (core_.is_closed()) // the clock may be gone
            return acquire_result::closed;
        return core_.try_acquire(weight, now());
    }
    acquire_result try_acquire(std::size_t weight, time_point now)
    {
        return core_.try_acquire(weight, now);
    }

    /// The caller has a share of this object: the node may be gone when this returns.
    acquire_result park(node& n) noexcept;
    bool unpark(node& n) noexcept;
    bool give_up(node& n) noexcept;
    void change(const gcra_rule& rule) noexcept;
    void close() noexcept;

    const rate_core<>& core() const noexcept { return core_; }
    std::size_t available() const noexcept { return core_.available(time()); }
    /// Why there is no timer, in the system category.
    int failure() const noexcept { return failure_.load(std::memory_order_relaxed); }

private:
    time_point time() const noexcept { return core_.is_closed() ? time_point() : now(); }
    time_point next_due() noexcept override { return core_.next_due(); }
    void due() noexcept override { core_.grant(time()); }
    void lost(int error) noexcept override;
    void context_gone() noexcept override { core_.close(); }

    rate_core<> core_;
    std::atomic<int> failure_{0};
};

} // namespace weir::detail
