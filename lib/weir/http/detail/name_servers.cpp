#include <weir/http/detail/name_servers.hpp>

#include <weir/error.hpp>
#include <weir/http/detail/host_port.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <sstream>
#include <string>

namespace weir::http::detail {

namespace asio = boost::asio;

std::optional<asio::ip::udp::endpoint> parse_name_server(std::string_view text)
{
    std::string_view host = text;
    std::string_view port = "53";
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == text.npos)
            return std::nullopt;
        host = text.substr(1, end - 1);
        const auto rest = text.substr(end + 1);
        if (!rest.empty() && rest.front() != ':')
            return std::nullopt;
        if (!rest.empty())
            port = rest.substr(1);
    } else if (std::count(text.begin(), text.end(), ':') == 1) { // more are in an IPv6 address
        host = text.substr(0, text.find(':'));
        port = text.substr(text.find(':') + 1);
    }
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    const auto number = parse_port(port);
    if (error || !number || (text.starts_with('[') && !address.is_v6()))
        return std::nullopt;
    return asio::ip::udp::endpoint(address, *number);
}

bool is_files_and_dns(std::string_view nsswitch)
{
    std::istringstream lines{std::string(nsswitch)};
    for (std::string line; std::getline(lines, line);) {
        const std::string_view text = std::string_view(line).substr(0, line.find('#'));
        const auto colon = text.find(':');
        std::istringstream key{std::string(text.substr(0, colon))};
        std::string word;
        if (colon == text.npos || !(key >> word) || word != "hosts")
            continue;
        // What stands in brackets says what to do after the word before it.
        std::istringstream words{std::string(text.substr(colon + 1))};
        bool in_brackets = false;
        while (words >> word) {
            const bool here = in_brackets || word.starts_with('[');
            in_brackets = here && !word.ends_with(']');
            if (!here && word != "files" && word != "dns")
                return false;
        }
        return true;
    }
    return true;
}

} // namespace weir::http::detail
