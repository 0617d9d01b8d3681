#include <weir/http/fetcher_options.hpp>

#include <weir/http/detail/request_field.hpp>
#include <weir/http/request.hpp>

#include <stdexcept>
#include <utility>

namespace weir::http {

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

fetcher_options& fetcher_options::header(std::string_view name, std::string_view value)
{
    detail::check_request_field(name, value);
    headers_.emplace_back(name, value);
    return *this;
}

fetcher_options& fetcher_options::method(std::string name)
{
    method_ = request(url::parse("localhost").value(), std::move(name)).method(); // or it throws
    return *this;
}

fetcher_options& fetcher_options::body(std::string bytes)
{
    body_ = request_body::text(std::move(bytes));
    return *this;
}

fetcher_options& fetcher_options::without(std::string_view name)
{
    request(url::parse("localhost").value()).without(name); // or it throws
    without_.emplace_back(name);
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

} // namespace weir::http
