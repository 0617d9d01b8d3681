#pragma once

#include <boost/asio/ip/address.hpp>

#include <functional>

namespace weir::http {

/// Whether a client may connect to an address. It should not wait, and must not throw.
using address_filter = std::function<bool(const boost::asio::ip::address& to)>;

/// Whether an address is one of the public Internet: what a program may connect to for URLs that
/// strangers wrote (`network_options::allow(is_public)`).
///
/// Shape: false for all that IANA lists as special: this host, private networks, links, loopback,
///        documentation, benchmarks, multicast, reserved blocks, and for IPv6 all that is not in
///        2000::/3. An address that leads to an IPv4 address (::ffff:0:0/96, and 64:ff9b::/96 of
///        NAT64) is as public as that one. All of ::/96, 6to4 and Teredo is refused.
/// Source: IANA's IPv4 and IPv6 Special-Purpose Address Registries, of 2025, and IANA's registries
///         of multicast and of the IPv6 address space. Stricter than these in 192.0.0.0/24 and
///         2001::/23, where the few blocks that are reachable hold no web servers.
bool is_public(const boost::asio::ip::address& one) noexcept;

} // namespace weir::http
