#include <weir/http/client_group_options.hpp>

#include <weir/http/url.hpp>

#include <stdexcept>
#include <utility>

namespace weir::http {

client_group_options::client_group_options(client_options each) : each_(std::move(each)) {}

client_group_options& client_group_options::spread(std::string_view text, std::size_t runners)
{
    const auto target = url::parse(std::string(text));
    if (!target)
        throw std::invalid_argument("weir::http::client_group_options::spread: " +
                                    target.error().text());
    if (runners == 0)
        throw std::invalid_argument(
            "weir::http::client_group_options::spread: must be at least 1 runner");
    spreads_[target->origin()] = runners;
    return *this;
}

} // namespace weir::http
