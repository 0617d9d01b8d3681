#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/timed_waiter.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/policy/admission.hpp>

#include <boost/asio/error.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

// The bodies of `basic_admission`'s members, and its waiting operation.

namespace weir {

namespace detail {

template <class Key, class Hash, class Handler, class Executor>
class admission_operation final
    : public wait_operation<admission_operation<Key, Hash, Handler, Executor>, Handler, Executor,
                            timed_waiter>,
      private admission_state<Key, Hash>::node {
public:
    using state = admission_state<Key, Hash>;

    admission_operation(Handler&& handler, const Executor& executor, std::shared_ptr<state> shared,
                        const admission_shares& shares, std::optional<Key> key)
        : admission_operation::wait_operation(std::move(handler), executor), state::node(
                                                                                 shares,
                                                                                 std::move(key)),
          state_(std::move(shared))
    {
    }

    static void without_memory(Handler&& handler, const Executor& io, const std::shared_ptr<state>&,
                               const admission_shares&, const std::optional<Key>&)
    {
        const error_code error = boost::asio::error::no_memory;
        call_handler_later(std::move(handler), io, error, admission_pass<Key, Hash>());
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        if (!this->set_alarm(deadline))
            return settled(acquire_result::timed_out);
        const auto kept = state_;
        acquire_result result = acquire_result::parked;
        try {
            result = kept->park(*this);
        } catch (...) { // no memory for a new key
            error_ = boost::asio::error::no_memory;
            return this->wake();
        }
        if (result != acquire_result::parked) // else another thread may have ended it already
            settled(result);
    }

private:
    void cancelled() override
    {
        const auto kept = state_;
        if (kept->unpark(*this)) {
            error_ = boost::asio::error::operation_aborted;
            this->wake();
        }
    }

    bool leave_line() noexcept override
    {
        const auto kept = state_;
        if (!kept->give_up(*this))
            return false;
        error_ = this->why_over();
        return true;
    }

    void settled(acquire_result result) noexcept override
    {
        result_ = result;
        if (result == acquire_result::closed)
            error_ = errc::closed;
        else if (result == acquire_result::too_large)
            error_ = errc::too_large;
        else if (result == acquire_result::timed_out)
            error_ = this->why_over();
        else if (result == acquire_result::no_timer)
            error_.assign(state_->failure(), boost::asio::error::get_system_category());
        this->wake();
    }

    admission_pass<Key, Hash> take() noexcept
    {
        if (result_ != acquire_result::granted)
            return admission_pass<Key, Hash>();
        result_ = acquire_result::parked;
        return admission_pass<Key, Hash>(state_, this->shares(), this->node_key());
    }

    typename state::key_handle node_key() const noexcept { return state::node::key(); }

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
        const admission_pass<Key, Hash> unused = take();
        this->destroy();
    }

    void context_shutdown() noexcept override
    {
        this->drop_alarm();
        const auto kept = state_;
        if (kept->unpark(*this))
            this->destroy();
    }

    std::shared_ptr<state> state_;
    acquire_result result_ = acquire_result::parked;
    error_code error_;
};

} // namespace detail

template <class Key, class Hash, class Executor>
basic_admission<Key, Hash, Executor>::basic_admission(executor_type executor,
                                                      const admission_limits& given)
    : has_keys_(given.per_key_.has_value()),
      state_(detail::admission_state<Key, Hash>::make(executor, given.counts_, given.ids_,
                                                      given.per_key_.value_or(unlimited).count(),
                                                      given.rate_)),
      executor_(std::move(executor))
{
}

template <class Key, class Hash, class Executor>
void basic_admission<Key, Hash, Executor>::check(const request& asked) const
{
    const detail::admission_shares& s = asked.shares_;
    if (s.empty())
        throw std::invalid_argument("weir::admission: the request asks for nothing");
    for (std::size_t i = 0; i < s.counts.size(); ++i)
        if (s.counts[i] != 0 && asked.ids_[i] != state_->ids()[i])
            throw std::invalid_argument(
                "weir::admission: the request asks for a count of another admission");
    if (s.key != 0 && !has_keys_)
        throw std::invalid_argument(
            "weir::admission: the request has a key; give the limits a `per_key`");
    if (s.tokens != 0 && !state_->core().has_rate())
        throw std::invalid_argument(
            "weir::admission: the request asks for tokens; give the limits a `rate`");
}

template <class Key, class Hash, class Executor>
std::size_t basic_admission<Key, Hash, Executor>::place_of(admission_count which) const
{
    if (which.id_ != state_->ids()[which.place_])
        throw std::invalid_argument("weir::admission: a count of another admission");
    return which.place_;
}

template <class Key, class Hash, class Executor>
std::optional<weir::rate> basic_admission<Key, Hash, Executor>::rate() const noexcept
{
    if (!state_->core().has_rate())
        return std::nullopt;
    return state_->core().rule().rate();
}

template <class Key, class Hash, class Executor>
admission_pass<Key, Hash> basic_admission<Key, Hash, Executor>::try_acquire(const request& asked)
{
    check(asked);
    typename detail::admission_state<Key, Hash>::key_handle key = nullptr;
    if (state_->try_acquire(asked.shares_, asked.key_, key) == detail::acquire_result::granted)
        return pass(state_, asked.shares_, key);
    return pass();
}

template <class Key, class Hash, class Executor>
template <class Token>
auto basic_admission<Key, Hash, Executor>::async_acquire(request asked, Token&& token)
{
    return async_acquire_until(time_point::max(), std::move(asked), std::forward<Token>(token));
}

template <class Key, class Hash, class Executor>
template <class Token>
auto basic_admission<Key, Hash, Executor>::async_acquire_until(time_point deadline, request asked,
                                                               Token&& token)
{
    check(asked);
    const auto start = [deadline](const basic_admission& self, auto&& handler, request own) {
        using operation =
            detail::admission_operation<Key, Hash, std::decay_t<decltype(handler)>, Executor>;
        if (self.executor_.serves(handler))
            operation::begin_at(deadline, std::move(handler), self.executor_.fallback(),
                                std::shared_ptr<detail::admission_state<Key, Hash>>(self.state_),
                                own.shares_, std::move(own.key_));
    };
    return detail::initiate<void(error_code, pass)>(*this, token, start, std::move(asked));
}

template <class Key, class Hash, class Executor>
void basic_admission<Key, Hash, Executor>::resize(admission_count which, weir::limit most)
{
    const std::size_t place = place_of(which);
    const auto kept = state_;
    kept->resize(place, most.count());
}

template <class Key, class Hash, class Executor>
void basic_admission<Key, Hash, Executor>::resize_keys(weir::limit most)
{
    if (!has_keys_)
        throw std::invalid_argument("weir::admission::resize_keys: it has no `per_key`");
    const auto kept = state_;
    kept->resize_keys(most.count());
}

template <class Key, class Hash, class Executor>
void basic_admission<Key, Hash, Executor>::change(weir::rate each, std::size_t burst)
{
    if (!state_->core().has_rate())
        throw std::invalid_argument("weir::admission::change: it has no `rate`");
    const detail::gcra_rule rule(each, burst);
    const auto kept = state_;
    kept->change(rule);
}

} // namespace weir
