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
                    "weir::asio_queue: an experimental::channel is used by one strand or one "
                    "thread alone; take a concurrent_channel, or give all its users its executor");
    return channel;
}

template <class Channel>
struct asio_queue<Channel>::initiate_receive {
    using executor_type = asio_queue::executor_type;

    explicit initiate_receive(asio_queue& q) : self(&q) {}
    executor_type get_executor() const noexcept { return self->executor_; }

    template <class Handler>
    void operator()(Handler&& handler) const
    {
        using operation = receive_operation<std::decay_t<Handler>>;
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        operation::create(std::move(own), self->executor_, self->core_)->start();
    }

    asio_queue* self;
};

template <class Channel>
struct asio_queue<Channel>::initiate_send {
    using executor_type = asio_queue::executor_type;

    explicit initiate_send(asio_queue& q) : self(&q) {}
    executor_type get_executor() const noexcept { return self->executor_; }

    template <class Handler>
    void operator()(Handler&& handler, value_type value) const
    {
        using operation = send_operation<std::decay_t<Handler>>;
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        operation::create(std::move(own), self->executor_, self->core_, std::move(value))->start();
    }

    asio_queue* self;
};

template <class Channel>
template <class Handler>
class asio_queue<Channel>::receive_operation final
    : public detail::wait_operation<receive_operation<Handler>, Handler, executor_type>,
      private core::receiver {
public:
    receive_operation(Handler&& handler, const executor_type& executor, std::shared_ptr<core> c)
        : receive_operation::wait_operation(std::move(handler), executor), core_(std::move(c))
    {
    }

    void start()
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation([this] {
            cancelled_ = true; // one that was given a value already passes it on
            if (core_->leave(*this))
                this->wake();
        });
        const std::shared_ptr<core> c = core_; // this may be over before `start` returns
        c->start(*this);
    }

private:
    void settled() noexcept override { this->wake(); }

    void resumed() override
    {
        if (!cancelled_)
            return this->complete(error_code(), std::move(this->value));
        if (this->value)
            core_->put_back(std::move(*this->value));
        this->complete(error_code(boost::asio::error::operation_aborted),
                       std::optional<value_type>());
    }

    void dropped() noexcept override
    {
        const std::shared_ptr<core> c = core_;
        std::optional<value_type> given = std::move(this->value);
        this->destroy();
        if (given)
            c->put_back(std::move(*given));
    }

    void context_shutdown() noexcept override
    {
        const std::shared_ptr<core> c = core_;
        if (c->leave(*this))
            this->destroy();
    }

    std::shared_ptr<core> core_;
    bool cancelled_ = false;
};

template <class Channel>
template <class Handler>
class asio_queue<Channel>::send_operation final
    : public detail::wait_operation<send_operation<Handler>, Handler, executor_type>,
      private core::sender {
public:
    send_operation(Handler&& handler, const executor_type& executor, std::shared_ptr<core> c,
                   value_type&& v)
        : send_operation::wait_operation(std::move(handler), executor), core::sender(std::move(v)),
          core_(std::move(c))
    {
    }

    void start()
    {
        if (!this->enlist())
            return lose();
        this->on_cancellation([this] {
            if (core_->leave(*this)) {
                cancelled_ = true;
                this->wake();
            }
        });
        const std::shared_ptr<core> c = core_; // this may be over before `start` returns
        c->start(*this);
    }

private:
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
        const std::shared_ptr<core> c = core_;
        if (c->leave(*this))
            lose();
    }

    // Nobody is left to hand the value back to. The handler goes last: it may own what the hook
    // uses.
    void lose() noexcept
    {
        core_->lose(std::move(this->value));
        this->destroy();
    }

    std::shared_ptr<core> core_;
    bool cancelled_ = false;
};

} // namespace weir
