#include <weir/http/detail/url_address.hpp>

#include <weir/http/detail/digits.hpp>
#include <weir/http/detail/url_encoding.hpp>

#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir::http::detail {
namespace {

/// Larger than any IPv4 number; numbers stop growing here.
constexpr std::uint64_t too_large = std::uint64_t{1} << 32;

/// The value of a part in its own base; empty when it is not a number.
std::optional<std::uint64_t> ipv4_number(std::string_view part)
{
    if (part.empty())
        return std::nullopt;
    int base = 10;
    if (part.size() > 1 && part[0] == '0') {
        const bool hex = part[1] == 'x' || part[1] == 'X';
        base = hex ? 16 : 8;
        part.remove_prefix(hex ? 2 : 1);
    }
    std::uint64_t value = 0;
    for (const char c : part) {
        const int digit = hex_value(c);
        if (digit < 0 || digit >= base)
            return std::nullopt;
        value =
            std::min(value * static_cast<unsigned>(base) + static_cast<unsigned>(digit), too_large);
    }
    return value;
}

/// The parts between the dots; one dot at the end does not count.
std::vector<std::string_view> parts_of(std::string_view host)
{
    if (host.size() > 1 && host.back() == '.')
        host.remove_suffix(1);
    std::vector<std::string_view> parts;
    parts.reserve(4);
    for (std::size_t dot = 0; dot != std::string_view::npos;) {
        dot = host.find('.');
        parts.push_back(host.substr(0, dot));
        host.remove_prefix(std::min(dot, host.size() - 1) + 1);
    }
    return parts;
}

using pieces = std::array<unsigned, 8>;

/// The longest run of zeros, the first of several; a length of 1 or less is not shortened.
std::pair<std::size_t, std::size_t> longest_zeros(const pieces& address)
{
    std::pair<std::size_t, std::size_t> best{0, 0};
    for (std::size_t i = 0, length = 0; i < address.size(); ++i) {
        length = address[i] == 0 ? length + 1 : 0;
        if (length > best.second)
            best = {i + 1 - length, length};
    }
    return best;
}

std::string hex(unsigned value)
{
    std::string out;
    do {
        out.insert(out.begin(), "0123456789abcdef"[value & 15]);
        value >>= 4;
    } while (value > 0);
    return out;
}

} // namespace

bool ends_in_a_number(std::string_view host)
{
    if (host.size() > 1 && host.back() == '.')
        host.remove_suffix(1);
    const auto dot = host.rfind('.');
    const auto last = dot == std::string_view::npos ? host : host.substr(dot + 1);
    // Digits alone count even where they are no octal number: 1.08 is not a name either.
    return !last.empty() && (std::all_of(last.begin(), last.end(), is_digit) || ipv4_number(last));
}

std::optional<std::string> ipv4_address(std::string_view host)
{
    const auto parts = parts_of(host);
    if (parts.size() > 4)
        return std::nullopt;
    std::uint64_t address = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto number = ipv4_number(parts[i]);
        const bool last = i + 1 == parts.size();
        const std::size_t bytes = last ? 4 - i : 1;
        if (!number || *number >= std::uint64_t{1} << (8 * bytes))
            return std::nullopt;
        address |= *number << (8 * (4 - i - bytes));
    }
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8)
        out += std::to_string((address >> shift) & 255) + (shift > 0 ? "." : "");
    return out;
}

std::optional<std::string> ipv6_address(std::string_view text)
{
    // The system's parser would also take a zone, and stop at a NUL.
    const auto foreign = [](char c) { return hex_value(c) < 0 && c != ':' && c != '.'; };
    if (std::any_of(text.begin(), text.end(), foreign))
        return std::nullopt;
    boost::system::error_code error;
    const auto bytes = boost::asio::ip::make_address_v6(std::string(text), error).to_bytes();
    if (error)
        return std::nullopt;
    pieces address{};
    for (std::size_t i = 0; i < address.size(); ++i)
        address[i] = bytes[2 * i] * 256U + bytes[2 * i + 1];
    const auto [zeros, length] = longest_zeros(address);
    std::string out;
    for (std::size_t i = 0; i < address.size(); ++i) {
        if (length > 1 && i == zeros) {
            out += "::";
            i += length - 1;
            continue;
        }
        if (!out.empty() && out.back() != ':')
            out += ':';
        out += hex(address[i]);
    }
    return out;
}

} // namespace weir::http::detail
