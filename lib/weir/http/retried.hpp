#pragma once

namespace weir::http {

/// Which failed attempts at a URL a fetcher makes again, as often as its `retry_policy` allows. A
/// request whose method is not idempotent, such as POST, is made again only when the server cannot
/// have acted on it, whatever this says.
enum class retried {
    /// What often passes: classes `connect`, `timeout` and `incomplete`; `dns` when the name
    /// servers did not answer; status 408, 429, 500, 502, 503 and 504.
    transient,
    /// Every failure, status 404 too, except what another attempt cannot change: classes `bad_url`,
    /// `blocked`, `io`, `given_up`, `aborted` and `internal`.
    any
};

} // namespace weir::http
