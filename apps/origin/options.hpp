#pragma once

#include "item.hpp"

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>

namespace origin {

struct options {
    boost::asio::ip::address address = boost::asio::ip::address_v4::loopback();
    /// 0: any free port.
    unsigned short port = 8080;
    /// Gets the port once the server listens. Empty: nobody needs it.
    std::filesystem::path port_file;
    delay_range delay;
    /// Connections at once. Those above wait in the kernel's backlog.
    std::size_t max_connections = 1024;
};

/// What the command line asks for, or the exit status when there is nothing to serve (help, wrong
/// usage).
struct command {
    std::optional<options> run;
    int exit_status = 0;
};

command parse(int argc, char** argv);

} // namespace origin
