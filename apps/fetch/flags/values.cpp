#include "values.hpp"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace weir_fetch {
namespace {

/// Nothing for what is no number.
std::optional<double> seconds_in(const std::string& text)
{
    std::istringstream in(text);
    double seconds = 0;
    const bool read = static_cast<bool>(in >> seconds) && in.eof();
    return read && std::isfinite(seconds) ? std::optional(seconds) : std::nullopt;
}

bool is_length_of_time(std::optional<double> seconds)
{
    return seconds && *seconds >= 0.001 && *seconds <= 315'360'000;
}

std::string check_seconds(const std::string& text)
{
    if (is_length_of_time(seconds_in(text)))
        return {};
    return "must be seconds, from 0.001 up, not '" + text + "'";
}

std::string check_seconds_or_none(const std::string& text)
{
    const auto seconds = seconds_in(text);
    if (is_length_of_time(seconds) || (seconds && *seconds == 0))
        return {};
    return "must be seconds, from 0.001 up, or 0, not '" + text + "'";
}

std::string check_number(const std::string& text, std::uint64_t least, std::uint64_t most)
{
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end || value < least || value > most)
        return "must be a whole number from " + std::to_string(least) + " to " +
               std::to_string(most) + ", not '" + text + "'";
    return {};
}

/// What a suffix of a number of bytes stands for; 1 for none.
std::uint64_t factor_of(char suffix)
{
    static constexpr std::string_view suffixes = "kmgtp";
    const char small =
        suffix >= 'A' && suffix <= 'Z' ? static_cast<char>(suffix - 'A' + 'a') : suffix;
    const auto at = suffixes.find(small);
    return at == std::string_view::npos ? 1 : std::uint64_t{1} << (10 * (at + 1));
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// Nothing for what is no number of bytes, or too large.
std::optional<std::uint64_t> bytes_in(std::string digits)
{
    const auto factor = digits.empty() ? 1 : factor_of(digits.back());
    if (factor != 1)
        digits.pop_back();
    std::uint64_t value = 0;
    const auto* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end || value > UINT64_MAX / factor)
        return std::nullopt;
    return value * factor;
}

} // namespace

CLI::Validator seconds()
{
    return CLI::Validator(check_seconds, "");
}

CLI::Validator seconds_or_none()
{
    return CLI::Validator(check_seconds_or_none, "");
}

CLI::Validator number(std::uint64_t least, std::uint64_t most)
{
    const auto check = [=](const std::string& text) { return check_number(text, least, most); };
    return CLI::Validator(check, "");
}

CLI::Validator redirects()
{
    const auto check = [](const std::string& text) {
        return text == "-1" ? std::string() : check_number(text, 0, 1000);
    };
    return CLI::Validator(check, "");
}

std::optional<weir::rate> rate_of(const std::string& text)
{
    std::uint64_t count = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, count);
    const std::string_view unit(read.ptr, static_cast<std::size_t>(end - read.ptr));
    if (read.ec != std::errc{} || count == 0 || count > 1'000'000'000)
        return std::nullopt;
    if (unit.empty() || unit == "/s")
        return weir::rate::per_second(count);
    if (unit == "/m")
        return weir::rate::per_minute(count);
    if (unit == "/h")
        return weir::rate(count, std::chrono::hours(1));
    if (unit == "/d")
        return weir::rate(count, std::chrono::hours(24));
    return std::nullopt;
}

CLI::Validator bytes()
{
    const auto check = [](std::string& text) -> std::string {
        const auto value = bytes_in(text);
        if (!value)
            return "must be a number of bytes, such as 500000, 500k, 10M or 1G, not '" + text + "'";
        text = std::to_string(*value);
        return {};
    };
    return CLI::Validator(check, "");
}

CLI::Validator speed()
{
    const auto check = [](std::string& text) -> std::string {
        std::string number = text;
        if (number.size() > 1 && (number.back() == 'b' || number.back() == 'B'))
            number.pop_back();
        const bool is_known = !number.empty() && std::string_view("pPtT").find(number.back()) ==
                                                     std::string_view::npos;
        const auto value = is_known ? bytes_in(number) : std::nullopt;
        if (!value || (number != text && !is_digit(number.back())))
            return "must be bytes a second, such as 500000, 500k, 10M or 1G, not '" + text + "'";
        text = std::to_string(*value);
        return {};
    };
    return CLI::Validator(check, "");
}

} // namespace weir_fetch
