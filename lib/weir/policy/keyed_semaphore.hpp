#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/policy/detail/keyed_state.hpp>
#include <weir/policy/hold_result.hpp>
#include <weir/policy/key_options.hpp>
#include <weir/policy/keyed_permit.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>

namespace weir {

/// Lets at most `limit` of each key through at a time, and at most a wide limit of all of them: so
/// that one tenant, host or customer cannot take the places of the others.
///
/// Shape: weighted. Every acquire takes `weight` of the limit of its key and, in the same step, of
///        the wide one. A waiter for a key that is full, or held, holds nothing of the wide limit.
/// Units: `limit` is that of `key_options`. The wide limit is a number from 1, `unlimited` or
///        `paused`.
/// Threads: safe from any thread. The executor of a handler need not be serial, even with a
///          deadline.
/// Lifetime: destroying it closes it. Permits may outlive it. The context of its executor closes
///           it when it is destroyed first. An operation whose handler has no executor of its own
///           is destroyed then; with a bare `io_context` that is gone it must not be started.
/// Fairness: first come, first served, by weight, within a key. With a wide limit the keys take
///           turns for it, as those of a `schedule` do: a key with many waiters gets no more than
///           one with few. Of a turn none is passed over: an acquire of a large weight holds back
///           those behind it until there is room for it. While an acquire of a large weight waits,
///           even for a key that is held, a turn of each key is as large. A `try_acquire` overtakes
///           no waiter that could go but for the wide limit.
/// Memory: at most 64 bytes for a key of 8 bytes that is in use, some 160 more while it has
///         waiters, or is held or overridden; nothing for one that is idle. 13 kilobytes
///         altogether, 3 with a wide limit. An `async_acquire` costs one allocation by the
///         handler's allocator.
template <class Key, class Hash = std::hash<Key>, class Executor = boost::asio::any_io_executor>
class basic_keyed_semaphore {
public:
    using executor_type = Executor;
    using key_type = Key;
    using permit_type = keyed_permit<Key>;

    /// Without a wide limit: acquires of different keys have nothing to do with each other.
    basic_keyed_semaphore(executor_type executor, key_options options);
    basic_keyed_semaphore(executor_type executor, weir::limit of_each_key);
    basic_keyed_semaphore(executor_type executor, key_options options, weir::limit wide);
    basic_keyed_semaphore(executor_type executor, weir::limit of_each_key, weir::limit wide);
    basic_keyed_semaphore(const basic_keyed_semaphore&) = delete;
    basic_keyed_semaphore& operator=(const basic_keyed_semaphore&) = delete;
    ~basic_keyed_semaphore();

    /// Precondition: the executor's context is still there, unless it is a bare `io_context`.
    executor_type get_executor() const noexcept { return executor_.get(); }

    /// A permit when there is room, and the key is not held; otherwise an empty one. Never waits.
    /// Throws `std::invalid_argument` when `weight` is 0, and what copying or hashing a key throws.
    permit_type try_acquire(const Key& key, std::size_t weight = 1);

    /// Waits for a permit. Throws `std::invalid_argument` when `weight` is 0, and what hashing the
    /// key throws.
    ///
    /// Completion: `void(error_code, keyed_permit<Key>)`
    /// Errors: `errc::closed` when the semaphore was closed before the grant; `errc::too_large`
    ///         when `weight` is above a limit (at once, or when the limit is lowered while waiting;
    ///         a paused one has no limit to exceed); `errc::held_too_long` when the key is held for
    ///         longer than `max_hold` from now, or is while this waits;
    ///         `boost::asio::error::operation_aborted` when cancelled; `no_memory`, also when the
    ///         key cannot be copied.
    /// Cancellation: terminal, partial and total; takes no permit. A permit that was already
    ///               granted is delivered.
    /// Handler: by its associated executor, never inside this call nor inside a release.
    template <class Token = default_token<Executor>>
    requires(!std::integral<std::remove_cvref_t<Token>>) WEIR_NODISCARD_OPERATION
        auto async_acquire(Key key, Token&& token = Token());
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire(Key key, std::size_t weight,
                                                Token&& token = Token());

    /// As `async_acquire`, until `deadline`; then `errc::timed_out`, and no permit is taken. A hold
    /// does not move the deadline.
    template <class Token = default_token<Executor>>
    requires(!std::integral<std::remove_cvref_t<Token>>) WEIR_NODISCARD_OPERATION
        auto async_acquire_until(time_point deadline, Key key, Token&& token = Token());
    template <class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_acquire_until(time_point deadline, Key key,
                                                      std::size_t weight, Token&& token = Token());

    /// Grants nothing of this key until then: its server asked for a pause. Permits that are out
    /// stay valid. A hold is never shortened: the later of two counts. Waiters keep their
    /// deadlines. After it, one waiter or newcomer goes first, the probe; the others follow when
    /// its permit is released. When that `fail`s, or its receiver has gone, the next one is the
    /// probe; and a new `hold` in the meantime keeps all of them waiting. The others wait for
    /// however long the probe takes, unless it says before that it has `succeeded`.
    ///
    /// `too_long`: that is more than `max_hold` from now. The waiters of the key end with
    /// `errc::held_too_long`, and so do newcomers while that is so. `refused`: the key is not held,
    /// because `max_held` others are, or are remembered. An instant in the past does nothing, and
    /// is `held`.
    ///
    /// That the key was held is remembered for another `max_hold` after its end, or until a probe
    /// has succeeded.
    hold_result hold(const Key& key, time_point until) { return kept()->hold(key, until); }
    /// Ends a hold, and what follows it. Nothing happens when there was none.
    void resume(const Key& key) { kept()->resume(key); }

    /// Gives one key another limit, and `turns` instead of one in a round, until then. False when
    /// `max_overridden` other keys are overridden: nothing has changed. `paused` grants nothing.
    /// Throws `std::invalid_argument` when `turns` is 0.
    [[nodiscard]] bool override_key(const Key& key, weir::limit limit, std::size_t turns = 1,
                                    time_point until = time_point::max());
    /// Ends an override. Nothing happens when there was none.
    void reset_key(const Key& key) { kept()->reset_key(key); }

    /// Nothing new passes, and every waiting acquire completes with `errc::closed`. Permits that
    /// were already granted stay valid.
    void close() noexcept { kept()->close(); }

    /// Changes the limit of all keys that are not overridden. Lowering it revokes nothing.
    void resize(weir::limit of_each_key) noexcept { kept()->resize(of_each_key.count()); }
    /// Changes the wide limit. Throws `std::logic_error` when it was made without one.
    void resize_wide(weir::limit wide);

    weir::limit limit() const noexcept { return weir::limit::of_count(core_->limit()); }
    /// `unlimited` when it was made without one.
    weir::limit wide_limit() const noexcept;
    std::size_t in_use() const noexcept { return core_->in_use(); }
    std::size_t in_use(const Key& key) const { return core_->in_use(key); }
    /// The number of waiting acquires.
    std::size_t waiters() const noexcept { return core_->waiters(); }
    std::size_t waiters(const Key& key) const { return core_->waiters(key); }
    /// How many keys are in use, have waiters, or are held or overridden. One of which a hold or an
    /// override is over counts, and takes memory, until later acquires forget it, bit by bit.
    std::size_t keys() const noexcept { return core_->keys(); }
    /// When the hold of a key ends; an instant in the past when it is not held.
    time_point held_until(const Key& key) const { return core_->held_until(key); }
    bool is_closed() const noexcept { return core_->is_closed(); }

private:
    using core = detail::keyed_state<Key, Hash>;

    struct made_core {};
    basic_keyed_semaphore(executor_type executor, std::shared_ptr<core> made, made_core);

    static void check_weight(std::size_t weight);

    // A waiter may destroy this object before the call returns.
    std::shared_ptr<core> kept() const noexcept { return core_; }

    std::shared_ptr<core> core_;
    detail::own_executor<executor_type> executor_;
};

template <class Key, class Hash = std::hash<Key>>
using keyed_semaphore = basic_keyed_semaphore<Key, Hash>;

} // namespace weir

#include <weir/policy/detail/keyed_semaphore_impl.hpp>
