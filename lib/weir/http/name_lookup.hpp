#pragma once

namespace weir::http {

/// Who looks host names up.
enum class name_lookup {
    /// `dns`, unless the system's nsswitch.conf asks more than the hosts file and DNS for hosts.
    automatic,
    /// The hosts file, then name servers, asked without a thread: any number at a time.
    dns,
    /// The system's resolver (getaddrinfo), on at most 8 threads: a name server that is silent
    /// holds one of them up for seconds.
    system
};

} // namespace weir::http
