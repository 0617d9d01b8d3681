#pragma once

#include <weir/detail/own_timer.hpp>
#include <weir/duration.hpp>
#include <weir/policy/admission_limits.hpp>
#include <weir/policy/detail/admission_core.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace weir::detail {

/// What an `admission`, its waiters and its passes share: the core, its clock and its timer.
template <class Key, class Hash>
class admission_state final : public own_timer {
public:
    using core_type = admission_core<Key, Hash>;
    using node = typename core_type::node;
    using key_handle = typename core_type::key_handle;

    static std::shared_ptr<admission_state> make(const boost::asio::any_io_executor& executor,
                                                 const std::vector<std::size_t>& counts,
                                                 const count_ids& ids, std::size_t key_limit,
                                                 const std::optional<gcra_rule>& rule)
    {
        auto made = std::make_shared<admission_state>(executor, counts, ids, key_limit, rule);
        if (made->is_gone()) // and said so before there was anything to close
            made->close();
        return made;
    }

    admission_state(const boost::asio::any_io_executor& executor,
                    const std::vector<std::size_t>& counts, const count_ids& ids,
                    std::size_t key_limit, const std::optional<gcra_rule>& rule)
        : own_timer(executor), core_(counts, key_limit, rule), ids_(ids)
    {
    }

    acquire_result try_acquire(const admission_shares& shares, const std::optional<Key>& key,
                               key_handle& granted)
    {
        return core_.try_acquire(shares, key, granted,
                                 shares.tokens != 0 ? time() : time_point::min());
    }

    /// The caller has a share of this object: the node may be gone when this returns.
    acquire_result park(node& n)
    {
        const acquire_result result = core_.park(n, time());
        if (result == acquire_result::parked)
            moved();
        return result;
    }

    bool unpark(node& n) noexcept { return moved_if(core_.unpark(n, time())); }
    bool give_up(node& n) noexcept { return moved_if(core_.give_up(n, time())); }
    void release(const admission_shares& shares, key_handle key) noexcept
    {
        moved_if(core_.release(shares, key));
    }
    bool try_grow(std::size_t count, std::size_t amount) noexcept
    {
        return core_.try_grow(count, amount);
    }
    void resize(std::size_t count, std::size_t limit) noexcept
    {
        core_.resize(count, limit, time());
        moved();
    }
    void resize_keys(std::size_t limit) noexcept
    {
        core_.resize_keys(limit, time());
        moved();
    }
    void change(const gcra_rule& rule) noexcept
    {
        core_.change(rule, time());
        moved();
    }
    void close() noexcept
    {
        core_.close();
        moved();
    }

    const core_type& core() const noexcept { return core_; }
    const count_ids& ids() const noexcept { return ids_; }
    std::size_t available() const noexcept { return core_.available(time()); }
    /// Why there is no timer, in the system category.
    int failure() const noexcept { return failure_.load(std::memory_order_relaxed); }

private:
    // Without a rate no time is asked for.
    time_point time() const noexcept
    {
        return core_.has_rate() && !core_.is_closed() ? now() : time_point::min();
    }

    void moved() noexcept
    {
        if (core_.has_rate())
            look_again();
    }
    bool moved_if(bool it_has) noexcept
    {
        if (it_has)
            moved();
        return it_has;
    }

    time_point next_due() noexcept override { return core_.next_due(); }
    void due() noexcept override { core_.grant(time()); }
    void lost(int error) noexcept override
    {
        failure_.store(error, std::memory_order_relaxed);
        core_.fail();
    }
    void context_gone() noexcept override { core_.close(); }

    core_type core_;
    const count_ids ids_;
    std::atomic<int> failure_{0};
};

} // namespace weir::detail
