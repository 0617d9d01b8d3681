#include "parts.hpp"

#include <utility>

namespace weir_fetch {
namespace {

/// Neither a URL nor what names a request holds a line break.
std::string key_of(const std::string& url, const std::string& request, const std::string& output)
{
    return url + "\n" + request + "\n" + output;
}

} // namespace

void parts::join(journal& results)
{
    journal_ = &results;
    // After a loss of power a file may have its length without its bytes.
    for (auto& [name, body] : results.take_begun())
        if (!body.boot.empty() && body.boot == boot_id())
            put({std::move(body), nullptr, 0});
}

bool parts::begin(const begun_body& what)
{
    return journal_ == nullptr || !journal_->begun(what);
}

void parts::put(kept_part what)
{
    std::string key = key_of(what.of.url, what.of.request, what.of.output);
    by_key_.emplace(std::move(key), std::move(what));
}

std::optional<kept_part> parts::take(const std::string& url, const std::string& request,
                                     const std::string& output)
{
    const auto found = by_key_.find(key_of(url, request, output));
    if (found == by_key_.end())
        return std::nullopt;
    std::optional<kept_part> out(std::move(found->second));
    by_key_.erase(found);
    return out;
}

std::vector<begun_body> parts::take_all()
{
    std::vector<begun_body> out;
    for (auto& [key, kept] : by_key_)
        out.push_back(std::move(kept.of));
    by_key_.clear();
    return out;
}

} // namespace weir_fetch
