#include <weir/http/detail/url_host.hpp>

#include <weir/http/detail/url_address.hpp>
#include <weir/http/detail/url_encoding.hpp>
#include <weir/http/detail/url_idn.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace weir::http::detail {
namespace {

/// The forbidden domain code points: controls, and characters with a meaning in URLs.
bool is_forbidden(char c)
{
    static constexpr auto forbidden = [] {
        std::array<bool, 256> all{};
        std::fill_n(all.begin(), 0x20, true);
        for (const char each : std::string_view(" #%/:<>?@[\\]^|\x7f"))
            all[static_cast<unsigned char>(each)] = true;
        return all;
    }();
    return forbidden[static_cast<unsigned char>(c)];
}

/// What is wrong with the characters of a decoded name; empty when nothing is.
std::string forbidden_in(std::string_view name)
{
    const auto found = std::find_if(name.begin(), name.end(), is_forbidden);
    if (found == name.end())
        return {};
    std::string what = "`" + std::string(1, *found) + "`";
    if (*found == ' ')
        what = "a space";
    else if (static_cast<unsigned char>(*found) < 0x20 || *found == '\x7f')
        what = "a control character";
    return "the host name holds " + what + ", which no host name may hold: remove it";
}

result<url_host> parse_name(const std::string& name)
{
    if (name.find('\0') != std::string::npos) // which would end the name for libidn2
        return bad_url(forbidden_in(name));
    auto ascii = name_to_ascii(name);
    if (!ascii)
        return ascii.error();
    if (ascii->empty())
        return bad_url("the host name holds only characters that do not count: write a name");
    // Looked at only now, because the mapping makes some of these characters, and uses up others.
    auto fault = forbidden_in(*ascii);
    if (!fault.empty())
        return bad_url(std::move(fault));
    if (!ends_in_a_number(*ascii))
        return url_host{std::move(*ascii), url_host::form::name};
    auto address = ipv4_address(*ascii);
    if (!address)
        return bad_url("the host ends in a number and is not an IPv4 address: write four numbers "
                       "from 0 to 255, or a name");
    return url_host{std::move(*address), url_host::form::ipv4};
}

} // namespace

result<url_host> parse_host(std::string_view text)
{
    if (text.empty())
        return bad_url("there is no host name in the URL: write http://host/");
    if (text.front() != '[')
        return parse_name(percent_decode(text));
    const bool closed = text.back() == ']';
    auto address = closed ? ipv6_address(text.substr(1, text.size() - 2)) : std::nullopt;
    if (!address)
        return bad_url("the address in brackets is not an IPv6 address: write it like "
                       "[2001:db8::1], without a zone");
    return url_host{std::move(*address), url_host::form::ipv6};
}

failure bad_url(std::string text)
{
    return failure(error_class::bad_url, std::move(text));
}

std::string bracketed(const url_host& host)
{
    return host.kind == url_host::form::ipv6 ? "[" + host.text + "]" : host.text;
}

} // namespace weir::http::detail
