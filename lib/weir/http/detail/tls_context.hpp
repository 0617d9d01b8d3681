#pragma once

#include <weir/http/tls_version.hpp>
#include <weir/http/verification.hpp>

#include <memory>
#include <string>

struct ssl_ctx_st; // OpenSSL's SSL_CTX, so that this header does not include OpenSSL's

namespace weir::http::detail {

/// The TLS settings that the connections of a client share: versions, trusted certificates.
///
/// Errors: the constructor throws `failed` (class `tls`) when the certificates cannot be read.
/// Threads: safe to share; copies share one OpenSSL context.
class tls_context {
public:
    /// `ca_file` (PEM) replaces the system's certificates when it is not empty.
    tls_context(const std::string& ca_file, verification peer, tls_version oldest);

    ssl_ctx_st* native() const noexcept { return context_.get(); }

private:
    std::shared_ptr<ssl_ctx_st> context_;
};

} // namespace weir::http::detail
