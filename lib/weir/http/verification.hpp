#pragma once

namespace weir::http {

/// Whether an https server must prove that it is the host in the URL.
enum class verification {
    required, ///< its certificate must be trusted and name the host
    none      ///< any server is accepted: for tests, and for hosts on a network you trust
};

} // namespace weir::http
