#include <weir/http/address_filter.hpp>

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace weir::http {
namespace {

namespace ip = boost::asio::ip;

struct v4_block {
    std::uint32_t first;
    unsigned bits;
};

constexpr std::uint32_t quad(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return a << 24 | b << 16 | c << 8 | d;
}

constexpr v4_block special_v4[] = {
    {quad(0, 0, 0, 0), 8},       // this network
    {quad(10, 0, 0, 0), 8},      // private
    {quad(100, 64, 0, 0), 10},   // shared, behind a provider's NAT
    {quad(127, 0, 0, 0), 8},     // loopback
    {quad(169, 254, 0, 0), 16},  // link-local: metadata of clouds
    {quad(172, 16, 0, 0), 12},   // private
    {quad(192, 0, 0, 0), 24},    // IETF protocols
    {quad(192, 0, 2, 0), 24},    // documentation
    {quad(192, 31, 196, 0), 24}, // AS112
    {quad(192, 52, 193, 0), 24}, // AMT
    {quad(192, 88, 99, 0), 24},  // 6to4 relays, deprecated
    {quad(192, 168, 0, 0), 16},  // private
    {quad(192, 175, 48, 0), 24}, // AS112
    {quad(198, 18, 0, 0), 15},   // benchmarks
    {quad(198, 51, 100, 0), 24}, // documentation
    {quad(203, 0, 113, 0), 24},  // documentation
    {quad(224, 0, 0, 0), 4},     // multicast
    {quad(240, 0, 0, 0), 4},     // reserved, and broadcast
};

using v6_bytes = ip::address_v6::bytes_type;

struct v6_block {
    std::array<std::uint16_t, 6> first;
    unsigned bits;
};

// Inside 2000::/3, beside which nothing is public.
constexpr v6_block special_v6[] = {
    {{0x2001}, 23},               // IETF protocols: Teredo, benchmarks, ORCHID, anycast
    {{0x2001, 0x0db8}, 32},       // documentation
    {{0x2002}, 16},               // 6to4
    {{0x2620, 0x4f, 0x8000}, 48}, // AS112
    {{0x3fff}, 20},               // documentation
};
constexpr v6_block global_unicast{{0x2000}, 3};
constexpr v6_block mapped{{0, 0, 0, 0, 0, 0xffff}, 96};
constexpr v6_block nat64{{0x64, 0xff9b}, 96};

bool contains(const v4_block& block, std::uint32_t address)
{
    return (address ^ block.first) >> (32 - block.bits) == 0;
}

bool contains(const v6_block& block, const v6_bytes& address)
{
    unsigned left = block.bits;
    for (std::size_t i = 0; left > 0; ++i) {
        const unsigned compared = std::min(left, 16U);
        const unsigned piece = address[2 * i] * 256U + address[2 * i + 1];
        if ((piece ^ block.first[i]) >> (16 - compared) != 0)
            return false;
        left -= compared;
    }
    return true;
}

bool is_public_v4(std::uint32_t address)
{
    return std::none_of(std::begin(special_v4), std::end(special_v4),
                        [address](const v4_block& each) { return contains(each, address); });
}

} // namespace

bool is_public(const ip::address& one) noexcept
{
    if (one.is_v4())
        return is_public_v4(one.to_v4().to_uint());
    const v6_bytes bytes = one.to_v6().to_bytes();
    if (contains(mapped, bytes) || contains(nat64, bytes))
        return is_public_v4(quad(bytes[12], bytes[13], bytes[14], bytes[15]));
    return contains(global_unicast, bytes) &&
           std::none_of(std::begin(special_v6), std::end(special_v6),
                        [&bytes](const v6_block& each) { return contains(each, bytes); });
}

} // namespace weir::http
