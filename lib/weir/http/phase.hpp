#pragma once

#include <string_view>

namespace weir::http {

/// What an exchange does, one after another.
enum class phase {
    queue,    ///< waits for a place: of its origin, or of the client
    name,     ///< looks the host's name up
    connect,  ///< connects to an address
    tls,      ///< does the TLS handshake
    send,     ///< sends the request
    response, ///< waits for the header of the response
    body,     ///< receives the body
    done      ///< has ended well
};

/// `queue`, `name`, `connect`, `tls`, `send`, `response`, `body`, `done`.
std::string_view name(phase which) noexcept;

} // namespace weir::http
