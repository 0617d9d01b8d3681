#pragma once

#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/sim/stream_options.hpp>
#include <weir/sim/world.hpp>

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace weir::sim::detail {

/// The result of a read or a write.
struct moved {
    error_code error;
    std::size_t bytes = 0;
};

/// An operation that waits at one end of a pipe: for bytes, or for room.
class pipe_user {
public:
    /// Something has changed at the pipe.
    virtual void look() noexcept = 0;
    /// Its end was closed, or the operation was cancelled: ends it if it is still parked.
    virtual void abort() noexcept = 0;

protected:
    ~pipe_user() = default;
};

/// How long the next bytes, or an answer, are under way: one of five lengths.
duration choose_delay(world& w, const stream_options& options);

/// One direction of a connection: bytes that are under way, or have arrived and are not read.
class pipe {
public:
    pipe(world& w, const stream_options& options) : world_(w), options_(options) {}

    using mutable_buffers = std::vector<boost::asio::mutable_buffer>;
    using const_buffers = std::vector<boost::asio::const_buffer>;

    /// Whether a read, or a write, would not wait now.
    bool readable() const noexcept;
    bool writable() const noexcept;
    /// How many bytes a read would find now.
    std::size_t available() const noexcept;
    /// When the next bytes arrive, or the end. Empty: nothing is under way.
    std::optional<time_point> arrival() const noexcept;

    moved read(const mutable_buffers& into);
    moved write(const const_buffers& from);

    /// The writing end sends no more: end of stream, after what is under way.
    void finish() noexcept;
    /// The reading end is gone: what is written will not be read.
    void abandon() noexcept;
    /// The connection is lost, with what is under way.
    void reset() noexcept;

    pipe_user* reader = nullptr;
    pipe_user* writer = nullptr;

private:
    struct piece {
        time_point arrives;
        std::string bytes;
    };

    time_point arrival_of_next();
    std::size_t some_of(std::size_t bytes);

    world& world_;
    const stream_options options_;
    std::deque<piece> pieces_;
    std::size_t inside_ = 0;
    time_point last_arrival_{};
    std::optional<time_point> end_; // when it arrives
    bool abandoned_ = false;
    bool reset_ = false;
};

} // namespace weir::sim::detail
