#pragma once

#include <weir/error.hpp>
#include <weir/http/phase.hpp>

#include <boost/asio/ip/tcp.hpp>

namespace weir::http::detail {

/// Is told how far the making of a connection has come.
class connect_observer {
public:
    using endpoint = boost::asio::ip::tcp::endpoint;

    virtual ~connect_observer() = default;

    virtual void enter(phase which) = 0;
    /// One address did not accept a connection.
    virtual void missed(const endpoint& address, const error_code& error) = 0;
    /// The address that is connected to.
    virtual void found(const endpoint& address) = 0;
};

} // namespace weir::http::detail
