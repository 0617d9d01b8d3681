#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/timed_waiter.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/policy/keyed_semaphore.hpp>

#include <boost/asio/error.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

// The bodies of `basic_keyed_semaphore`'s members, and its waiting operation.

namespace weir {

namespace detail {

template <class Key, class Hash, class Handler, class Executor>
class keyed_acquire_operation final
    : public wait_operation<keyed_acquire_operation<Key, Hash, Handler, Executor>, Handler,
                            Executor, timed_waiter>,
      private keyed_core<Key, Hash>::node {
public:
    using core = keyed_state<Key, Hash>;
    using node = typename keyed_core<Key, Hash>::node;
    using permit = keyed_permit<Key>;

    keyed_acquire_operation(Handler&& handler, const Executor& executor,
                            std::shared_ptr<core> shared, Key&& key, std::uint32_t its_hash,
                            std::size_t asked)
        : keyed_acquire_operation::wait_operation(std::move(handler), executor),
          node(its_hash, asked), core_(std::move(shared)), key_(std::move(key))
    {
    }

    static void without_memory(Handler&& handler, const Executor& io, const std::shared_ptr<core>&,
                               const Key&, std::uint32_t, std::size_t)
    {
        const error_code error = boost::asio::error::no_memory;
        call_handler_later(std::move(handler), io, error, permit());
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        if (!this->set_alarm(deadline))
            return settled(keyed_result::timed_out);
        const auto kept = core_; // another thread may end it while the core is not done yet
        const keyed_result result = kept->park(*this, key_);
        if (result != keyed_result::parked)
            settled(result);
    }

private:
    void cancelled() override
    {
        if (core_->unpark(*this)) {
            error_ = boost::asio::error::operation_aborted;
            this->wake();
        }
    }

    bool leave_line() noexcept override
    {
        if (!core_->give_up(*this))
            return false;
        error_ = this->why_over();
        return true;
    }

    void settled(keyed_result result) noexcept override
    {
        switch (result) {
        case keyed_result::closed:
            error_ = errc::closed;
            break;
        case keyed_result::too_large:
            error_ = errc::too_large;
            break;
        case keyed_result::held_too_long:
            error_ = errc::held_too_long;
            break;
        case keyed_result::timed_out:
            error_ = this->why_over();
            break;
        case keyed_result::no_memory:
            error_ = boost::asio::error::no_memory;
            break;
        default:
            break;
        }
        this->wake();
    }

    permit take() noexcept
    {
        if (this->granted.entry == nullptr)
            return permit();
        return permit(*core_, std::exchange(this->granted, {}));
    }

    void resumed() override
    {
        if (!this->alarm_is_out())
            return;
        const error_code error = error_;
        this->complete(error, take());
    }

    void dropped() noexcept override
    {
        if (!this->alarm_is_out())
            return;
        take().failed(); // whatever it was for was not done
        this->destroy();
    }

    void context_shutdown() noexcept override
    {
        this->drop_alarm();
        if (core_->unpark(*this))
            this->destroy();
    }

    std::shared_ptr<core> core_;
    Key key_;
    error_code error_;
};

} // namespace detail

template <class Key, class Hash, class Executor>
basic_keyed_semaphore<Key, Hash, Executor>::basic_keyed_semaphore(executor_type executor,
                                                                  std::shared_ptr<core> made,
                                                                  made_core)
    : core_(std::move(made)), executor_(std::move(executor), core_, [](void* own) noexcept {
          static_cast<core*>(own)->close();
      })
{
}

template <class Key, class Hash, class Executor>
basic_keyed_semaphore<Key, Hash, Executor>::basic_keyed_semaphore(executor_type executor,
                                                                  key_options options)
    : basic_keyed_semaphore(executor, std::make_shared<core>(executor, options, std::nullopt),
                            made_core())
{
}

template <class Key, class Hash, class Executor>
basic_keyed_semaphore<Key, Hash, Executor>::basic_keyed_semaphore(executor_type executor,
                                                                  weir::limit of_each_key)
    : basic_keyed_semaphore(std::move(executor), key_options(of_each_key))
{
}

template <class Key, class Hash, class Executor>
basic_keyed_semaphore<Key, Hash, Executor>::basic_keyed_semaphore(executor_type executor,
                                                                  key_options options,
                                                                  weir::limit wide)
    : basic_keyed_semaphore(executor, std::make_shared<core>(executor, options, wide.count()),
                            made_core())
{
}

template <class Key, class Hash, class Executor>
basic_keyed_semaphore<Key, Hash, Executor>::basic_keyed_semaphore(executor_type executor,
                                                                  weir::limit of_each_key,
                                                                  weir::limit wide)
    : basic_keyed_semaphore(std::move(executor), key_options(of_each_key), wide)
{
}

template <class Key, class Hash, class Executor>
basic_keyed_semaphore<Key, Hash, Executor>::~basic_keyed_semaphore()
{
    core_->close();
    core::outlive(std::move(core_));
}

template <class Key, class Hash, class Executor>
inline void basic_keyed_semaphore<Key, Hash, Executor>::check_weight(std::size_t weight)
{
    if (weight == 0)
        throw std::invalid_argument("weir::keyed_semaphore: the weight must be at least 1");
}

template <class Key, class Hash, class Executor>
inline auto basic_keyed_semaphore<Key, Hash, Executor>::try_acquire(const Key& key,
                                                                    std::size_t weight)
    -> permit_type
{
    check_weight(weight);
    const auto got = core_->try_acquire(key, core_->hash_of(key), weight);
    if (got.first == detail::keyed_result::granted)
        return permit_type(*core_, got.second);
    return permit_type();
}

template <class Key, class Hash, class Executor>
bool basic_keyed_semaphore<Key, Hash, Executor>::override_key(const Key& key, weir::limit limit,
                                                              std::size_t turns, time_point until)
{
    if (turns == 0)
        throw std::invalid_argument("weir::keyed_semaphore: a key has at least one turn");
    return kept()->override_key(key, limit, turns, until);
}

template <class Key, class Hash, class Executor>
void basic_keyed_semaphore<Key, Hash, Executor>::resize_wide(weir::limit wide)
{
    if (!core_->has_wide())
        throw std::logic_error("weir::keyed_semaphore: it was made without a wide limit");
    kept()->resize_wide(wide.count());
}

template <class Key, class Hash, class Executor>
weir::limit basic_keyed_semaphore<Key, Hash, Executor>::wide_limit() const noexcept
{
    return core_->has_wide() ? weir::limit::of_count(core_->wide_limit()) : unlimited;
}

template <class Key, class Hash, class Executor>
template <class Token>
requires(!std::integral<std::remove_cvref_t<Token>>) auto basic_keyed_semaphore<
    Key, Hash, Executor>::async_acquire(Key key, Token&& token)
{
    return async_acquire(std::move(key), std::size_t{1}, std::forward<Token>(token));
}

template <class Key, class Hash, class Executor>
template <class Token>
auto basic_keyed_semaphore<Key, Hash, Executor>::async_acquire(Key key, std::size_t weight,
                                                               Token&& token)
{
    return async_acquire_until(time_point::max(), std::move(key), weight,
                               std::forward<Token>(token));
}

template <class Key, class Hash, class Executor>
template <class Token>
requires(!std::integral<std::remove_cvref_t<Token>>) auto basic_keyed_semaphore<
    Key, Hash, Executor>::async_acquire_until(time_point deadline, Key key, Token&& token)
{
    return async_acquire_until(deadline, std::move(key), std::size_t{1},
                               std::forward<Token>(token));
}

template <class Key, class Hash, class Executor>
template <class Token>
auto basic_keyed_semaphore<Key, Hash, Executor>::async_acquire_until(time_point deadline, Key key,
                                                                     std::size_t weight,
                                                                     Token&& token)
{
    check_weight(weight);
    const std::uint32_t hash = core_->hash_of(key);
    const auto start = [deadline, hash](const basic_keyed_semaphore& self, auto&& handler,
                                        Key own_key, std::size_t asked) {
        using operation =
            detail::keyed_acquire_operation<Key, Hash, std::decay_t<decltype(handler)>, Executor>;
        if (self.executor_.serves(handler))
            operation::begin_at(deadline, std::move(handler), self.executor_.fallback(),
                                std::shared_ptr<core>(self.core_), std::move(own_key),
                                std::uint32_t(hash), asked);
    };
    return detail::initiate<void(error_code, permit_type)>(*this, token, start, std::move(key),
                                                           weight);
}

} // namespace weir
