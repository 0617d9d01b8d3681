#include <weir/http/detail/tls_session.hpp>

#include <weir/http/detail/host_port.hpp>
#include <weir/http/detail/tls_refusal.hpp>
#include <weir/http/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>

namespace weir::http::detail {
namespace {

using state = io_step::state;

// OpenSSL's own socket BIO uses write(), which raises SIGPIPE when the peer has gone; a library
// must not ask its users to ignore signals.

transport& line_of(BIO* bio)
{
    return *static_cast<transport*>(BIO_get_data(bio));
}

// What OpenSSL makes of a step: bytes, 0 at the end, below 0 otherwise.
int returned(BIO* bio, const io_step& step)
{
    switch (step.what) {
    case state::done:
        return static_cast<int>(step.bytes);
    case state::wait_read:
        BIO_set_retry_read(bio);
        return -1;
    case state::wait_write:
        BIO_set_retry_write(bio);
        return -1;
    case state::end:
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
        return 0;
    case state::failed:
        break;
    }
    errno = step.error.value(); // where OpenSSL looks
    return -1;
}

int bio_write(BIO* bio, const char* from, int size)
{
    BIO_clear_retry_flags(bio);
    return returned(bio, line_of(bio).try_write(from, static_cast<std::size_t>(size)));
}

int bio_read(BIO* bio, char* to, int size)
{
    BIO_clear_retry_flags(bio);
    return returned(bio, line_of(bio).try_read(to, static_cast<std::size_t>(size)));
}

long bio_control(BIO* bio, int command, long, void*)
{
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

int bio_create(BIO* bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD* transport_method()
{
    static BIO_METHOD* method = [] {
        BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir transport");
        if (m) {
            BIO_meth_set_write(m, bio_write);
            BIO_meth_set_read(m, bio_read);
            BIO_meth_set_ctrl(m, bio_control);
            BIO_meth_set_create(m, bio_create);
        }
        return m;
    }();
    return method;
}

/// What servers say in TLS 1.2 when they asked for a certificate and got none, and in TLS 1.3.
bool says_that_none_is_there(unsigned long code)
{
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return false;
    switch (ERR_GET_REASON(code)) {
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

int chunk(std::size_t size)
{
    return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

} // namespace

tls_session::tls_session(const tls_context& context, const url& target, transport& line,
                         tls_tickets& tickets)
    : ssl_(SSL_new(context.native()), SSL_free), origin_(target.origin()), tickets_(tickets)
{
    BIO* bio = ssl_ && transport_method() ? BIO_new(transport_method()) : nullptr;
    if (!bio)
        throw std::bad_alloc();
    BIO_set_data(bio, &line);
    SSL* ssl = ssl_.get();
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);

    const std::string& host = target.host();
    bool checked = true;
    if (target.host_is_address()) {
        checked = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    } else {
        // A name may end in a dot; the certificate's never does.
        const std::string name(without_last_dot(host));
        // Names stand in the extension for them: RFC 9110 section 4.3.4 forbids the subject's.
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        checked = SSL_set1_host(ssl, name.c_str()) == 1 &&
                  SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
    }
    if (!checked)
        throw failed(failure(error_class::tls, "cannot check a certificate for " + host));
    SSL_set_app_data(ssl, this);
    const auto ticket = tickets_.take(origin_);
    if (ticket)
        SSL_set_session(ssl, ticket.get());
}

tls_session::~tls_session()
{
    // Without a goodbye OpenSSL would not resume the session, as SSL 3.0 asked for. TLS 1.1 dropped
    // that (RFC 4346 section 7.2.1), and truncation is noticed where the body ends.
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN);
}

int tls_session::keep(SSL* ssl, SSL_SESSION* fresh)
{
    const tls_tickets::session one(fresh, SSL_SESSION_free);
    auto* const self = static_cast<tls_session*>(SSL_get_app_data(ssl));
    if (SSL_SESSION_is_resumable(fresh) == 1)
        self->tickets_.keep(self->origin_, one);
    return 1;
}

int tls_session::offer_none(SSL* ssl, X509**, EVP_PKEY**)
{
    static_cast<tls_session*>(SSL_get_app_data(ssl))->was_asked_ = true;
    return 0;
}

io_step tls_session::handshake()
{
    ERR_clear_error();
    const int n = SSL_do_handshake(ssl_.get());
    const io_step step = n == 1 ? io_step(state::done) : stopped(n);
    if (step.what == state::failed)
        tickets_.forget(origin_); // a server may stumble over them
    return step;
}

io_step tls_session::read(char* to, std::size_t size)
{
    ERR_clear_error();
    const int n = SSL_read(ssl_.get(), to, chunk(size));
    return n > 0 ? io_step(state::done, static_cast<std::size_t>(n)) : stopped(n);
}

io_step tls_session::write(const char* from, std::size_t size)
{
    ERR_clear_error();
    const int n = SSL_write(ssl_.get(), from, chunk(size));
    return n > 0 ? io_step(state::done, static_cast<std::size_t>(n)) : stopped(n);
}

bool tls_session::has_pending() const
{
    return SSL_has_pending(ssl_.get()) != 0;
}

io_step tls_session::stopped(int returned)
{
    const int system = errno;
    switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
        return io_step(state::wait_read);
    case SSL_ERROR_WANT_WRITE:
        return io_step(state::wait_write);
    case SSL_ERROR_ZERO_RETURN:
        return io_step(state::end);
    case SSL_ERROR_SYSCALL:
        if (system != 0 && ERR_peek_error() == 0) {
            const error_code error(system, boost::system::system_category());
            fault_ = error.message();
            return io_step(state::failed, error);
        }
        break;
    default:
        break;
    }
    const auto code = ERR_peek_error();
    describe();
    ERR_clear_error();
    const bool cut = code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (cut)
        return io_step(state::failed, error_code(boost::asio::ssl::error::stream_truncated));
    return io_step(state::failed,
                   error_code(static_cast<int>(code), boost::asio::error::get_ssl_category()));
}

void tls_session::describe()
{
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK && SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE) {
        fault_ = std::string("the server's certificate is not accepted: ") +
                 X509_verify_cert_error_string(verdict);
        return;
    }
    const auto code = ERR_peek_error();
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) {
        fault_ = "the server does not speak TLS on this port (is it an http:// address?)";
        return;
    }
    if (was_asked_ && says_that_none_is_there(code)) {
        fault_ = certificate_wanted;
        return;
    }
    const char* reason = code ? ERR_reason_error_string(code) : nullptr;
    fault_ = reason ? reason : "the connection was cut off";
}

} // namespace weir::http::detail
