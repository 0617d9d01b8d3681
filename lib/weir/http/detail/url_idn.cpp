#include <weir/http/detail/url_idn.hpp>

#include <weir/http/detail/url_encoding.hpp>

#include <idn2.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace weir::http::detail {
namespace {

struct ascii_deleter {
    void operator()(char* text) const noexcept { idn2_free(text); }
};

struct conversion {
    int code;
    std::unique_ptr<char, ascii_deleter> ascii;
};

conversion convert(const std::string& name, int flags)
{
    char* out = nullptr;
    const int code = idn2_to_ascii_8z(name.c_str(), &out, flags);
    return {code, std::unique_ptr<char, ascii_deleter>(out)};
}

/// Whether the name holds one of the four characters that transitional processing maps away.
bool has_deviation(std::string_view name)
{
    // U+00DF, U+03C2, U+200C, U+200D
    static constexpr std::array<std::string_view, 4> deviations = {"\xC3\x9F", "\xCF\x82",
                                                                   "\xE2\x80\x8C", "\xE2\x80\x8D"};
    return std::any_of(deviations.begin(), deviations.end(), [&](std::string_view each) {
        return name.find(each) != std::string_view::npos;
    });
}

} // namespace

result<std::string> name_to_ascii(const std::string& name)
{
    if (std::all_of(name.begin(), name.end(), [](char c) { return (c & 0x80) == 0; }))
        return ascii_lower(name);
    auto made = convert(name, IDN2_NONTRANSITIONAL);
    // Non-transitional libidn2 also refuses what UTS #46 allows and IDNA2008 does not, such as
    // emoji. Its transitional mode does not, and maps a name without deviations in the same way.
    if (made.code == IDN2_DISALLOWED && !has_deviation(name))
        made = convert(name, IDN2_TRANSITIONAL);
    if (made.code != IDN2_OK)
        return failure(error_class::bad_url,
                       "the host name cannot be written in ASCII (" +
                           std::string(idn2_strerror(made.code)) +
                           "): correct it, or write its xn-- form (punycode)");
    return std::string(made.ascii.get());
}

} // namespace weir::http::detail
