#include "settings.hpp"

#include "network.hpp"
#include "requests.hpp"

#include <weir/http/client_options.hpp>
#include <weir/http/decoding_options.hpp>
#include <weir/http/fetcher_options.hpp>
#include <weir/http/host_limits.hpp>
#include <weir/http/request_options.hpp>
#include <weir/http/retried.hpp>
#include <weir/http/spill_options.hpp>
#include <weir/http/url.hpp>
#include <weir/http/verification.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/time/clock.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir_fetch {
namespace {

namespace http = weir::http;

weir::duration from_seconds(double seconds)
{
    return std::chrono::duration_cast<weir::duration>(std::chrono::duration<double>(seconds));
}

/// The limits of each exchange.
http::request_options limits_for(const options& chosen)
{
    http::request_options limits;
    if (chosen.first_byte)
        limits.first_byte_timeout(from_seconds(*chosen.first_byte));
    if (chosen.speed_limit != 0)
        limits.least_speed(chosen.speed_limit, from_seconds(chosen.speed_time));
    if (!chosen.expect)
        limits.expect_above(http::request_options::never_expect);
    return limits;
}

void add_name_servers(http::client_options& to, const options& chosen)
{
    if (chosen.dns_servers.empty())
        return;
    try {
        to.name_servers(chosen.dns_servers);
    } catch (const std::invalid_argument&) {
        throw std::invalid_argument("--dns-servers: write addresses, with commas: "
                                    "192.0.2.1,[2001:db8::1]:53");
    }
}

http::client_options client_options_for(const options& chosen)
{
    http::client_options o;
    o.requests(limits_for(chosen));
    o.per_host(chosen.per_host).max_idle(std::min(o.max_idle(), chosen.max_idle));
    o.max_redirects(chosen.max_redirects);
    o.connect_timeout(from_seconds(chosen.connect_timeout));
    http::decoding_options decoding;
    if (!chosen.compressed) // a file is what the server has, as with curl
        decoding.accept(http::content_codings::none);
    if (chosen.max_filesize) {
        o.max_body(*chosen.max_filesize);
        decoding.max_bytes(*chosen.max_filesize);
    }
    if (chosen.max_decoded)
        decoding.max_bytes(*chosen.max_decoded);
    o.decoding(decoding);
    if (!chosen.user_agent.empty())
        o.user_agent(chosen.user_agent);
    o.ca_file(chosen.ca_file);
    if (chosen.insecure)
        o.peer(http::verification::none);
    o.network(network_options_for(chosen));
    add_name_servers(o, chosen);
    return o;
}

void set_retries(http::fetcher_options& o, const options& chosen)
{
    weir::retry_policy retry(chosen.retries + 1);
    // As curl, but with jitter. A host that stays away is asked every five seconds on average.
    o.retry(retry.backoff(weir::backoff(std::chrono::seconds(1), std::chrono::seconds(10))));
    if (chosen.retry_all_errors)
        o.retry_when(http::retried::any);
    if (chosen.retry_max_time)
        o.retry_time(from_seconds(*chosen.retry_max_time));
    if (chosen.adapt_rate)
        o.adapt_rate(http::rate_adaptation::on);
    weir::breaker_options give_up;
    if (chosen.give_up_after != 0)
        o.give_up(give_up.window(chosen.give_up_after)
                      .failures(chosen.give_up_after)
                      .open_for(std::chrono::seconds(30)));
}

/// How many may begin at once: what comes in 5 ms, because timers are late by 1 or 2.
std::size_t burst_of(const weir::rate& each)
{
    const double in_5_ms = static_cast<double>(each.count()) * 0.005 /
                           std::chrono::duration<double>(each.period()).count();
    return 1 + static_cast<std::size_t>(in_5_ms);
}

void set_rates(http::fetcher_options& o, const options& chosen)
{
    if (chosen.rate)
        o.rate(*chosen.rate, burst_of(*chosen.rate));
    if (chosen.host_rate)
        o.host_rate(*chosen.host_rate, burst_of(*chosen.host_rate));
    for (const host_limit& each : chosen.host_limits) {
        http::host_limits own;
        if (each.per_host)
            own.per_host(*each.per_host);
        if (each.rate)
            own.rate(*each.rate, burst_of(*each.rate));
        o.limit_host(each.host, own);
    }
}

/// Text of URLs that wait, in memory: enough hosts for all places; what is beyond goes to a file.
std::size_t window_for(std::size_t jobs)
{
    constexpr std::size_t of_each = 16 * 1024;
    constexpr std::size_t least = 1024 * 1024;
    constexpr std::size_t most = 4 * least;
    return std::clamp(std::min(jobs, most / of_each) * of_each, least, most);
}

} // namespace

weir::http::fetcher_options fetcher_options_for(const options& chosen)
{
    http::fetcher_options o;
    o.jobs(chosen.jobs).client(client_options_for(chosen)).window(window_for(chosen.jobs));
    o.spill(http::spill_options().directory(chosen.spill_dir));
    if (chosen.max_time)
        o.timeout(from_seconds(*chosen.max_time));
    o.requests(requests(chosen).for_all());
    if (chosen.path_as_is)
        o.dots(http::dot_segments::keep);
    set_retries(o, chosen);
    set_rates(o, chosen);
    return o;
}

} // namespace weir_fetch
