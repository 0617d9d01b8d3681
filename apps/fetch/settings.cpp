#include "settings.hpp"

#include <weir/http/client_options.hpp>
#include <weir/http/verification.hpp>
#include <weir/time/clock.hpp>

#include <chrono>
#include <cstddef>

namespace weir_fetch {
namespace {

namespace http = weir::http;

weir::duration from_seconds(double seconds)
{
    return std::chrono::duration_cast<weir::duration>(std::chrono::duration<double>(seconds));
}

http::client_options client_options_for(const options& chosen)
{
    http::client_options o;
    o.per_host(chosen.per_host);
    o.max_redirects(chosen.max_redirects);
    o.connect_timeout(from_seconds(chosen.connect_timeout));
    if (chosen.max_filesize)
        o.max_body(*chosen.max_filesize);
    if (!chosen.user_agent.empty())
        o.user_agent(chosen.user_agent);
    o.ca_file(chosen.ca_file);
    if (chosen.insecure)
        o.peer(http::verification::none);
    return o;
}

} // namespace

weir::http::fetcher_options fetcher_options_for(const options& chosen)
{
    http::fetcher_options o;
    o.jobs(chosen.jobs).client(client_options_for(chosen));
    if (chosen.max_time)
        o.timeout(from_seconds(*chosen.max_time));
    for (const auto& [name, value] : chosen.headers)
        o.header(name, value);
    return o;
}

} // namespace weir_fetch
