#pragma once

namespace weir::http {

/// Whether a server may have acted on a request. It decides whether a request that failed may be
/// made again: after `no` always, after `maybe` when its method is idempotent.
enum class processed {
    no,    ///< nothing of it was sent, or the server said that it did not look at it
    maybe, ///< it was sent, at least in part, and nothing of a response arrived, or only a 408
           ///< (Request Timeout) on a connection that was used before: that server closes it
    yes    ///< a response began
};

} // namespace weir::http
