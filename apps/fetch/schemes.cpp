#include "schemes.hpp"

#include <weir/http/headers.hpp>

#include <algorithm>

namespace weir_fetch {

namespace http = weir::http;

std::vector<std::string> schemes::apply(std::string_view list)
{
    std::vector<std::string> unknown;
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        std::string_view name = list.substr(0, end);
        list.remove_prefix(std::min(end + 1, list.size()));
        char how = '+';
        for (; !name.empty() && std::string_view("+-=").find(name[0]) != name.npos;
             name.remove_prefix(1))
            how = name[0];
        const bool all = http::same_token(name, "all");
        const bool is_http = all || http::same_token(name, "http");
        const bool is_https = all || http::same_token(name, "https");
        if (how == '=' && !name.empty())
            http_ = https_ = false;
        if (is_http)
            http_ = how != '-';
        if (is_https)
            https_ = how != '-';
        if (!is_http && !is_https && !name.empty())
            unknown.emplace_back(name);
    }
    return unknown;
}

schemes schemes::operator&(const schemes& other) const noexcept
{
    schemes both;
    both.http_ = http_ && other.http_;
    both.https_ = https_ && other.https_;
    return both;
}

http::failure schemes::refusal(http::error_class kind, const http::url& target,
                               std::string_view flag)
{
    return http::failure(kind, target.str() + " is not asked for: " + std::string(flag) +
                                   " does not allow " + target.scheme());
}

} // namespace weir_fetch
