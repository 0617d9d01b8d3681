#pragma once

#include <weir/detail/own_timer.hpp>
#include <weir/duration.hpp>
#include <weir/policy/detail/keyed_rate_core.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace weir::detail {

/// What a `keyed_rate_limiter` and its waiters share: the core, its clock and its timer.
template <class Key, class Hash>
class keyed_rate_state final : public own_timer {
public:
    using core_type = keyed_rate_core<Key, Hash>;
    using node = typename core_type::node;

    static std::shared_ptr<keyed_rate_state> make(const boost::asio::any_io_executor& executor,
                                                  const gcra_rule& rule, std::size_t max_keys)
    {
        auto made = std::make_shared<keyed_rate_state>(executor, rule, max_keys);
        if (made->is_gone()) // and said so before there was anything to close
            made->close();
        return made;
    }

    keyed_rate_state(const boost::asio::any_io_executor& executor, const gcra_rule& rule,
                     std::size_t max_keys)
        : own_timer(executor), core_(rule, max_keys)
    {
    }

    acquire_result try_acquire(const Key& key, std::size_t weight)
    {
        if (core_.is_closed()) // the clock may be gone
            return acquire_result::closed;
        return try_acquire(key, weight, now());
    }
    acquire_result try_acquire(const Key& key, std::size_t weight, time_point now)
    {
        return core_.try_acquire(key, core_.hash_of(key), weight, now);
    }

    /// The caller has a share of this object: the node may be gone when this returns.
    acquire_result park(node& n) noexcept
    {
        const acquire_result result = core_.park(n, time());
        if (result == acquire_result::parked)
            look_again();
        return result;
    }
    bool unpark(node& n) noexcept { return left(core_.unpark(n, time())); }
    bool give_up(node& n) noexcept { return left(core_.give_up(n, time())); }
    void change(const gcra_rule& rule) noexcept
    {
        core_.change(rule, time());
        look_again();
    }
    void close() noexcept
    {
        core_.close();
        look_again();
    }

    const core_type& core() const noexcept { return core_; }
    std::size_t available(const Key& key) { return core_.available(key, time()); }
    std::size_t keys() noexcept { return core_.keys(time()); }
    /// Why there is no timer, in the system category.
    int failure() const noexcept { return failure_.load(std::memory_order_relaxed); }

private:
    bool left(bool it_was_there) noexcept
    {
        if (it_was_there)
            look_again();
        return it_was_there;
    }

    time_point time() const noexcept { return core_.is_closed() ? time_point::min() : now(); }
    time_point next_due() noexcept override { return core_.next_due(); }
    void due() noexcept override { core_.grant(time()); }
    void lost(int error) noexcept override
    {
        failure_.store(error, std::memory_order_relaxed);
        core_.fail();
    }
    void context_gone() noexcept override { core_.close(); }

    core_type core_;
    std::atomic<int> failure_{0};
};

} // namespace weir::detail
