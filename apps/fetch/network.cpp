#include "network.hpp"

#include <weir/http/address_filter.hpp>
#include <weir/http/name_source.hpp>
#include <weir/http/proxies.hpp>
#include <weir/http/tls_version.hpp>

#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {
namespace {

namespace http = weir::http;

/// The parts between colons; those in the brackets of an IPv6 address do not count. The last of
/// `count` parts is all that is left.
std::vector<std::string> parts_of(std::string_view text, std::size_t count)
{
    std::vector<std::string> parts(1);
    bool in_brackets = false;
    for (const char c : text) {
        in_brackets = (in_brackets || c == '[') && c != ']';
        if (c == ':' && !in_brackets && parts.size() < count)
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

std::string joined(const std::string& host, const std::string& port)
{
    return port.empty() ? host : host + ":" + port;
}

/// The addresses in a list with commas, without brackets.
std::vector<std::string> addresses_in(const std::string& list)
{
    std::vector<std::string> found(1);
    for (const char c : list) {
        if (c == ',')
            found.emplace_back();
        else if (c != '[' && c != ']')
            found.back() += c;
    }
    return found;
}

void add_maps(http::network_options& to, const options& chosen)
{
    for (const std::string& text : chosen.resolve) {
        const auto parts = parts_of(text, 3);
        if (parts.size() != 3)
            throw std::invalid_argument("--resolve takes HOST:PORT:ADDRESS, not '" + text + "'");
        to.resolve(joined(parts[0], parts[1]), addresses_in(parts[2]));
    }
    for (const std::string& text : chosen.connect_to) {
        const auto parts = parts_of(text, 4);
        if (parts.size() != 4)
            throw std::invalid_argument("--connect-to takes HOST1:PORT1:HOST2:PORT2, not '" + text +
                                        "'");
        to.connect_to(joined(parts[0], parts[1]), joined(parts[2], parts[3]));
    }
}

http::proxies proxies_for(const options& chosen)
{
    // What the command line says goes before the environment, which then may hold anything.
    const auto read = [&chosen](const char* name) -> const char* {
        const bool excepts =
            std::string_view(name) == "no_proxy" || std::string_view(name) == "NO_PROXY";
        const bool given = excepts ? chosen.no_proxy.has_value() : chosen.proxy.has_value();
        return given ? nullptr : std::getenv(name);
    };
    http::proxies all = http::proxies::from_environment(read);
    if (chosen.proxy)
        all.all(*chosen.proxy);
    if (chosen.no_proxy)
        all.except(*chosen.no_proxy);
    return all;
}

} // namespace

http::network_options network_options_for(const options& chosen)
{
    http::network_options made;
    add_maps(made, chosen);
    if (chosen.ipv4)
        made.only(http::address_family::v4);
    if (chosen.ipv6)
        made.only(http::address_family::v6);
    if (chosen.tls_1_3)
        made.tls_from(http::tls_version::v1_3);
    const http::proxies through = proxies_for(chosen);
    if (chosen.block_private && !through.empty())
        throw std::invalid_argument("--block-private: a proxy connects to addresses that are not "
                                    "looked at here; add -x '' to use none");
    made.through(through);
    if (chosen.block_private)
        made.allow(http::is_public);
    return made;
}

} // namespace weir_fetch
