#pragma once

#include "item.hpp"

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>

namespace origin {

/// How the origin runs.
struct options {
    boost::asio::ip::address address = boost::asio::ip::address_v4::loopback();
    /// 0 chooses any free port.
    unsigned short port = 8080;
    /// A file that gets the port once the server listens; none when empty.
    std::filesystem::path port_file;
    delay_range delay;
    /// Connections at a time; more wait in the kernel's backlog.
    std::size_t max_connections = 1024;
};

/// The options from the command line; without them the exit status, after help or wrong usage.
struct command {
    std::optional<options> run;
    int exit_status = 0;
};

command parse(int argc, char** argv);

} // namespace origin
