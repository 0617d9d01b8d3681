#include <weir/http/fetcher_options.hpp>

#include <weir/http/detail/host_port.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace weir::http {

namespace {

/// No host holds a blank.
std::string key_of(const std::string& host, std::uint16_t port)
{
    return host + " " + std::to_string(port);
}

/// Whether there can be a host of this name, which has no dot at its end: none has a `*`, or a
/// label that is empty.
bool can_be_asked(std::string_view name)
{
    return !name.empty() && name.front() != '.' && name.back() != '.' &&
           name.find("..") == std::string_view::npos && name.find('*') == std::string_view::npos;
}

} // namespace

fetcher_options::fetcher_options() = default;

fetcher_options& fetcher_options::client(client_options options)
{
    client_ = std::move(options);
    return *this;
}

fetcher_options& fetcher_options::jobs(limit urls)
{
    if (urls.is_paused() || urls.is_unlimited())
        throw std::invalid_argument(
            "weir::http::fetcher_options::jobs: must be a number, at least 1");
    jobs_ = urls;
    return *this;
}

fetcher_options& fetcher_options::window(std::size_t bytes)
{
    if (bytes < min_window)
        throw std::invalid_argument(
            "weir::http::fetcher_options::window: must be at least 4,096 bytes");
    window_ = bytes;
    return *this;
}

fetcher_options& fetcher_options::spill(spill_options options)
{
    spill_ = std::move(options);
    return *this;
}

fetcher_options& fetcher_options::timeout(duration length)
{
    if (length <= duration::zero())
        throw std::invalid_argument("weir::http::fetcher_options::timeout: must be above 0");
    timeout_ = length;
    return *this;
}

fetcher_options& fetcher_options::grace(duration length)
{
    if (length < duration::zero())
        throw std::invalid_argument("weir::http::fetcher_options::grace: must not be negative");
    grace_ = length;
    return *this;
}

fetcher_options& fetcher_options::requests(request_settings settings)
{
    requests_ = std::move(settings);
    return *this;
}

fetcher_options& fetcher_options::header(std::string_view name, std::string_view value)
{
    requests_.header(name, value);
    return *this;
}

fetcher_options& fetcher_options::method(std::string name)
{
    requests_.method(std::move(name));
    return *this;
}

fetcher_options& fetcher_options::body(std::string bytes)
{
    requests_.body(request_body::text(std::move(bytes)));
    return *this;
}

fetcher_options& fetcher_options::without(std::string_view name)
{
    requests_.without(name);
    return *this;
}

fetcher_options& fetcher_options::dots(dot_segments rule)
{
    dots_ = rule;
    return *this;
}

fetcher_options& fetcher_options::retry(retry_policy policy)
{
    retry_ = std::move(policy);
    return *this;
}

fetcher_options& fetcher_options::retry_when(retried which)
{
    retry_when_ = which;
    return *this;
}

fetcher_options& fetcher_options::retry_time(duration length)
{
    if (length <= duration::zero())
        throw std::invalid_argument("weir::http::fetcher_options::retry_time: must be above 0");
    retry_time_ = length;
    return *this;
}

fetcher_options& fetcher_options::rate(weir::rate each, std::size_t burst)
{
    if (burst == 0)
        throw std::invalid_argument(
            "weir::http::fetcher_options::rate: the burst must be at least 1");
    rate_ = each;
    burst_ = burst;
    return *this;
}

fetcher_options& fetcher_options::host_rate(weir::rate each, std::size_t burst)
{
    if (burst == 0)
        throw std::invalid_argument(
            "weir::http::fetcher_options::host_rate: the burst must be at least 1");
    host_rate_ = each;
    host_burst_ = burst;
    return *this;
}

/// An origin, `key_of`, or a host.
std::string fetcher_options::limit_key(std::string_view host)
{
    if (host.find("://") != std::string_view::npos) {
        const auto target = url::parse(host);
        const bool is_origin = target && target->target() == "/" &&
                               target->authorization().empty() &&
                               can_be_asked(detail::without_last_dot(target->host()));
        return is_origin ? target->origin() : std::string();
    }
    const auto read = detail::parse_host_port(host);
    if (!read || !can_be_asked(read->host))
        return {};
    return read->port ? key_of(read->host, *read->port) : read->host;
}

fetcher_options& fetcher_options::limit_host(std::string_view host, const host_limits& own)
{
    std::string key = limit_key(host);
    if (key.empty())
        throw std::invalid_argument("weir::http::fetcher_options::limit_host: '" +
                                    std::string(host) +
                                    "' is no host, host:port or https://host:port");
    host_limits_.insert_or_assign(std::move(key), own);
    return *this;
}

const host_limits* fetcher_options::limits_of(const std::string& origin) const
{
    if (host_limits_.empty())
        return nullptr;
    const auto target = url::parse(origin);
    if (!target)
        return nullptr;
    const std::string host(detail::without_last_dot(target->host()));
    for (const std::string& key : {origin, key_of(host, target->port()), host})
        if (const auto found = host_limits_.find(key); found != host_limits_.end())
            return &found->second;
    return nullptr;
}

limit fetcher_options::most_per_host() const
{
    std::size_t most = client_.per_host().count();
    for (const auto& [key, own] : host_limits_)
        most = std::max(most, own.per_host().value_or(weir::paused).count());
    return limit::of_count(most);
}

fetcher_options& fetcher_options::adapt_rate(rate_adaptation whether)
{
    adapt_rate_ = whether;
    return *this;
}

fetcher_options& fetcher_options::give_up(breaker_options when)
{
    give_up_ = when;
    return *this;
}

fetcher_options& fetcher_options::url_in(text_reader find)
{
    url_in_ = std::move(find);
    return *this;
}

fetcher_options& fetcher_options::request_in(request_reader make)
{
    request_in_ = std::move(make);
    return *this;
}

fetcher_options& fetcher_options::content(content_factory make)
{
    content_ = std::move(make);
    return *this;
}

fetcher_options& fetcher_options::watcher(watcher_factory make)
{
    watcher_ = std::move(make);
    return *this;
}

} // namespace weir::http
