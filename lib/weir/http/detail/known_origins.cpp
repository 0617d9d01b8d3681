#include <weir/http/detail/known_origins.hpp>

#include <weir/http/url.hpp>

#include <algorithm>

namespace weir::http::detail {
namespace {

std::string parsed(std::string_view text)
{
    const auto target = url::parse(text);
    return target ? target->origin() : std::string();
}

/// What of a URL in its usual form says what its origin is; empty where it has another form.
std::string_view before_path(std::string_view text)
{
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!text.starts_with(scheme) || text.size() > url::max_length)
            continue;
        const auto ends = [](char c) { return c == '/' || c == '\\' || c == '?' || c == '#'; };
        const auto host = text.begin() + scheme.size();
        const auto end = std::find_if(host, text.end(), ends);
        return end == host ? std::string_view() : std::string_view(text.begin(), end);
    }
    return {};
}

} // namespace

std::string known_origins::of(std::string_view url)
{
    const auto front = before_path(url);
    if (front.empty())
        return parsed(url);
    if (const auto found = known_.find(front); found != known_.end())
        return found->second;
    std::string origin = parsed(front);
    if (known_.size() == most)
        known_.clear();
    known_.emplace(front, origin);
    return origin;
}

} // namespace weir::http::detail
