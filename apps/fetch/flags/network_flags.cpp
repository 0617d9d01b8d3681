#include "flag_group.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <sstream>
#include <string>

namespace weir_fetch {
namespace {

class network_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    void add_proxies(CLI::App& app);
    void add_addresses(CLI::App& app);
    void add_tls(CLI::App& app);
    void add_schemes(CLI::App& app);
    void read_schemes(const std::string& flag, const std::string& list, schemes& into);

    std::string proxy_;
    std::string no_proxy_;
    CLI::Option* proxy_given_ = nullptr;
    CLI::Option* no_proxy_given_ = nullptr;
    std::string dns_servers_;
    std::string proto_;
    std::string proto_redir_;
    CLI::Option* proto_given_ = nullptr;
    CLI::Option* proto_redir_given_ = nullptr;
    std::string tls_min_;
    bool tls_1_2_ = false;
    bool tls_1_3_ = false;
};

void network_group::add_to(CLI::App& app)
{
    add_proxies(app);
    add_addresses(app);
    add_tls(app);
    add_schemes(app);
}

void network_group::add_proxies(CLI::App& app)
{
    proxy_given_ = app.add_option("-x,--proxy", proxy_,
                                  "the http or https proxy for all URLs, such as "
                                  "http://user:pw@host:3128 (that of the environment); '' for none")
                       ->type_name("URL");
    no_proxy_given_ = app.add_option("--noproxy", no_proxy_,
                                     "hosts that are reached without a proxy, with commas (those "
                                     "of the environment): example.com,192.0.2.0/24; '*' for all")
                          ->type_name("LIST");
}

void network_group::add_addresses(CLI::App& app)
{
    app.add_option("--resolve", chosen_.resolve,
                   "use these addresses for this host and port ('*': any host) (those that name "
                   "servers give)")
        ->type_name("HOST:PORT:ADDRESS[,ADDRESS]...")
        ->allow_extra_args(false);
    app.add_option("--connect-to", chosen_.connect_to,
                   "connect to HOST2:PORT2 for HOST1:PORT1 (what the URL says); an empty part is "
                   "any, or the same")
        ->type_name("HOST1:PORT1:HOST2:PORT2")
        ->allow_extra_args(false);
    app.add_flag("-4,--ipv4", chosen_.ipv4, "use IPv4 addresses only");
    app.add_flag("-6,--ipv6", chosen_.ipv6, "use IPv6 addresses only");
    app.add_option("--dns-servers", dns_servers_,
                   "name servers to ask, with commas: 192.0.2.1,[2001:db8::1]:53 (the system's)")
        ->type_name("LIST");
    app.add_flag("--block-private", chosen_.block_private,
                 "connect to public addresses only, at redirects too");
}

void network_group::add_schemes(CLI::App& app)
{
    proto_given_ = app.add_option("--proto", proto_,
                                  "schemes that may be used, with commas, as with curl: =https for "
                                  "https alone, -http without http (all, which is http and https)")
                       ->type_name("LIST");
    proto_redir_given_ =
        app.add_option("--proto-redir", proto_redir_,
                       "schemes that redirects may lead to; another is a failure of class redirect "
                       "(as --proto)")
            ->type_name("LIST");
}

/// As curl, a name that is none is told, and left out.
void network_group::read_schemes(const std::string& flag, const std::string& list, schemes& into)
{
    for (const std::string& name : into.apply(list))
        chosen_.warnings.push_back(flag + ": there is http and https, and no protocol '" + name +
                                   "': it is left out");
}

void network_group::add_tls(CLI::App& app)
{
    app.add_option("--cacert", chosen_.ca_file,
                   "trust the certificates in FILE (PEM) instead of the system's")
        ->type_name("FILE");
    app.add_flag("-k,--insecure", chosen_.insecure, "accept any certificate");
    app.add_option("--tls-min", tls_min_, "the oldest version of TLS, 1.2 or 1.3 (1.2)")
        ->type_name("VERSION");
    app.add_flag("--tlsv1.2", tls_1_2_, "the same as --tls-min 1.2 (the default)");
    app.add_flag("--tlsv1.3", tls_1_3_, "the same as --tls-min 1.3");
}

std::string network_group::finish()
{
    if (chosen_.ipv4 && chosen_.ipv6)
        return "--ipv4 and --ipv6 exclude each other: leave one of them out";
    for (const std::string& text : chosen_.resolve)
        if (text.starts_with('+') || text.starts_with('-'))
            return "--resolve: '+' and '-' before a host are not supported; leave '" + text +
                   "' out, or write HOST:PORT:ADDRESS";
    if (!tls_min_.empty() && tls_min_ != "1.2" && tls_min_ != "1.3")
        return "--tls-min: must be 1.2 or 1.3, not '" + tls_min_ + "'";
    chosen_.tls_1_3 = tls_1_3_ || tls_min_ == "1.3";
    std::istringstream servers(dns_servers_);
    for (std::string each; std::getline(servers, each, ',');)
        chosen_.dns_servers.push_back(each);
    if (proto_given_->count() != 0)
        read_schemes("--proto", proto_, chosen_.url_schemes);
    if (proto_redir_given_->count() != 0)
        read_schemes("--proto-redir", proto_redir_, chosen_.redirect_schemes);
    chosen_.redirect_schemes = chosen_.redirect_schemes & chosen_.url_schemes;
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
