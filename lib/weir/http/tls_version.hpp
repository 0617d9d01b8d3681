#pragma once

namespace weir::http {

/// The versions of TLS that a client speaks.
enum class tls_version { v1_2, v1_3 };

} // namespace weir::http
