#pragma once

#include <weir/http/detail/tls_context.hpp>
#include <weir/http/detail/tls_tickets.hpp>
#include <weir/http/io_step.hpp>
#include <weir/http/network.hpp>
#include <weir/http/url.hpp>

#include <cstddef>
#include <memory>
#include <string>

struct ssl_st; // OpenSSL's SSL
struct x509_st;
struct evp_pkey_st;

namespace weir::http::detail {

/// OpenSSL over a transport. OpenSSL reads and writes the transport itself: a connection takes
/// 19 kB, where `asio::ssl::stream` takes 77 kB.
class tls_session final : public secure_session {
public:
    /// The handshake will check the host name or address in the certificate, and send SNI for a
    /// name. It resumes a session of `tickets`, which outlive it, if there is one.
    tls_session(const tls_context& context, const url& target, transport& line,
                tls_tickets& tickets);
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;
    ~tls_session() override;

    io_step handshake() override;
    io_step read(char* to, std::size_t size) override;
    io_step write(const char* from, std::size_t size) override;
    bool has_pending() const override;
    std::string fault() const override { return fault_; }

    /// OpenSSL's callback: the server gave a session that can be resumed. It comes after the server
    /// was verified. Takes the reference.
    static int keep(ssl_st* ssl, ssl_session_st* fresh);
    /// OpenSSL's callback: the server asks for a certificate of ours. There is none.
    static int offer_none(ssl_st* ssl, x509_st** certificate, evp_pkey_st** key);

private:
    io_step stopped(int returned);
    void describe();

    std::shared_ptr<ssl_st> ssl_;
    std::string origin_;
    tls_tickets& tickets_;
    std::string fault_;
    bool was_asked_ = false; // for a certificate
};

} // namespace weir::http::detail
