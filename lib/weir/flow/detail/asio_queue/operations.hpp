#pragma once

#include <weir/flow/asio_queue.hpp>

namespace weir {

template <class Channel>
Channel& asio_queue<Channel>::checked(Channel& channel,
                                      std::span<const boost::asio::any_io_executor> used_from)
{
    const boost::asio::any_io_executor own = channel.get_executor();
    if (!parts::concurrent)
        for (const boost::asio::any_io_executor& executor : used_from)
            if (executor != own)
                throw std::invalid_argument(
                    "weir::asio_queue: an experimental::channel works on one strand or thread "
                    "only: use a concurrent_channel, or give all its users its executor");
    return channel;
}

template <class Channel>
template <class Handler>
class asio_queue<Channel>::receive_operation final
    : public detail::wait_operation<receive_operation<Handler>, Handler, executor_type>,
      private state::receiver {
public:
    receive_operation(Handler&& handler, const executor_type& executor, std::shared_ptr<state> s)
        : receive_operation::wait_operation(std::move(handler), executor), state_(std::move(s))
    {
    }

    static void without_memory(Handler&& handler, const executor_type& io,
                               const std::shared_ptr<state>&)
    {
        const error_code error = boost::asio::error::no_memory;
        detail::call_handler_later(std::move(handler), io, error, std::optional<value_type>());
    }

    void start()
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        const std::shared_ptr<state> s = state_; // `start` may destroy this operation
        s->start(*this);
    }

private:
    void cancelled() override
    {
        cancelled_ = true; // it passes on a value that it was already given
        if (state_->leave(*this))
            this->wake();
    }

    void settled() noexcept override { this->wake(); }

    void resumed() override
    {
        if (!cancelled_)
            return this->complete(error_code(), std::move(this->value));
        state_->put_back(std::move(this->value), this->turn);
        this->complete(error_code(boost::asio::error::operation_aborted),
                       std::optional<value_type>());
    }

    void dropped() noexcept override
    {
        const std::shared_ptr<state> s = state_;
        std::optional<value_type> given = std::move(this->value);
        const std::uint64_t order = this->turn;
        this->destroy();
        s->put_back(std::move(given), order);
    }

    void context_shutdown() noexcept override
    {
        const std::shared_ptr<state> s = state_;
        if (s->leave(*this))
            this->destroy();
    }

    std::shared_ptr<state> state_;
    bool cancelled_ = false;
};

template <class Channel>
template <class Handler>
class asio_queue<Channel>::send_operation final
    : public detail::wait_operation<send_operation<Handler>, Handler, executor_type>,
      private state::sender {
public:
    send_operation(Handler&& handler, const executor_type& executor, std::shared_ptr<state> s,
                   value_type&& v)
        : send_operation::wait_operation(std::move(handler), executor), state::sender(std::move(v)),
          state_(std::move(s))
    {
    }

    static void without_memory(Handler&& handler, const executor_type& io,
                               const std::shared_ptr<state>&, value_type&& v)
    {
        const error_code error = boost::asio::error::no_memory;
        detail::call_handler_later(std::move(handler), io,
                                   send_result<value_type>(error, std::move(v)));
    }

    void start()
    {
        if (!this->enlist())
            return lose();
        this->on_cancellation();
        const std::shared_ptr<state> s = state_; // `start` may destroy this operation
        s->start(*this);
    }

private:
    void cancelled() override
    {
        if (state_->leave(*this)) {
            cancelled_ = true;
            this->wake();
        }
    }

    void settled() noexcept override { this->wake(); }

    void resumed() override
    {
        if (this->sent)
            return this->complete(send_result<value_type>());
        error_code error = errc::closed;
        if (cancelled_)
            error = boost::asio::error::operation_aborted;
        this->complete(send_result<value_type>(error, std::move(this->value)));
    }

    void dropped() noexcept override
    {
        if (this->sent)
            this->destroy();
        else
            lose();
    }

    void context_shutdown() noexcept override
    {
        const std::shared_ptr<state> s = state_;
        if (s->leave(*this))
            lose();
    }

    // The value cannot be handed back any more. The handler goes last: it may own what the hook
    // uses.
    void lose() noexcept
    {
        state_->lose(std::move(this->value));
        this->destroy();
    }

    std::shared_ptr<state> state_;
    bool cancelled_ = false;
};

} // namespace weir
