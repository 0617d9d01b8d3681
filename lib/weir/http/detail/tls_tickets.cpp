#include <weir/http/detail/tls_tickets.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::http::detail {
namespace {

bool serves_once(const tls_tickets::session& one)
{
    return SSL_SESSION_get_protocol_version(one.get()) >= TLS1_3_VERSION;
}

} // namespace

void tls_tickets::keep(const std::string& origin, session one)
{
    if (most_ == 0)
        return;
    if (!serves_once(one))
        forget(origin); // one of them is enough
    const auto known = by_origin_.find(origin);
    if (known != by_origin_.end() && known->second.size() == per_origin)
        drop(known->second.front());
    else if (all_.size() == most_)
        drop(all_.begin());
    all_.push_back({origin, std::move(one)});
    by_origin_[origin].push_back(std::prev(all_.end()));
}

tls_tickets::session tls_tickets::take(const std::string& origin)
{
    const auto known = by_origin_.find(origin);
    if (known == by_origin_.end())
        return nullptr;
    const place newest = known->second.back();
    session found = newest->kept;
    if (serves_once(found))
        drop(newest);
    return found;
}

void tls_tickets::forget(const std::string& origin)
{
    const auto known = by_origin_.find(origin);
    if (known == by_origin_.end())
        return;
    for (const place each : known->second)
        all_.erase(each);
    by_origin_.erase(known);
}

void tls_tickets::drop(place at)
{
    const auto known = by_origin_.find(at->origin);
    auto& places = known->second;
    places.erase(std::find(places.begin(), places.end(), at));
    if (places.empty())
        by_origin_.erase(known);
    all_.erase(at);
}

} // namespace weir::http::detail
