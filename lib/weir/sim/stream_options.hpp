#pragma once

#include <weir/duration.hpp>

#include <cstddef>

namespace weir::sim {

/// How a simulated connection behaves. Each setter returns the object, so that calls can be
/// chained.
class stream_options {
public:
    stream_options() noexcept {}

    /// How long bytes are under way. For each write one of five lengths is chosen, from `shortest`
    /// to `longest`; bytes never overtake each other. Default: they arrive at once.
    /// Throws `std::invalid_argument` when `shortest` is negative or above `longest`.
    stream_options& delay(duration shortest, duration longest);

    /// Moves at most `most` bytes in one read or write; how many is chosen, from 1. Default: all,
    /// without a choice. Throws `std::invalid_argument` for zero.
    stream_options& chunk(std::size_t most);

    /// How many bytes may be under way or unread before a write waits. Default 65,536, about as
    /// many as for a socket. Throws `std::invalid_argument` for zero.
    stream_options& buffer(std::size_t bytes);

    duration shortest_delay() const noexcept { return shortest_; }
    duration longest_delay() const noexcept { return longest_; }
    /// 0: no limit.
    std::size_t chunk() const noexcept { return chunk_; }
    std::size_t buffer() const noexcept { return buffer_; }

private:
    duration shortest_{};
    duration longest_{};
    std::size_t chunk_ = 0;
    std::size_t buffer_ = 65'536;
};

} // namespace weir::sim
