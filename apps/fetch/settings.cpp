#include "settings.hpp"

#include "network.hpp"

#include <weir/http/client_options.hpp>
#include <weir/http/decoding_options.hpp>
#include <weir/http/spill_options.hpp>
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
    http::decoding_options decoding;
    if (!chosen.compressed) // a file is what the server has, as with curl
        decoding.accept(http::content_codings::none);
    if (chosen.max_filesize) {
        o.max_body(*chosen.max_filesize);
        decoding.max_bytes(*chosen.max_filesize);
    }
    o.decoding(decoding);
    if (!chosen.user_agent.empty())
        o.user_agent(chosen.user_agent);
    o.ca_file(chosen.ca_file);
    if (chosen.insecure)
        o.peer(http::verification::none);
    o.network(network_options_for(chosen));
    return o;
}

} // namespace

weir::http::fetcher_options fetcher_options_for(const options& chosen)
{
    http::fetcher_options o;
    o.jobs(chosen.jobs).client(client_options_for(chosen));
    o.spill(http::spill_options().directory(chosen.spill_dir));
    if (chosen.max_time)
        o.timeout(from_seconds(*chosen.max_time));
    if (chosen.head)
        o.method("HEAD");
    for (const auto& [name, value] : chosen.headers)
        o.header(name, value);
    return o;
}

} // namespace weir_fetch
