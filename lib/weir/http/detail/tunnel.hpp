#pragma once

#include <weir/http/detail/response_reader.hpp>
#include <weir/http/proxies.hpp>
#include <weir/http/response.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// How a proxy is asked for a tunnel, and what its reply means. It uses no socket.
///
/// Shape: send `head`; feed what arrives until `took` says that it is over. Then the tunnel is
///        there, or `fault` says why not.
/// Memory: the reply's header, at most 16 KiB with 100 fields: no proxy needs more.
/// Source: RFC 9110 section 9.3.6.
class tunnel {
public:
    /// `to` is the host and port at the other end.
    tunnel(const proxy& through, std::string to);
    tunnel(const tunnel&) = delete;
    tunnel& operator=(const tunnel&) = delete;

    std::string head(std::string_view user_agent) const;

    /// Takes what arrived; true when the reply is complete, and `bytes` are the tunnel's.
    bool took(std::string_view& bytes);
    /// The connection ended before the reply.
    void ended(error_code how);

    const std::optional<failure>& fault() const noexcept { return fault_; }

private:
    void judge();

    const proxy& through_;
    std::string to_;
    response reply_;
    response_reader reader_;
    std::optional<failure> fault_;
};

} // namespace weir::http::detail
