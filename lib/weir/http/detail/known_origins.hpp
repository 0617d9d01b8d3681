#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir::http::detail {

/// The origins of URLs. Many URLs have few hosts, so what was found is kept by the text before the
/// path, and read again at a twentieth of the cost.
///
/// Memory: up to 1,024 hosts.
class known_origins {
public:
    static constexpr std::size_t most = 1024;

    /// `url::origin`; empty when it is no URL.
    std::string of(std::string_view url);
    std::size_t size() const noexcept { return known_.size(); }

private:
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    std::unordered_map<std::string, std::string, hash, std::equal_to<>> known_;
};

} // namespace weir::http::detail
