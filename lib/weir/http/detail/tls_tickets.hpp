#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct ssl_session_st; // OpenSSL's SSL_SESSION

namespace weir::http::detail {

/// TLS sessions that can be resumed, by the origin that they are with. They belong to one
/// `tls_context`: so what else must be the same (trusted certificates, verification, versions,
/// ALPN) is.
///
/// Shape: a session of TLS 1.3 is given out once, as RFC 8446 section C.4 wants it: a second use
///        would show an observer that both connections are of one client. One of TLS 1.2 stays.
/// Memory: at most `most` sessions, and `per_origin` of one origin; one more drops the oldest.
class tls_tickets {
public:
    using session = std::shared_ptr<ssl_session_st>;
    static constexpr std::size_t per_origin = 4; // a server of TLS 1.3 sends two

    explicit tls_tickets(std::size_t most) : most_(most) {}
    tls_tickets(const tls_tickets&) = delete;
    tls_tickets& operator=(const tls_tickets&) = delete;

    void keep(const std::string& origin, session one);
    /// The newest session with this origin; null when there is none.
    session take(const std::string& origin);
    /// Drops all sessions with this origin.
    void forget(const std::string& origin);

    std::size_t size() const noexcept { return all_.size(); }

private:
    struct entry {
        std::string origin;
        session kept;
    };
    using place = std::list<entry>::iterator;

    void drop(place at);

    std::size_t most_;
    std::list<entry> all_; // oldest first
    std::unordered_map<std::string, std::vector<place>> by_origin_;
};

} // namespace weir::http::detail
