#pragma once

#include <weir/http/error.hpp>
#include <weir/http/url.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {

/// Which of http and https may be used, as curl's `--proto` says it: `=https` these alone,
/// `-all,https` or `-http` without some, `+http` besides.
class schemes {
public:
    /// Applies a list with commas, from the left to the right. Returns the names that are none
    /// here.
    std::vector<std::string> apply(std::string_view list);

    bool allow(const weir::http::url& target) const noexcept
    {
        return target.secure() ? https_ : http_;
    }
    /// Whether nothing is refused.
    bool allow_all() const noexcept { return http_ && https_; }
    /// Those that both allow.
    schemes operator&(const schemes& other) const noexcept;

    /// The failure of a URL whose scheme is not allowed; `flag` says so.
    static weir::http::failure refusal(weir::http::error_class kind, const weir::http::url& target,
                                       std::string_view flag);

private:
    bool http_ = true;
    bool https_ = true;
};

} // namespace weir_fetch
