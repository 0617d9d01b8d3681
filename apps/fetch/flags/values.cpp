#include "values.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <sstream>
#include <string>
#include <system_error>

namespace weir_fetch {
namespace {

std::string check_seconds(const std::string& text)
{
    std::istringstream in(text);
    double seconds = 0;
    const bool read = static_cast<bool>(in >> seconds) && in.eof();
    if (!read || !std::isfinite(seconds) || seconds < 0.001 || seconds > 315'360'000)
        return "must be seconds, from 0.001 up, not '" + text + "'";
    return {};
}

} // namespace

CLI::Validator seconds()
{
    return CLI::Validator(check_seconds, "");
}

CLI::Validator number(std::uint64_t least, std::uint64_t most)
{
    const auto check = [=](const std::string& text) -> std::string {
        std::uint64_t value = 0;
        const auto* end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, value);
        if (read.ec != std::errc{} || read.ptr != end || value < least || value > most)
            return "must be a whole number from " + std::to_string(least) + " to " +
                   std::to_string(most) + ", not '" + text + "'";
        return {};
    };
    return CLI::Validator(check, "");
}

CLI::Validator bytes()
{
    const auto check = [](std::string& text) -> std::string {
        std::uint64_t factor = 1;
        std::string digits = text;
        switch (digits.empty() ? ' ' : digits.back()) {
        case 'k':
            factor = std::uint64_t{1} << 10;
            break;
        case 'M':
            factor = std::uint64_t{1} << 20;
            break;
        case 'G':
            factor = std::uint64_t{1} << 30;
            break;
        default:
            break;
        }
        if (factor != 1)
            digits.pop_back();
        std::uint64_t value = 0;
        const auto* end = digits.data() + digits.size();
        const auto read = std::from_chars(digits.data(), end, value);
        if (read.ec != std::errc{} || read.ptr != end || value > UINT64_MAX / factor)
            return "must be a number of bytes, such as 500000, 500k, 10M or 1G, not '" + text + "'";
        text = std::to_string(value * factor);
        return {};
    };
    return CLI::Validator(check, "");
}

} // namespace weir_fetch
