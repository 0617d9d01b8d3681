#include <weir/http/detail/no_proxy.hpp>

#include <weir/error.hpp>
#include <weir/http/detail/host_port.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace weir::http::detail {
namespace {

namespace ip = boost::asio::ip;

std::vector<unsigned char> bytes_of(const ip::address& address)
{
    if (address.is_v4()) {
        const auto bytes = address.to_v4().to_bytes();
        return {bytes.begin(), bytes.end()};
    }
    const auto bytes = address.to_v6().to_bytes();
    return {bytes.begin(), bytes.end()};
}

std::optional<ip::address> address_of(std::string_view text)
{
    if (text.starts_with('[') && text.ends_with(']'))
        text = text.substr(1, text.size() - 2);
    error_code error;
    const auto address = ip::make_address(text, error);
    return error ? std::nullopt : std::optional(address);
}

/// Whether an address is in a block such as `192.0.2.0/24`.
bool is_in_block(std::string_view block, std::string_view host)
{
    const auto slash = block.find('/');
    const auto network = address_of(block.substr(0, slash));
    const auto address = address_of(host);
    if (!network || !address || network->is_v4() != address->is_v4())
        return false;
    const auto left = bytes_of(*network);
    const auto right = bytes_of(*address);
    const auto text = block.substr(slash + 1);
    std::size_t bits = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
    if (error != std::errc() || end != text.data() + text.size() || bits > 8 * left.size())
        return false;
    const auto whole = static_cast<std::ptrdiff_t>(bits / 8);
    if (!std::equal(left.begin(), left.begin() + whole, right.begin()))
        return false;
    const auto rest = bits % 8;
    const auto at = static_cast<std::size_t>(whole);
    return rest == 0 || (left[at] ^ right[at]) >> (8 - rest) == 0;
}

bool fits(std::string_view entry, const url& target)
{
    const auto host = without_last_dot(target.host());
    if (entry == "*")
        return true;
    if (entry.find('/') != entry.npos)
        return target.host_is_address() && is_in_block(entry, host);
    entry.remove_prefix(std::min(entry.find_first_not_of('.'), entry.size()));
    const auto named = parse_host_port(entry);
    if (!named || named->host.empty() || (named->port && *named->port != target.port()))
        return false;
    if (host == named->host)
        return true;
    return !target.host_is_address() && host.ends_with("." + named->host);
}

} // namespace

bool names_host(std::string_view list, const url& target)
{
    constexpr std::string_view between = ", \t";
    while (!list.empty()) {
        const auto end = std::min(list.find_first_of(between), list.size());
        if (end != 0 && fits(list.substr(0, end), target))
            return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

} // namespace weir::http::detail
