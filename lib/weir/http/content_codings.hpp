#pragma once

namespace weir::http {

/// Which content codings a client asks servers for, and undoes.
enum class content_codings {
    all, ///< gzip, deflate, br and zstd
    none ///< none is asked for: what comes is passed on as it is
};

} // namespace weir::http
