#include <weir/http/detail/tls_context.hpp>

#include <weir/http/detail/last_error.hpp>
#include <weir/http/detail/tls_session.hpp>
#include <weir/http/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <unistd.h>

namespace weir::http::detail {
namespace {

[[noreturn]] void refuse(const std::string& what)
{
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    throw failed(failure(error_class::tls, what + (reason ? std::string(": ") + reason : "")));
}

} // namespace

tls_context::tls_context(const std::string& ca_file, verification peer, tls_version oldest)
    : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free)
{
    static constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    ERR_clear_error();
    SSL_CTX* ctx = context_.get();
    if (!ctx)
        refuse("cannot set up TLS");
    SSL_CTX_set_min_proto_version(ctx,
                                  oldest == tls_version::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1); // a record in one system call, not its head and body in two
    // Sessions go to `tls_tickets`: OpenSSL's own store is for servers.
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, &tls_session::keep);
    SSL_CTX_set_client_cert_cb(ctx, &tls_session::offer_none);
    SSL_CTX_set_alpn_protos(ctx, http_1_1, sizeof http_1_1);
    const bool required = peer == verification::required;
    SSL_CTX_set_verify(ctx, required ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (!ca_file.empty()) {
        if (::access(ca_file.c_str(), R_OK) != 0) // OpenSSL would not say why
            throw failed(failure(error_class::tls, "cannot read the certificates in " + ca_file +
                                                       ": " + last_error().message()));
        if (SSL_CTX_load_verify_file(ctx, ca_file.c_str()) != 1)
            refuse("cannot read the certificates in " + ca_file);
    } else if (required && SSL_CTX_set_default_verify_paths(ctx) != 1) {
        refuse("cannot read the system's trusted certificates");
    }
    ERR_clear_error();
}

} // namespace weir::http::detail
