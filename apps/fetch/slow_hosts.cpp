#include "slow_hosts.hpp"

#include "escape.hpp"

#include <weir/duration.hpp>

#include <algorithm>
#include <utility>

namespace weir_fetch {
namespace {

weir::duration mean_of(std::uint64_t urls, weir::duration sum) noexcept
{
    return urls == 0 ? weir::duration::zero() : sum / static_cast<weir::duration::rep>(urls);
}

/// One column for each byte.
std::string in_ascii(std::string_view name)
{
    std::string text = escaped(name);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return text;
}

} // namespace

std::string_view host_in(std::string_view url) noexcept
{
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos)
        return {};
    url.remove_prefix(scheme + 3);
    const auto ends = [](char c) { return c == '/' || c == '?' || c == '#'; };
    url = {url.begin(), std::find_if(url.begin(), url.end(), ends)};
    if (const auto user = url.rfind('@'); user != std::string_view::npos)
        url.remove_prefix(user + 1);
    return url;
}

weir::duration slow_hosts::host::mean() const noexcept
{
    return mean_of(urls, sum);
}

void slow_hosts::add(std::string_view url, weir::duration took)
{
    const std::string_view name = host_in(url);
    if (name.empty())
        return;
    auto found = known_.find(name);
    if (found == known_.end()) {
        if (known_.size() == most)
            forget_half();
        found = known_.emplace(name, sum()).first;
    }
    ++found->second.urls;
    found->second.took = weir::saturating_add(found->second.took, took);
}

void slow_hosts::forget_half()
{
    std::vector<std::pair<weir::duration, decltype(known_)::iterator>> all;
    for (auto each = known_.begin(); each != known_.end(); ++each)
        all.emplace_back(mean_of(each->second.urls, each->second.took), each);
    const auto faster = [](const auto& a, const auto& b) { return a.first < b.first; };
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end(), faster);
    for (auto each = all.begin(); each != middle; ++each)
        known_.erase(each->second);
}

std::vector<slow_hosts::host> slow_hosts::slowest(std::size_t count) const
{
    if (known_.size() < 2)
        return {};
    std::vector<std::pair<weir::duration, decltype(known_)::const_iterator>> all;
    for (auto each = known_.begin(); each != known_.end(); ++each)
        all.emplace_back(mean_of(each->second.urls, each->second.took), each);
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(count, all.size()));
    std::partial_sort(all.begin(), end, all.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second->first < b.second->first;
    });
    std::vector<host> found;
    for (auto each = all.begin(); each != end; ++each)
        found.push_back(
            {in_ascii(each->second->first), each->second->second.urls, each->second->second.took});
    return found;
}

} // namespace weir_fetch
