#pragma once

#include <weir/http/decoding_options.hpp>
#include <weir/http/name_lookup.hpp>
#include <weir/http/network_options.hpp>
#include <weir/http/request_options.hpp>
#include <weir/http/verification.hpp>
#include <weir/sync/limit.hpp>
#include <weir/time/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weir::http {

/// The limits and settings of a `client`. Setters return the object, so that calls can be chained.
///
/// Errors: a setter throws `std::invalid_argument` for a value outside its range.
class client_options {
public:
    client_options();

    /// How many connections one origin (scheme, host and port) may have, idle and in use together.
    ///
    /// Units: connections, from 1, or `unlimited`; not `paused`. Default 8: what servers accept
    ///        from a polite client, and enough to hide their latency.
    client_options& per_host(limit connections);

    /// How many exchanges run at a time, for all origins together. One that waits for a connection
    /// of its origin, or for its next redirect, has none of these places; origins that wait for
    /// them take turns. Until its body has ended an exchange has its place: so there must be more
    /// than the bodies that one coroutine has open while it waits for another one.
    ///
    /// Units: exchanges, from 1, or `unlimited`; not `paused`. Default `unlimited`: what loads a
    ///        server is its own limit, and callers often have one of theirs.
    client_options& per_client(limit exchanges);

    /// How many idle connections are kept, for all origins together.
    ///
    /// Units: connections; 0 closes each one after its response. Default: half of the file
    ///        descriptors that the process may have (RLIMIT_NOFILE) when these options are made, at
    ///        least 16 and at most 10,000. One more closes the one that has been idle longest, and
    ///        so does a connection that finds no descriptor.
    client_options& max_idle(std::size_t connections);

    /// How long an idle connection is kept. A server's `Keep-Alive: timeout=` can make it shorter.
    ///
    /// Units: from 0, which closes each connection after its response. Default 4 s: less than the
    ///        5 s after which common servers close theirs.
    client_options& idle_timeout(duration length);

    /// How long making a connection may take: look-up, every address, and TLS handshake together.
    ///
    /// Units: above 0; `duration::max()` for no limit. Default 30 s: a lost packet is sent again
    ///        several times within it.
    client_options& connect_timeout(duration length);

    /// How long an attempt to connect has before the next address is tried beside it. The first
    /// to succeed wins.
    ///
    /// Units: above 0; `duration::max()` waits until the attempt has failed. Default 250 ms, as
    ///        RFC 8305 recommends: a dead address costs no more than that.
    client_options& attempt_delay(duration length);

    /// Who looks host names up. Default `name_lookup::automatic`. Throws for `system` when there
    /// are `name_servers`: it would not ask them.
    client_options& names(name_lookup who);

    /// The name servers to ask instead of the system's, in this order. Names are asked for as they
    /// are then, without the system's search domains.
    ///
    /// Units: an address, with or without a port: `192.0.2.1:53`, `[2001:db8::1]:53`. Default
    ///        empty: those in resolv.conf.
    client_options& name_servers(std::vector<std::string> servers);

    /// How hosts are reached: maps of hosts, families of addresses, which addresses are allowed,
    /// proxies. Default: as a new `network_options`.
    client_options& network(network_options how);

    /// How large the header of a response may be.
    ///
    /// Units: bytes, from 1. Default 256 KiB: a hundred cookies are more than the usual 8 KiB.
    client_options& max_header(std::uint32_t bytes);

    /// The limits of requests that set none of their own. What this leaves open stays as it was.
    ///
    /// Units: default: a body of any size, of which 64 MiB are kept in `response::body`; 100
    ///        (Continue) is waited for above 1 MiB, as with curl; 10 redirects, because more is
    ///        nearly always a loop; 3 continuations; no timeouts.
    client_options& requests(const request_options& limits);

    /// How large the body of a response may be on the wire: `requests` with this limit. For its
    /// decoded size see `decoding`.
    ///
    /// Units: bytes, from 0. Default: no limit, because a body is passed on and not kept.
    client_options& max_body(std::uint64_t bytes);

    /// Which content codings are asked for and undone, and what decoding may cost.
    client_options& decoding(decoding_options how);

    /// How many redirects are followed for one request: `requests` with this limit.
    ///
    /// Units: redirects; 0 returns a redirect as the answer. Default 10.
    client_options& max_redirects(unsigned number);

    /// How many parts of bodies are kept for receivers that are busy, or until they are pulled.
    /// Where there are more, connections wait, and are not read from, not even for a header: so it
    /// must be more than the bodies that one coroutine has open while it waits for another one. A
    /// response that comes while its request is being sent does not wait.
    ///
    /// Units: parts, from 1, or `unlimited`; not `paused`. Default 1,024: of 64 KiB each, that is
    ///        64 MiB.
    client_options& max_held_bodies(limit parts);

    /// The value of the User-Agent header, unless a request sets its own.
    ///
    /// Units: any text without CR, LF or NUL. Default `weir/` and the version.
    client_options& user_agent(std::string text);

    /// A PEM file whose certificates are trusted instead of the system's.
    ///
    /// Units: a path. Default empty: the system's certificates.
    client_options& ca_file(std::string path);

    /// Whether an https server must prove its identity. Default `verification::required`: without
    /// it, anyone on the way can answer in the server's place.
    client_options& peer(verification rule);

    limit per_host() const noexcept { return per_host_; }
    limit per_client() const noexcept { return per_client_; }
    std::size_t max_idle() const noexcept { return max_idle_; }
    duration idle_timeout() const noexcept { return idle_timeout_; }
    duration connect_timeout() const noexcept { return connect_timeout_; }
    duration attempt_delay() const noexcept { return attempt_delay_; }
    name_lookup names() const noexcept { return names_; }
    const std::vector<std::string>& name_servers() const noexcept { return name_servers_; }
    const network_options& network() const noexcept { return network_; }
    std::uint32_t max_header() const noexcept { return max_header_; }
    const request_options& requests() const noexcept { return requests_; }
    std::uint64_t max_body() const noexcept { return *requests_.max_body(); }
    const decoding_options& decoding() const noexcept { return decoding_; }
    unsigned max_redirects() const noexcept { return *requests_.max_redirects(); }
    limit max_held_bodies() const noexcept { return max_held_bodies_; }
    const std::string& user_agent() const noexcept { return user_agent_; }
    const std::string& ca_file() const noexcept { return ca_file_; }
    verification peer() const noexcept { return peer_; }

private:
    limit per_host_ = 8;
    limit per_client_ = unlimited;
    std::size_t max_idle_;
    duration idle_timeout_ = std::chrono::seconds(4);
    duration connect_timeout_ = std::chrono::seconds(30);
    duration attempt_delay_ = std::chrono::milliseconds(250);
    name_lookup names_ = name_lookup::automatic;
    std::vector<std::string> name_servers_;
    network_options network_;
    std::uint32_t max_header_ = 256 * 1024;
    decoding_options decoding_;
    request_options requests_;
    limit max_held_bodies_ = 1024;
    std::string user_agent_ = "weir/0.1";
    std::string ca_file_;
    verification peer_ = verification::required;
};

} // namespace weir::http
