#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/sim/context.hpp>
#include <weir/sim/detail/pipe.hpp>
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
/// Shape: an AsyncReadStream and AsyncWriteStream; made in pairs by `stream_pair`. At most one read
///        and one write at a time (asserted), as composed operations need it.
/// Threads: the world's one.
/// Lifetime: destroying it closes it.
class stream {
public:
    using executor_type = boost::asio::any_io_executor;
    using lowest_layer_type = stream;

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
        return initiate<detail::pipe::mutable_buffers>(in_, buffers, token);
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
        return initiate<detail::pipe::const_buffers>(out_, buffers, token);
    }

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

    template <class Handler, class Buffers>
    class operation;

    // Neither the operation nor its initiation needs this object: it may be moved meanwhile.
    template <class Own, class Buffers, class Token>
    auto initiate(const std::shared_ptr<detail::pipe>& at, const Buffers& buffers, Token& token)
    {
        const auto start = [at](const executor_type& executor, auto&& handler, Own own) {
            using own_operation = operation<std::decay_t<decltype(handler)>, Own>;
            own_operation::create(std::move(handler), executor, at, std::move(own))->start();
        };
        return weir::detail::initiate_at<void(error_code, std::size_t)>(
            executor_, token, start,
            Own(boost::asio::buffer_sequence_begin(buffers),
                boost::asio::buffer_sequence_end(buffers)));
    }

    stream(executor_type executor, std::shared_ptr<detail::pipe> in,
           std::shared_ptr<detail::pipe> out)
        : executor_(std::move(executor)), in_(std::move(in)), out_(std::move(out))
    {
    }

    executor_type executor_;
    std::shared_ptr<detail::pipe> in_;
    std::shared_ptr<detail::pipe> out_;
};

/// Two ends of a connection, one in each context (or both in one), of the same world.
std::pair<stream, stream> stream_pair(context& first, context& second,
                                      const stream_options& options);
std::pair<stream, stream> stream_pair(context& first, context& second);

// -------------------------------------------------------------------------------------------------

/// A read or a write: parked at the pipe until bytes can be moved, and they are then moved on the
/// operation's own executor.
template <class Handler, class Buffers>
class stream::operation final
    : public weir::detail::wait_operation<operation<Handler, Buffers>, Handler, executor_type>,
      private detail::pipe_user,
      private weir::detail::timer_entry {
public:
    operation(Handler&& handler, const executor_type& executor, std::shared_ptr<detail::pipe> p,
              Buffers buffers)
        : operation::wait_operation(std::move(handler), executor), pipe_(std::move(p)),
          buffers_(std::move(buffers))
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

    static constexpr bool reads = std::is_same_v<Buffers, detail::pipe::mutable_buffers>;

    detail::pipe_user*& place() noexcept
    {
        if constexpr (reads)
            return pipe_->reader;
        else
            return pipe_->writer;
    }

    bool is_ready() const noexcept
    {
        if (!pipe_ || boost::asio::buffer_size(buffers_) == 0)
            return true;
        if constexpr (reads)
            return pipe_->readable();
        else
            return pipe_->writable();
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
        } else if (const auto at = pipe_->arrival(); reads && at) {
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
        else if constexpr (reads)
            result = pipe_->read(buffers_);
        else
            result = pipe_->write(buffers_);
        this->complete(result.error, result.bytes);
    }

    void dropped() noexcept override { this->destroy(); }

    void context_shutdown() noexcept override
    {
        if (unpark())
            this->destroy();
    }

    std::shared_ptr<detail::pipe> pipe_;
    Buffers buffers_;
    bool aborted_ = false;
};

} // namespace weir::sim
