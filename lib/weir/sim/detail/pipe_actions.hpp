#pragma once

#include <weir/error.hpp>
#include <weir/sim/detail/pipe.hpp>

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <utility>

// What an operation does at a pipe that is ready for it.

namespace weir::sim::detail {

/// Moves bytes to or from `Buffers`, by `Move`.
template <class Buffers, moved (pipe::*Move)(const Buffers&), bool Reads>
class moving {
public:
    using signature = void(error_code, std::size_t);
    static constexpr bool reads = Reads;
    static constexpr bool moves = true;

    template <class Sequence>
    explicit moving(const Sequence& buffers)
        : buffers_(boost::asio::buffer_sequence_begin(buffers),
                   boost::asio::buffer_sequence_end(buffers))
    {
    }

    bool is_empty() const noexcept { return boost::asio::buffer_size(buffers_) == 0; }
    moved operator()(pipe& at) const { return (at.*Move)(buffers_); }

private:
    Buffers buffers_;
};

using reading = moving<pipe::mutable_buffers, &pipe::read, true>;
using writing = moving<pipe::const_buffers, &pipe::write, false>;

/// Moves nothing: the pipe is ready, or broken, which a read or a write finds out.
template <bool Reads>
class waiting {
public:
    using signature = void(error_code);
    static constexpr bool reads = Reads;
    static constexpr bool moves = false;

    static bool is_empty() noexcept { return false; }
    moved operator()(pipe&) const { return {}; }
};

using until_readable = waiting<true>;
using until_writable = waiting<false>;

} // namespace weir::sim::detail
