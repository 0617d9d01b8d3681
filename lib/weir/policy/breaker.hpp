#pragma once

#include <weir/detail/nodiscard.hpp>
#include <weir/duration.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/detail/breaker_table.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace weir {

/// Stops calling what keeps failing: after too many failures or slow calls to a key, further ones
/// are refused at once, and after a while a few probes find out whether it is back.
///
/// Shape: ask `try_enter` before a call; a pass comes back, or an empty one: fail with
///        `errc::breaker_open` then. Tell the pass how the call ended. `with_breaker` does all
///        this.
/// Units: a key is closed (calls go through), open (they are refused), or half-open (a few go
///        through as probes). It opens when among its latest calls enough have failed or were slow;
///        `breaker_options` has the numbers. When half-open, one bad probe opens it again, and it
///        closes when all probes were good. A probe that has not ended after `open_for` makes room
///        for another; when it is good nevertheless it counts, or a far side that takes longer than
///        `open_for` would stay broken, and when it is bad it does not. A call that began before
///        the key opened, and ends while it is open or half-open, counts for nothing.
/// Threads: safe from any thread. It waits for nothing and has no clock: `now` is an argument.
/// Lifetime: passes may outlive it.
/// Memory: nothing for keys whose latest calls were all good; about 150 bytes and the key for each
///         other, and 16 for a probe that is out, up to `max_keys`. When all places are taken, the
///         closed key that was used longest ago is forgotten, and only if all are open, one of
///         them: `evicted_open` counts those, for they are called again at once.
/// Source: Michael Nygard, "Release It!", 2007; windows of calls as in resilience4j.
template <class Key, class Hash = std::hash<Key>>
class breaker {
    struct core;

public:
    using key_type = Key;

    explicit breaker(breaker_options options = breaker_options())
        : core_(std::make_shared<core>(options))
    {
    }
    breaker(const breaker&) = delete;
    breaker& operator=(const breaker&) = delete;

    /// Leave to make one call. Empty when the call is refused.
    ///
    /// Lifetime: one that is destroyed without a word, by an exception too, was given up: a
    ///           cancelled call says nothing about the far side, and a probe makes room for
    ///           another (a `keyed_permit` counts as success then). `succeeded` and `failed` both
    ///           end it (a `keyed_permit` that has `succeeded` keeps its share).
    class WEIR_NODISCARD_HANDLE pass {
    public:
        pass() = default;
        pass(pass&& other) noexcept : core_(std::move(other.core_)), call_(std::move(other.call_))
        {
            other.call_.reset();
        }
        pass& operator=(pass&& other) noexcept
        {
            if (this != &other) {
                end(detail::breaker_result::unknown, call_ ? call_->ticket.began : time_point());
                core_ = std::move(other.core_);
                call_ = std::exchange(other.call_, std::nullopt);
            }
            return *this;
        }
        ~pass()
        {
            if (call_)
                end(detail::breaker_result::unknown, call_->ticket.began);
        }

        explicit operator bool() const noexcept { return call_.has_value(); }

        /// The call begins now: what it waited for since it was let in does not make it slow.
        void begins(time_point now) noexcept
        {
            if (call_)
                call_->ticket.began = now;
        }
        /// The call ended well. Slow ones count as such.
        void succeeded(time_point now) noexcept { end(detail::breaker_result::succeeded, now); }
        /// The far side failed.
        void failed(time_point now) noexcept { end(detail::breaker_result::failed, now); }

    private:
        friend class breaker;

        struct call {
            Key key;
            detail::breaker_ticket ticket;
        };

        pass(std::shared_ptr<core> of, Key&& key, const detail::breaker_ticket& ticket)
            : core_(std::move(of)), call_(call{std::move(key), ticket})
        {
        }

        void end(detail::breaker_result result, time_point now) noexcept
        {
            if (!call_)
                return;
            core_->left(*call_, result, now);
            call_.reset();
            core_.reset();
        }

        std::shared_ptr<core> core_;
        std::optional<call> call_;
    };

    /// Asks before a call to `key`.
    pass try_enter(Key key, time_point now)
    {
        std::optional<detail::breaker_ticket> ticket;
        {
            std::lock_guard lock(core_->mutex);
            ticket = core_->table.enter(key, now);
        }
        return ticket ? pass(core_, std::move(key), *ticket) : pass();
    }

    /// What a call made now would find.
    breaker_state state(const Key& key, time_point now) const
    {
        std::lock_guard lock(core_->mutex);
        return core_->table.state(key, now);
    }

    /// Until when calls are refused: while the key is open, and while it is half-open and as many
    /// probes as may be are under way. Empty when a call made now would be let through.
    std::optional<time_point> refuses_until(const Key& key, time_point now) const
    {
        std::lock_guard lock(core_->mutex);
        return core_->table.refuses_until(key, now);
    }

    /// How many keys are in trouble: those with a bad call among their latest, and the broken.
    std::size_t keys() const
    {
        std::lock_guard lock(core_->mutex);
        return core_->table.keys();
    }
    /// How many keys are open or half-open.
    std::size_t broken() const
    {
        std::lock_guard lock(core_->mutex);
        return core_->table.broken();
    }
    /// How many of those would refuse a call now. Takes time in proportion to `broken`.
    std::size_t refusing(time_point now) const
    {
        std::lock_guard lock(core_->mutex);
        return core_->table.refusing(now);
    }
    /// How many calls were refused.
    std::uint64_t refused() const
    {
        std::lock_guard lock(core_->mutex);
        return core_->table.refused();
    }
    /// How many open or half-open keys were forgotten for want of room: more keys than `max_keys`
    /// were in trouble.
    std::uint64_t evicted_open() const
    {
        std::lock_guard lock(core_->mutex);
        return core_->table.evicted_open();
    }

private:
    struct core {
        explicit core(const breaker_options& options) : table(options) {}

        // Where there is no memory for a key that is new in trouble, it counts nothing.
        void left(const typename pass::call& ended, detail::breaker_result result,
                  time_point now) noexcept
        {
            try {
                std::lock_guard lock(mutex);
                table.left(ended.key, ended.ticket, result, now);
            } catch (...) {
            }
        }

        mutable std::mutex mutex;
        detail::breaker_table<Key, Hash> table;
    };

    std::shared_ptr<core> core_;
};

} // namespace weir
