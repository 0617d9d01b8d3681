#pragma once

#include <weir/error.hpp>
#include <weir/http/error.hpp>

#include <optional>
#include <string_view>

namespace weir::http::detail {

/// What there is to say where a server wants to know who its client is.
inline constexpr std::string_view certificate_wanted =
    "the server wants a certificate of its client, and weir has none to show";

/// The failure when a server refuses the client's end of TLS after the handshake: in TLS 1.3 it
/// says only then that it wants a certificate (RFC 8446 section 6.2, certificate_required). It has
/// looked at no request.
std::optional<failure> refused_by_tls(const error_code& of_read);

} // namespace weir::http::detail
