#include <weir/http/network_options.hpp>

#include <stdexcept>
#include <utility>

namespace weir::http {

network_options& network_options::resolve(std::string_view host, const std::vector<std::string>& to)
{
    hosts_.resolve(host, to);
    return *this;
}

network_options& network_options::connect_to(std::string_view from, std::string_view to)
{
    hosts_.connect_to(from, to);
    return *this;
}

network_options& network_options::only(address_family which)
{
    only_ = which;
    return *this;
}

network_options& network_options::allow(address_filter filter)
{
    if (filter && !through_.empty())
        throw std::invalid_argument("weir::http::network_options::allow: a proxy would connect to "
                                    "addresses that the filter does not see");
    allow_ = std::move(filter);
    return *this;
}

network_options& network_options::through(proxies chosen)
{
    if (allow_ && !chosen.empty())
        throw std::invalid_argument("weir::http::network_options::through: a proxy would connect "
                                    "to addresses that the filter does not see");
    through_ = std::move(chosen);
    return *this;
}

network_options& network_options::tls_from(tls_version oldest)
{
    tls_from_ = oldest;
    return *this;
}

network_options& network_options::tls_sessions(std::size_t most)
{
    tls_sessions_ = most;
    return *this;
}

} // namespace weir::http
