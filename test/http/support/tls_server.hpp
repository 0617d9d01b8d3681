#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace weir::test {

/// A certificate that signs itself, for one name as in "IP:127.0.0.1", and a file that holds it.
class self_signed {
public:
    explicit self_signed(const std::string& name)
        : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), certificate_(X509_new(), X509_free)
    {
        X509* x = certificate_.get();
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
        X509_gmtime_adj(X509_getm_notBefore(x), -3600);
        X509_gmtime_adj(X509_getm_notAfter(x), 24 * 3600);
        X509_set_pubkey(x, key_.get());
        X509_NAME* subject = X509_get_subject_name(x);
        const auto* text = reinterpret_cast<const unsigned char*>("weir test");
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
        X509_set_issuer_name(x, subject);
        X509_EXTENSION* names =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
        X509_add_ext(x, names, -1);
        X509_EXTENSION_free(names);
        X509_sign(x, key_.get(), EVP_sha256());
        write();
    }
    self_signed(const self_signed&) = delete;
    self_signed& operator=(const self_signed&) = delete;
    ~self_signed() { ::unlink(path_.c_str()); }

    const std::string& path() const { return path_; }
    X509* certificate() const { return certificate_.get(); }
    EVP_PKEY* key() const { return key_.get(); }

private:
    void write()
    {
        path_ = "weir-test-ca-XXXXXX";
        std::FILE* file = ::fdopen(::mkstemp(path_.data()), "w");
        if (!file || PEM_write_X509(file, certificate_.get()) != 1)
            throw std::runtime_error("cannot write a certificate");
        std::fclose(file);
    }

    std::shared_ptr<EVP_PKEY> key_;
    std::shared_ptr<X509> certificate_;
    std::string path_; // in the directory that the test runs in
};

/// An https server on loopback, OpenSSL as Asio uses it: it notes of each handshake its version,
/// and whether a session was resumed. It answers one request on a connection, and closes it.
class tls_server {
public:
    struct handshake {
        int version;
        bool resumed;
    };

    tls_server(boost::asio::io_context& io, const self_signed& who, int oldest, int newest)
        : context_(boost::asio::ssl::context::tls_server),
          acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0})
    {
        SSL_CTX* ctx = context_.native_handle();
        SSL_CTX_use_certificate(ctx, who.certificate());
        SSL_CTX_use_PrivateKey(ctx, who.key());
        SSL_CTX_set_min_proto_version(ctx, oldest);
        SSL_CTX_set_max_proto_version(ctx, newest);
        const unsigned char name[] = "weir";
        SSL_CTX_set_session_id_context(ctx, name, sizeof name);
        boost::asio::co_spawn(io, accept(), [](std::exception_ptr) {});
    }

    SSL_CTX* native() { return context_.native_handle(); }
    std::string url(const std::string& host = "127.0.0.1") const
    {
        return "https://" + host + ":" + std::to_string(port()) + "/";
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void stop() { acceptor_.close(); }

    std::vector<handshake> done;

private:
    using tcp = boost::asio::ip::tcp;

    boost::asio::awaitable<void> accept()
    {
        for (;;) {
            tcp::socket socket = co_await acceptor_.async_accept(boost::asio::use_awaitable);
            boost::asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)),
                                  [](std::exception_ptr) {});
        }
    }

    boost::asio::awaitable<void> serve(tcp::socket socket)
    {
        namespace asio = boost::asio;
        asio::ssl::stream<tcp::socket> line(std::move(socket), context_);
        co_await line.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
        SSL* ssl = line.native_handle();
        done.push_back({SSL_version(ssl), SSL_session_reused(ssl) == 1});
        std::string in;
        co_await asio::async_read_until(line, asio::dynamic_buffer(in), "\r\n\r\n",
                                        asio::use_awaitable);
        const std::string answer =
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
        co_await asio::async_write(line, asio::buffer(answer), asio::use_awaitable);
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN); // or OpenSSL forgets the session
    }

    boost::asio::ssl::context context_;
    tcp::acceptor acceptor_;
};

} // namespace weir::test
