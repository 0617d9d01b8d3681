#include "flag_group.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

struct refusal {
    std::string_view names; // of flags, between blanks; one that takes a value ends in '='
    std::string_view why;
};

constexpr refusal refusals[] = {
    // What is sent.
    {"-F,--form= --form-string= --form-escape",
     "forms with parts are not supported; send fields with --data-urlencode NAME=VALUE"},
    {"-T,--upload-file=", "uploads are not supported; send a file with -X PUT --data-binary @FILE"},
    {"-a,--append --crlf", "uploads are not supported; send a file with --data-binary @FILE"},
    {"--url-query=", "not supported yet; write the query into the URL: http://host/?a=b"},
    {"-c,--cookie-jar= --junk-session-cookies",
     "cookies of servers are not kept; send yours with -b 'NAME=VALUE'"},
    {"-n,--netrc --netrc-file= --netrc-optional",
     "netrc files are not read; give the user with -u USER:PASSWORD"},
    {"--anyauth --digest --negotiate --ntlm --ntlm-wb --delegation= --service-name= --krb= "
     "--sasl-authzid= --sasl-ir --login-options= --aws-sigv4=",
     "not supported; there is Basic (-u USER:PASSWORD) and Bearer (--oauth2-bearer TOKEN)"},
    {"--location-trusted",
     "not supported: secrets go to the host of the URL only; fetch the final URL with -u or -H"},
    {"--post301 --post302 --post303",
     "not supported: a POST becomes a GET as in browsers; post to the final URL"},
    {"--request-target=", "not supported; what is requested is the URL (see --path-as-is)"},
    {"--expect100-timeout=", "cannot be chosen; -H 'Expect:' asks for no 100 (Continue)"},
    {"--disallow-username-in-url", "not supported; take them out of the input"},
    {"-:,--next",
     "not supported: all flags are for all URLs; what differs is written into JSON lines for "
     "--input-file"},
    {"-K,--config=",
     "configuration files are not supported; write flags on the command line, URLs into a file for "
     "--input-file, and limits of single hosts into one for --host-limits"},
    {"--disable", "there is no configuration file that is read by itself; leave it out"},
    {"--variable=", "not supported; use variables of the shell"},
    // What curl calls otherwise.
    {"--json",
     "posts data in curl; for results as JSON lines write --jsonl, and to post JSON write -d with "
     "-H 'Content-Type: application/json'"},
    {"-q,--quiet", "means no configuration file in curl; for less output write -s or --silent"},
    // What comes.
    {"-i,--include --styled-output",
     "headers are not shown among bodies; -D FILE copies them, and -v shows them"},
    {"--trace= --trace-ascii= --trace-config= --trace-time --trace-ids --libcurl=",
     "there is no trace of all bytes; -v shows requests and the headers of answers"},
    {"--stderr=", "not supported; redirect it in the shell: 2> FILE"},
    {"--no-progress-meter", "not supported; -s shows neither progress nor a summary"},
    {"--xattr --create-file-mode=",
     "not supported yet; a file that --output-dir stores is as any new file"},
    {"--clobber",
     "not supported yet; --output-dir never replaces a file: it takes the next free NAME.1"},
    {"--etag-save= --etag-compare=", "not supported yet; -z FILE asks for what is newer than FILE"},
    {"--raw --tr-encoding --ignore-content-length --compressed-ssh",
     "not supported; bodies are stored as sent, and with --compressed decoded"},
    {"--retry-connrefused", "not needed: --retry does so; leave it out"},
    {"--retry-delay=",
     "cannot be chosen: waits are random, grow, and follow a server's Retry-After; see --retry"},
    {"--parallel-immediate", "not needed: URLs are fetched side by side; leave it out"},
    {"-M,--manual", "not supported; see --help, or 'man weir-fetch'"},
    {"--metalink", "not supported; write URLs into a file for --input-file"},
    // How hosts are reached.
    {"--http2 --http2-prior-knowledge --http3 --http3-only --http0.9 -0,--http1.0 --alt-svc=",
     "not supported: weir-fetch speaks HTTP/1.1; leave it out"},
    {"--hsts=", "not supported; write https into the URLs"},
    {"--socks4= --socks4a= --socks5= --socks5-hostname= --socks5-basic --socks5-gssapi "
     "--socks5-gssapi-nec --socks5-gssapi-service= --preproxy=",
     "SOCKS is not supported; use an HTTP proxy: -x http://HOST:PORT"},
    {"-U,--proxy-user= --proxy-basic",
     "not supported; write them into the proxy's URL: -x http://USER:PASSWORD@HOST:PORT"},
    {"--proxy-anyauth --proxy-digest --proxy-negotiate --proxy-ntlm --proxy-service-name=",
     "not supported; a proxy gets Basic: -x http://USER:PASSWORD@HOST:PORT"},
    {"--proxy1.0= -p,--proxytunnel --proxy-header= --suppress-connect-headers --haproxy-protocol "
     "--haproxy-clientip=",
     "not supported; -x URL sends http through a proxy as it is, and https through a tunnel"},
    {"--proxy-cacert= --proxy-capath= --proxy-cert= --proxy-cert-type= --proxy-ciphers= "
     "--proxy-crlfile= --proxy-insecure --proxy-key= --proxy-key-type= --proxy-pass= "
     "--proxy-pinnedpubkey= --proxy-ssl-allow-beast --proxy-ssl-auto-client-cert "
     "--proxy-tls13-ciphers= --proxy-tlsauthtype= --proxy-tlspassword= --proxy-tlsuser= "
     "--proxy-tlsv1 --proxy-ca-native",
     "not supported; --cacert, --tls-min and -k are for proxies too"},
    {"-E,--cert= --cert-type= --key= --key-type= --pass= --engine=",
     "client certificates are not supported yet; use curl for hosts that ask for one"},
    {"--capath= --crlfile= --cert-status --pinnedpubkey= --ca-native",
     "not supported; --cacert FILE says which certificates are trusted"},
    {"-1,--tlsv1 --tlsv1.0 --tlsv1.1 -2,--sslv2 -3,--sslv3",
     "not supported: TLS before 1.2 is broken; use --tls-min 1.2"},
    {"--tls-max= --ciphers= --tls13-ciphers= --curves= --tlsauthtype= --tlsuser= --tlspassword= "
     "--false-start --no-alpn --no-npn --no-sessionid --egd-file= --random-file= --ssl-allow-beast "
     "--ssl-auto-client-cert --ssl-no-revoke --ssl-revoke-best-effort",
     "cannot be chosen; --tls-min 1.3 can, leave this out"},
    {"--interface= --local-port= --unix-socket= --abstract-unix-socket=",
     "not supported; --resolve and --connect-to say where to connect"},
    {"--dns-interface= --dns-ipv4-addr= --dns-ipv6-addr= --doh-url= --doh-insecure "
     "--doh-cert-status",
     "not supported; --dns-servers says which name servers to ask"},
    {"--keepalive-time= --no-keepalive --tcp-fastopen --tcp-nodelay --happy-eyeballs-timeout-ms=",
     "cannot be chosen; leave it out"},
    {"-l,--list-only -P,--ftp-port= -Q,--quote= -t,--telnet-option= -B,--use-ascii --ftp-account= "
     "--ftp-alternative-to-user= --ftp-create-dirs --ftp-method= --ftp-pasv --ftp-pret "
     "--ftp-skip-pasv-ip --ftp-ssl-ccc --ftp-ssl-ccc-mode= --ftp-ssl-control --disable-eprt "
     "--disable-epsv --ssl --ssl-reqd --hostpubmd5= --hostpubsha256= --pubkey= --mail-auth= "
     "--mail-from= --mail-rcpt= --mail-rcpt-allowfails --tftp-blksize= --tftp-no-options",
     "is not for http and https, and other schemes are not supported; use curl"},
};

/// The spellings of a flag that no other group has, as CLI11 wants them; empty when there is none.
std::string free_names(const CLI::App& app, std::string_view names)
{
    std::string left;
    std::istringstream all{std::string(names)};
    for (std::string name; std::getline(all, name, ',');)
        if (app.get_option_no_throw(name) == nullptr)
            left += (left.empty() ? "" : ",") + name;
    return left;
}

class refused_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    void add(CLI::App& app, std::string names, std::string_view why);

    struct entry {
        CLI::Option* flag;
        std::string names;
        std::string_view why;
    };
    std::vector<entry> entries_;
    std::string ignored_;
};

void refused_group::add_to(CLI::App& app)
{
    for (const refusal& each : refusals) {
        std::istringstream all{std::string(each.names)};
        for (std::string names; all >> names;)
            add(app, std::move(names), each.why);
    }
}

void refused_group::add(CLI::App& app, std::string names, std::string_view why)
{
    const bool takes_value = names.ends_with('=');
    if (takes_value)
        names.pop_back();
    const std::string left = free_names(app, names);
    if (left.empty())
        return;
    CLI::Option* const flag =
        takes_value ? app.add_option(left, ignored_)->take_last() : app.add_flag(left);
    flag->group(""); // not in --help
    std::replace(names.begin(), names.end(), ',', '/');
    entries_.push_back({flag, std::move(names), why});
}

std::string refused_group::finish()
{
    for (const entry& each : entries_)
        if (each.flag->count() != 0)
            return each.names + ": " + std::string(each.why);
    return {};
}

} // namespace

std::unique_ptr<flag_group> refused_flags(options& chosen)
{
    return std::make_unique<refused_group>(chosen);
}

} // namespace weir_fetch
