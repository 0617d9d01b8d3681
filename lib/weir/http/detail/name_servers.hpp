#pragma once

#include <boost/asio/ip/udp.hpp>

#include <optional>
#include <string_view>

namespace weir::http::detail {

/// The name server that a text names: `192.0.2.1:53`, `[2001:db8::1]:53`, or an address without a
/// port (53 then). Empty when it does not name one.
std::optional<boost::asio::ip::udp::endpoint> parse_name_server(std::string_view text);

/// Whether a nsswitch.conf looks host names up in the hosts file and by DNS, and nowhere else. One
/// that says nothing about hosts does.
bool is_files_and_dns(std::string_view nsswitch);

} // namespace weir::http::detail
