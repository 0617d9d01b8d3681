#pragma once

#include <weir/error.hpp>
#include <weir/http/io_step.hpp>

#include <boost/asio/error.hpp>

#include <cstddef>

namespace weir::http::detail {

/// What a read or a write of a socket that does not block has come to. `wait` is what to wait for
/// where it would have blocked.
inline io_step step_of(std::size_t bytes, const error_code& error, io_step::state wait)
{
    if (!error)
        return io_step(io_step::state::done, bytes);
    if (error == boost::asio::error::would_block || error == boost::asio::error::try_again)
        return io_step(wait);
    if (error == boost::asio::error::eof)
        return io_step(io_step::state::end);
    return io_step(io_step::state::failed, error);
}

} // namespace weir::http::detail
