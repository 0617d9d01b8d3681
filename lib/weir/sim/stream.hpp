#pragma once

#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/sim/context.hpp>
#include <weir/sim/detail/pipe.hpp>
#include <weir/sim/stream_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <cassert>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir::sim {

/// One end of a connection in memory, for testing code that reads and writes: with a socket's
/// errors, but delays, short reads and lost connections that are chosen, and replayed.
///
/// Shape: an AsyncReadStream and AsyncWriteStream; made in pairs by `stream_pair`. At most one read
///        and one write at a time (asserted), as composed operations have it.
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

    /// Reads what has arrived, waiting for some.
    ///
    /// Completion: `void(error_code, std::size_t)`
    /// Errors: of `boost::asio::error`: `eof` when the other end was closed or shut down and
    ///         everything was read; `connection_reset` after a reset; `operation_aborted` when
    ///         cancelled, or closed while waiting; `bad_descriptor` when this end is closed.
    /// Cancellation: terminal, partial and total; reads nothing.
    /// Handler: by its associated executor, never inside this call.
    template <class Buffers, class Token = default_token<executor_type>>
    auto async_read_some(const Buffers& buffers, Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            initiate<detail::pipe::mutable_buffers>(executor_, in_), token,
            detail::pipe::mutable_buffers(boost::asio::buffer_sequence_begin(buffers),
                                          boost::asio::buffer_sequence_end(buffers)));
    }

    /// Writes as much as there is room for, waiting for some.
    ///
    /// Completion: `void(error_code, std::size_t)`
    /// Errors: of `boost::asio::error`: `broken_pipe` when the other end is closed, or this one
    ///         shut down; `connection_reset`, `operation_aborted`, `bad_descriptor` as for a read.
    /// Cancellation: terminal, partial and total; writes nothing.
    /// Handler: by its associated executor, never inside this call.
    template <class Buffers, class Token = default_token<executor_type>>
    auto async_write_some(const Buffers& buffers, Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            initiate<detail::pipe::const_buffers>(executor_, out_), token,
            detail::pipe::const_buffers(boost::asio::buffer_sequence_begin(buffers),
                                        boost::asio::buffer_sequence_end(buffers)));
    }

    /// Sends no more; the other end reads to the end of the stream. This one may still read.
    void shutdown_send() noexcept;
    /// Ends what waits here with `operation_aborted`.
    void cancel() noexcept;
    void close() noexcept;
    bool is_open() const noexcept { return in_ != nullptr; }
    /// The connection is lost: both ends see `connection_reset`, and what was under way is gone.
    /// To try it everywhere: `world.at_some_step([&] { end.reset(); })`.
    void reset() noexcept;

private:
    friend std::pair<stream, stream> stream_pair(context& first, context& second,
                                                 const stream_options& options);

    template <class Handler, class Buffers>
    class operation;

    template <class Buffers>
    struct initiate {
        using executor_type = stream::executor_type;

        initiate(executor_type e, std::shared_ptr<detail::pipe> p)
            : executor(std::move(e)), pipe(std::move(p))
        {
        }
        executor_type get_executor() const { return executor; }

        template <class Handler>
        void operator()(Handler&& handler, Buffers buffers) const
        {
            using operation = stream::operation<std::decay_t<Handler>, Buffers>;
            std::decay_t<Handler> own(std::forward<Handler>(handler));
            operation::create(std::move(own), executor, pipe, std::move(buffers))->start();
        }

        executor_type executor;
        std::shared_ptr<detail::pipe> pipe;
    };

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

/// A read or a write: parked at the pipe until something can be moved, which is then done on the
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
        this->on_cancellation([this] { abort(); });
        if (is_ready())
            return this->wake();
        assert(place() == nullptr);
        place() = this;
        look();
    }

private:
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
            clock().schedule(*this, *at, this->home().plain());
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
