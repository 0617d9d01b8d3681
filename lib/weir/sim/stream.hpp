#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/sim/context.hpp>
#include <weir/sim/detail/pipe.hpp>
#include <weir/sim/detail/pipe_actions.hpp>
#include <weir/sim/stream_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <cassert>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir::sim {

/// One end of a connection in memory, to test code that reads and writes. It has a socket's errors,
/// but its delays, short reads and lost connections are chosen by the world, and can be replayed.
///
/// Shape: an AsyncReadStream and AsyncWriteStream; made in pairs by `stream_pair`, or by a
///        `network`. It can also be used as a non-blocking socket is: wait until it is ready, then
///        `try_read` or `try_write`. At most one operation that reads, or waits to read, and one
///        that writes at a time (asserted), as composed operations need it.
/// Threads: the world's one.
/// Lifetime: destroying it closes it.
class stream {
public:
    using executor_type = boost::asio::any_io_executor;
    using lowest_layer_type = stream;

    /// Closed. Another one may be moved to it.
    explicit stream(context& here);
    stream(stream&&) noexcept = default;
    stream& operator=(stream&& other) noexcept;
    ~stream();

    executor_type get_executor() const { return executor_; }
    lowest_layer_type& lowest_layer() noexcept { return *this; }

    /// Reads bytes that have arrived; waits when there are none.
    ///
    /// Completion: `void(error_code, std::size_t)`
    /// Errors: of `boost::asio::error`: `eof` when the other end was closed or shut down and all
    ///         was read; `connection_reset` after a reset; `operation_aborted` when cancelled, or
    ///         closed while waiting; `bad_descriptor` when this end is closed.
    /// Cancellation: terminal, partial and total; reads nothing.
    /// Handler: by its associated executor, never inside this call.
    template <class Buffers, class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_read_some(const Buffers& buffers, Token&& token = Token())
    {
        return initiate(in_, detail::reading(buffers), token);
    }

    /// Writes as many bytes as there is room for; waits when there is no room.
    ///
    /// Completion: `void(error_code, std::size_t)`
    /// Errors: of `boost::asio::error`: `broken_pipe` when the other end is closed, or this one
    ///         shut down; `connection_reset`, `operation_aborted`, `bad_descriptor` as for a read.
    /// Cancellation: terminal, partial and total; writes nothing.
    /// Handler: by its associated executor, never inside this call.
    template <class Buffers, class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_write_some(const Buffers& buffers, Token&& token = Token())
    {
        return initiate(out_, detail::writing(buffers), token);
    }

    /// Waits until `try_read` would find bytes, or the end, or an error.
    ///
    /// Completion: `void(error_code)`
    /// Errors: of `boost::asio::error`: `operation_aborted` when cancelled, or closed while
    ///         waiting; `bad_descriptor` when this end is closed.
    /// Cancellation: terminal, partial and total.
    /// Handler: by its associated executor, never inside this call.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_wait_readable(Token&& token = Token())
    {
        return initiate(in_, detail::until_readable(), token);
    }

    /// Waits until `try_write` would take bytes, or find an error. The rest as for
    /// `async_wait_readable`.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_wait_writable(Token&& token = Token())
    {
        return initiate(out_, detail::until_writable(), token);
    }

    /// Reads what has arrived, and never waits: `would_block` when there is nothing yet. The errors
    /// of `async_read_some` otherwise.
    std::size_t try_read(const boost::asio::mutable_buffer& into, error_code& error);
    /// Writes what there is room for, and never waits: `would_block` when there is none. The errors
    /// of `async_write_some` otherwise.
    std::size_t try_write(const boost::asio::const_buffer& from, error_code& error);
    /// Whether `try_read` would find bytes, or the end, or an error.
    bool is_readable() const noexcept { return !in_ || in_->readable(); }
    /// How many bytes have arrived and are not read.
    std::size_t available() const noexcept { return in_ ? in_->available() : 0; }

    /// Ends what is sent: the other end reads to the end of the stream. This end may still read.
    void shutdown_send() noexcept;
    /// Completes the operations that wait here with `operation_aborted`.
    void cancel() noexcept;
    /// Cancels, shuts down, and lets the other end's writes fail with `broken_pipe`.
    void close() noexcept;
    bool is_open() const noexcept { return in_ != nullptr; }
    /// Loses the connection: both ends see `connection_reset`, and bytes under way are gone. To try
    /// it everywhere: `world.at_some_step([&] { end.reset(); })`.
    void reset() noexcept;

private:
    friend std::pair<stream, stream> stream_pair(context& first, context& second,
                                                 const stream_options& options);

    friend class network;

    template <class Handler, class Action>
    class operation;

    // Neither the operation nor its initiation needs this object: it may be moved meanwhile.
    template <class Action, class Token>
    auto initiate(const std::shared_ptr<detail::pipe>& at, Action action, Token& token)
    {
        const auto start = [at](const executor_type& executor, auto&& handler, Action own) {
            using own_operation = operation<std::decay_t<decltype(handler)>, Action>;
            own_operation::create(std::move(handler), executor, at, std::move(own))->start();
        };
        return weir::detail::initiate_at<typename Action::signature>(executor_, token, start,
                                                                     std::move(action));
    }

    stream(executor_type executor, std::shared_ptr<detail::pipe> in,
           std::shared_ptr<detail::pipe> out)
        : executor_(std::move(executor)), in_(std::move(in)), out_(std::move(out))
    {
    }

    executor_type executor_;
    std::shared_ptr<detail::pipe> in_;
    std::shared_ptr<detail::pipe> out_;
    std::shared_ptr<void> descriptor_; // where these are counted
};

/// Two ends of a connection, one in each context (or both in one), of the same world.
std::pair<stream, stream> stream_pair(context& first, context& second,
                                      const stream_options& options);
std::pair<stream, stream> stream_pair(context& first, context& second);

// -------------------------------------------------------------------------------------------------

/// A read, a write, or a wait for one: parked at the pipe until bytes can be moved, and they are
/// then moved on the operation's own executor.
template <class Handler, class Action>
class stream::operation final
    : public weir::detail::wait_operation<operation<Handler, Action>, Handler, executor_type>,
      private detail::pipe_user,
      private weir::detail::timer_entry {
public:
    operation(Handler&& handler, const executor_type& executor, std::shared_ptr<detail::pipe> p,
              Action action)
        : operation::wait_operation(std::move(handler), executor), pipe_(std::move(p)),
          action_(std::move(action))
    {
    }

    void start()
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        if (is_ready())
            return this->wake();
        assert(place() == nullptr);
        place() = this;
        look();
    }

private:
    void cancelled() override { abort(); }

    detail::pipe_user*& place() noexcept { return Action::reads ? pipe_->reader : pipe_->writer; }

    bool is_ready() const noexcept
    {
        if (!pipe_ || action_.is_empty())
            return true;
        return Action::reads ? pipe_->readable() : pipe_->writable();
    }

    weir::detail::time_service& clock() const
    {
        return weir::detail::service_cache<weir::detail::time_service>::of(this->home().context());
    }

    bool unpark() noexcept
    {
        if (!pipe_ || place() != this)
            return false;
        place() = nullptr;
        clock().cancel(*this);
        return true;
    }

    void look() noexcept override
    {
        if (is_ready()) {
            if (unpark())
                this->wake();
        } else if (const auto at = pipe_->arrival(); Action::reads && at) {
            clock().cancel(*this);
            clock().schedule(*this, *at, this->home().for_timers());
        }
    }

    void abort() noexcept override
    {
        if (unpark()) {
            aborted_ = true;
            this->wake();
        }
    }

    void expired() noexcept override { look(); }
    void failed(int) noexcept override { abort(); }

    void resumed() override
    {
        detail::moved result;
        if (!pipe_)
            result.error = boost::asio::error::bad_descriptor;
        else if (aborted_)
            result.error = boost::asio::error::operation_aborted;
        else
            result = action_(*pipe_);
        if constexpr (Action::moves)
            this->complete(result.error, result.bytes);
        else
            this->complete(result.error);
    }

    void dropped() noexcept override { this->destroy(); }

    void context_shutdown() noexcept override
    {
        if (unpark())
            this->destroy();
    }

    std::shared_ptr<detail::pipe> pipe_;
    Action action_;
    bool aborted_ = false;
};

} // namespace weir::sim
