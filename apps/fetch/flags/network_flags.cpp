#include "flag_group.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class network_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    std::string proxy_;
    std::string no_proxy_;
    CLI::Option* proxy_given_ = nullptr;
    CLI::Option* no_proxy_given_ = nullptr;
};

void network_group::add_to(CLI::App& app)
{
    proxy_given_ =
        app.add_option("-x,--proxy", proxy_,
                       "the http or https proxy for all URLs, such as http://user:pw@host:3128;\n"
                       "'' for none")
            ->type_name("URL");
    no_proxy_given_ = app.add_option("--noproxy", no_proxy_,
                                     "hosts that are reached without a proxy, with commas:\n"
                                     "example.com,192.0.2.0/24; '*' for all")
                          ->type_name("LIST");
    app.add_option("--resolve", chosen_.resolve,
                   "use these addresses for this host and port ('*': any host)")
        ->type_name("HOST:PORT:ADDRESS[,ADDRESS]...")
        ->allow_extra_args(false);
    app.add_option("--connect-to", chosen_.connect_to,
                   "connect to HOST2:PORT2 for HOST1:PORT1; an empty part is any, or the same")
        ->type_name("HOST1:PORT1:HOST2:PORT2")
        ->allow_extra_args(false);
    app.add_flag("-4,--ipv4", chosen_.ipv4, "use IPv4 addresses only");
    app.add_flag("-6,--ipv6", chosen_.ipv6, "use IPv6 addresses only");
}

std::string network_group::finish()
{
    if (chosen_.ipv4 && chosen_.ipv6)
        return "--ipv4 and --ipv6 exclude each other";
    if (proxy_given_->count() != 0)
        chosen_.proxy = proxy_;
    if (no_proxy_given_->count() != 0)
        chosen_.no_proxy = no_proxy_;
    return {};
}

} // namespace

std::unique_ptr<flag_group> network_flags(options& chosen)
{
    return std::make_unique<network_group>(chosen);
}

} // namespace weir_fetch
