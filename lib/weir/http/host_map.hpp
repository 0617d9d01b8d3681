#pragma once

#include <weir/http/name_source.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

/// Where a client connects instead of where its URLs and its name servers would lead it: to one
/// machine behind a name, to a test server, to a new server before its name is there. The Host
/// header, the name in SNI and the name that a certificate must have stay those of the URL.
///
/// Errors: a setter throws `std::invalid_argument` for a text that is not of its form.
class host_map {
public:
    /// A host, without the brackets of an IPv6 address, and a port.
    struct place {
        place(std::string h, std::uint16_t p) : host(std::move(h)), port(p) {}
        std::string host;
        std::uint16_t port;
    };

    /// The addresses of a host; no name server is asked for it. Given twice for the same host and
    /// port, the second replaces the first.
    ///
    /// Units: `host`, `host:port`, `*` for every host, or `*:port`; the one that says most counts.
    ///        Addresses as in `192.0.2.1` or `2001:db8::1`, at least one.
    host_map& resolve(std::string_view host, const std::vector<std::string>& to);

    /// Connects to another host or port. Of several that fit, the first counts. The new host is
    /// looked up as any other, and `resolve` counts for it.
    ///
    /// Units: `host`, `host:port` or `:port`. What is missing in `from` is any host or port; what
    ///        is missing in `to` stays as it is.
    host_map& connect_to(std::string_view from, std::string_view to);

    /// The addresses to use for a host; null when it has to be looked up.
    const addresses* find(std::string_view host, std::uint16_t port) const;
    /// Where to connect for this host and port.
    place lead(const std::string& host, std::uint16_t port) const;
    /// Whether `connect_to` says something about them.
    bool leads(std::string_view host, std::uint16_t port) const;

private:
    struct line {
        std::string host;
        std::optional<std::uint16_t> port;
        addresses found;
    };
    struct way {
        std::string host;
        std::optional<std::uint16_t> port;
        std::string to_host;
        std::optional<std::uint16_t> to_port;
    };

    const way* way_of(std::string_view host, std::uint16_t port) const;

    std::vector<line> lines_;
    std::vector<way> ways_;
};

} // namespace weir::http
