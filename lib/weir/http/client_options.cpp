#include <weir/http/client_options.hpp>

#include <weir/http/detail/name_servers.hpp>
#include <weir/http/headers.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace weir::http {

namespace {

// Half of what this process may open; the rest is for connections in use, files and the program.
std::size_t idle_by_default() noexcept
{
    constexpr std::size_t least = 16, most = 10'000;
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0)
        return least;
    return std::clamp(static_cast<std::size_t>(files.rlim_cur / 2), least, most);
}

} // namespace

client_options::client_options() : max_idle_(idle_by_default())
{
    requests_.max_body(std::numeric_limits<std::uint64_t>::max()).max_kept_body(64 * 1024 * 1024);
    requests_.expect_above(1024 * 1024).max_redirects(10).continuations(3);
}

client_options& client_options::per_host(limit connections)
{
    if (connections.is_paused())
        throw std::invalid_argument("weir::http::client_options::per_host: must be at least 1");
    per_host_ = connections;
    return *this;
}

client_options& client_options::per_client(limit exchanges)
{
    if (exchanges.is_paused())
        throw std::invalid_argument("weir::http::client_options::per_client: must be at least 1");
    per_client_ = exchanges;
    return *this;
}

client_options& client_options::max_idle(std::size_t connections)
{
    max_idle_ = connections;
    return *this;
}

client_options& client_options::idle_timeout(duration length)
{
    if (length < duration::zero())
        throw std::invalid_argument(
            "weir::http::client_options::idle_timeout: must not be negative");
    idle_timeout_ = length;
    return *this;
}

client_options& client_options::connect_timeout(duration length)
{
    if (length <= duration::zero())
        throw std::invalid_argument("weir::http::client_options::connect_timeout: must be above 0");
    connect_timeout_ = length;
    return *this;
}

client_options& client_options::attempt_delay(duration length)
{
    if (length <= duration::zero())
        throw std::invalid_argument("weir::http::client_options::attempt_delay: must be above 0");
    attempt_delay_ = length;
    return *this;
}

client_options& client_options::names(name_lookup who)
{
    if (who == name_lookup::system && !name_servers_.empty())
        throw std::invalid_argument(
            "weir::http::client_options::names: the system's resolver asks no name_servers");
    names_ = who;
    return *this;
}

client_options& client_options::name_servers(std::vector<std::string> servers)
{
    std::string wrong = "weir::http::client_options::name_servers: ";
    if (names_ == name_lookup::system && !servers.empty())
        throw std::invalid_argument(wrong += "the system's resolver asks none of them");
    for (const std::string& each : servers)
        if (!detail::parse_name_server(each))
            throw std::invalid_argument(
                wrong.append("'").append(each).append("' is not an address with a port, such as "
                                                      "192.0.2.1:53"));
    name_servers_ = std::move(servers);
    return *this;
}

client_options& client_options::network(network_options how)
{
    network_ = std::move(how);
    return *this;
}

client_options& client_options::max_header(std::uint32_t bytes)
{
    if (bytes == 0)
        throw std::invalid_argument("weir::http::client_options::max_header: must be at least 1");
    max_header_ = bytes;
    return *this;
}

client_options& client_options::requests(const request_options& limits)
{
    requests_ = limits.or_else(requests_);
    return *this;
}

client_options& client_options::max_held_bodies(limit parts)
{
    if (parts.is_paused())
        throw std::invalid_argument(
            "weir::http::client_options::max_held_bodies: must be at least 1");
    max_held_bodies_ = parts;
    return *this;
}

client_options& client_options::max_body(std::uint64_t bytes)
{
    requests_.max_body(bytes);
    return *this;
}

client_options& client_options::decoding(decoding_options how)
{
    decoding_ = how;
    return *this;
}

client_options& client_options::max_redirects(unsigned number)
{
    requests_.max_redirects(number);
    return *this;
}

client_options& client_options::user_agent(std::string text)
{
    if (!is_field_value(text))
        throw std::invalid_argument(
            "weir::http::client_options::user_agent: must not hold CR, LF or NUL");
    user_agent_ = std::move(text);
    return *this;
}

client_options& client_options::ca_file(std::string path)
{
    ca_file_ = std::move(path);
    return *this;
}

client_options& client_options::peer(verification rule)
{
    peer_ = rule;
    return *this;
}

} // namespace weir::http
