#pragma once

#include <weir/http/error.hpp>

#include <memory>
#include <string>

struct ssl_ctx_st; // OpenSSL's SSL_CTX, so that this header does not need OpenSSL's

namespace weir::http {

/// Whether a server must prove that it is the one asked for.
enum class verification { required, none };

/// How https connections are made: TLS 1.2 or newer, the server's certificate checked against the
/// system's trusted authorities and against the host asked for.
///
/// Errors    throws `failed` (class `tls`) when the trust store or `ca_file` cannot be read.
/// Threads   safe to share; copies share one OpenSSL context.
class tls_context {
public:
    /// The system's trust store, verification required.
    tls_context();
    /// `ca_file` (PEM) replaces the system's trust store when it is not empty. With
    /// `verification::none` anybody may answer: for tests and for machines you know.
    explicit tls_context(const std::string& ca_file, verification peer = verification::required);

    ssl_ctx_st* native() const noexcept { return context_.get(); }
    verification peer() const noexcept { return peer_; }

private:
    std::shared_ptr<ssl_ctx_st> context_;
    verification peer_;
};

} // namespace weir::http
