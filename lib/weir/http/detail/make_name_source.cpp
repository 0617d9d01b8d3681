#include <weir/http/detail/make_name_source.hpp>

#include <weir/http/detail/ares_source.hpp>
#include <weir/http/detail/name_servers.hpp>
#include <weir/http/detail/system_source.hpp>

#include <fstream>
#include <iterator>
#include <string>

namespace weir::http::detail {
namespace {

bool system_has_more_than_dns()
{
    std::ifstream file("/etc/nsswitch.conf");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return !is_files_and_dns(text);
}

} // namespace

std::shared_ptr<name_source> make_name_source(const boost::asio::any_io_executor& executor,
                                              const client_options& options)
{
    const bool by_system = options.names() == name_lookup::system ||
                           (options.names() == name_lookup::automatic &&
                            options.name_servers().empty() && system_has_more_than_dns());
    if (by_system)
        return std::make_shared<system_source>(executor);
    return std::make_shared<ares_source>(executor, options.name_servers());
}

} // namespace weir::http::detail
