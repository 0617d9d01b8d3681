#pragma once

#include <weir/error.hpp>

#include <cstddef>

namespace weir::http {

/// The result of one attempt to read, write or shake hands on a connection. It never blocks.
struct io_step {
    enum class state {
        done,       ///< `bytes` were read or written
        wait_read,  ///< try again when the socket is readable
        wait_write, ///< try again when the socket is writable
        end,        ///< the peer closed the connection as it should
        failed      ///< see `error`
    };

    io_step() = default;
    explicit io_step(state s) : what(s) {}
    io_step(state s, std::size_t n) : what(s), bytes(n) {}
    io_step(state s, error_code e) : what(s), error(e) {}

    state what = state::done;
    std::size_t bytes = 0;
    error_code error;
};

} // namespace weir::http
