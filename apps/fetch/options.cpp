#include "options.hpp"

#include <weir/http/headers.hpp>

#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

constexpr const char* version = "weir-fetch 0.1.0";

constexpr const char* description =
    "Fetch many URLs, with one limit for each host and one for all of them.\n"
    "\n"
    "As each URL completes, one line goes to standard output: status or error class,\n"
    "bytes, seconds, URL, error text, separated by tabs. With --output-dir the bodies\n"
    "are stored; otherwise they are counted and discarded.";

constexpr const char* footer =
    "Error classes: bad_url dns connect blocked proxy tls timeout protocol incomplete\n"
    "too_large redirect http io aborted internal\n"
    "\n"
    "Environment: http_proxy, https_proxy, all_proxy and no_proxy, as curl reads them.\n"
    "\n"
    "Exit codes: 0 all URLs were fetched; 1 some failed (including status 400 and above);\n"
    "2 the command line or the input cannot be used; 3 interrupted. After the first\n"
    "SIGINT or SIGTERM, no more URLs are begun and the running ones are finished; the\n"
    "second stops those too.";

/// Accepts a length of time in seconds, from 0.001 to ten years.
std::string check_seconds(const std::string& text)
{
    std::istringstream in(text);
    double seconds = 0;
    const bool read = static_cast<bool>(in >> seconds) && in.eof();
    if (!read || !std::isfinite(seconds) || seconds < 0.001 || seconds > 315'360'000)
        return "must be seconds, from 0.001 up, not '" + text + "'";
    return {};
}

/// Accepts a whole number in a range; digits only, so that -1 is not read as a very large one.
CLI::Validator number(std::uint64_t least, std::uint64_t most)
{
    const auto check = [=](const std::string& text) -> std::string {
        std::uint64_t value = 0;
        const auto* end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, value);
        if (read.ec != std::errc{} || read.ptr != end || value < least || value > most)
            return "must be a whole number from " + std::to_string(least) + " to " +
                   std::to_string(most) + ", not '" + text + "'";
        return {};
    };
    return CLI::Validator(check, "");
}

/// Accepts a number of bytes with a suffix, and replaces it with the plain number.
CLI::Validator bytes()
{
    const auto check = [](std::string& text) -> std::string {
        std::uint64_t factor = 1;
        std::string digits = text;
        switch (digits.empty() ? ' ' : digits.back()) {
        case 'k':
            factor = std::uint64_t{1} << 10;
            break;
        case 'M':
            factor = std::uint64_t{1} << 20;
            break;
        case 'G':
            factor = std::uint64_t{1} << 30;
            break;
        default:
            break;
        }
        if (factor != 1)
            digits.pop_back();
        std::uint64_t value = 0;
        const auto* end = digits.data() + digits.size();
        const auto read = std::from_chars(digits.data(), end, value);
        if (read.ec != std::errc{} || read.ptr != end || value > UINT64_MAX / factor)
            return "must be a number of bytes, such as 500000, 500k, 10M or 1G, not '" + text + "'";
        text = std::to_string(value * factor);
        return {};
    };
    return CLI::Validator(check, "");
}

/// Splits `Name: value`, as curl does; nothing when it is not of this form.
std::optional<std::pair<std::string, std::string>> field(const std::string& text)
{
    const auto colon = text.find(':');
    if (colon == std::string::npos)
        return std::nullopt;
    std::string name = text.substr(0, colon);
    const auto begin = text.find_first_not_of(" \t", colon + 1);
    std::string value = begin == std::string::npos ? std::string() : text.substr(begin);
    if (!weir::http::is_field_name(name) || !weir::http::is_field_value(value))
        return std::nullopt;
    return std::pair(std::move(name), std::move(value));
}

parsed refused(const std::string& why)
{
    parsed p;
    p.text = "weir-fetch: " + why + "\nTry 'weir-fetch --help'.\n";
    p.code = exit_usage;
    return p;
}

/// The options as CLI11 reads them, in the order in which `--help` lists them.
class command_line {
public:
    command_line();
    parsed parse(int argc, const char* const* argv);

private:
    void add_input();
    void add_limits();
    void add_output();
    void add_requests();
    void add_network();
    /// Checks what one option alone cannot show; empty when all is well.
    std::string finish();

    CLI::App app_{description, "weir-fetch"};
    options chosen_;
    double max_time_ = 0;
    std::uint64_t max_filesize_ = 0;
    CLI::Option* max_time_given_ = nullptr;
    CLI::Option* max_filesize_given_ = nullptr;
    std::vector<std::string> fields_;
    std::string proxy_;
    std::string no_proxy_;
    CLI::Option* proxy_given_ = nullptr;
    CLI::Option* no_proxy_given_ = nullptr;
    bool location_ = false;
    bool no_location_ = false;
};

command_line::command_line()
{
    app_.footer(footer);
    app_.set_version_flag("-V,--version", version);
    add_input();
    add_limits();
    add_output();
    add_requests();
    add_network();
}

void command_line::add_input()
{
    app_.add_option("URL", chosen_.urls, "what to fetch; a URL without a scheme is taken as http");
    app_.add_option("--input-file", chosen_.input_file,
                    "read URLs from FILE, one on each line ('-': standard input); empty lines and\n"
                    "lines that begin with # are skipped")
        ->type_name("FILE");
    app_.add_option("--spill-dir", chosen_.spill_dir,
                    "keep URLs of slow hosts that do not fit into memory in a file in DIR\n"
                    "($TMPDIR, or /tmp)")
        ->type_name("DIR");
}

void command_line::add_limits()
{
    app_.add_option("-j,--jobs", chosen_.jobs, "URLs fetched at a time (50)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
    app_.add_option("--per-host", chosen_.per_host,
                    "of those, of one host (scheme, name and port) (8)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
    max_time_given_ = app_.add_option("-m,--max-time", max_time_,
                                      "time for one URL, redirects included (no limit)")
                          ->type_name("SECONDS")
                          ->check(check_seconds);
    app_.add_option("--connect-timeout", chosen_.connect_timeout,
                    "time for look-up, connection and TLS together (30)")
        ->type_name("SECONDS")
        ->check(check_seconds);
}

void command_line::add_output()
{
    app_.add_option("--output-dir", chosen_.output_dir,
                    "store each body in DIR, under a safe name made from the URL; written as\n"
                    "NAME.part and renamed when complete; an existing file is never replaced")
        ->type_name("DIR");
    app_.add_flag("--json", chosen_.json,
                  "print JSON lines: url, final_url, status, bytes, sha256, timings, error, file");
    app_.add_flag("-q,--quiet", chosen_.quiet, "no progress and no summary");
}

void command_line::add_requests()
{
    app_.add_flag("-L,--location", location_, "follow redirects (the default)");
    app_.add_flag("--no-location", no_location_, "do not follow redirects: report them as answers");
    app_.add_option("--max-redirs", chosen_.max_redirects, "redirects followed for one URL (10)")
        ->type_name("N")
        ->check(number(0, 1000));
    max_filesize_given_ = app_.add_option("--max-filesize", max_filesize_,
                                          "largest body, such as 500k, 10M or 1G (no limit)")
                              ->type_name("BYTES")
                              ->transform(bytes());
    app_.add_flag("-I,--head", chosen_.head, "ask for headers alone, without bodies");
    app_.add_flag("--compressed", chosen_.compressed,
                  "ask for compressed bodies, and store them decoded");
    app_.add_option("-A,--user-agent", chosen_.user_agent, "the User-Agent header")
        ->type_name("TEXT");
    app_.add_option("-H,--header", fields_,
                    "send this header too; a redirect to another host drops it, except for Accept\n"
                    "and similar headers")
        ->type_name("'NAME: VALUE'")
        ->allow_extra_args(false);
    app_.add_option("--cacert", chosen_.ca_file,
                    "trust the certificates in FILE (PEM) instead of the system's")
        ->type_name("FILE");
    app_.add_flag("-k,--insecure", chosen_.insecure, "accept any certificate");
}

void command_line::add_network()
{
    proxy_given_ =
        app_.add_option("-x,--proxy", proxy_,
                        "the http or https proxy for all URLs, such as http://user:pw@host:3128;\n"
                        "'' for none")
            ->type_name("URL");
    no_proxy_given_ = app_.add_option("--noproxy", no_proxy_,
                                      "hosts that are reached without a proxy, with commas:\n"
                                      "example.com,192.0.2.0/24; '*' for all")
                          ->type_name("LIST");
    app_.add_option("--resolve", chosen_.resolve,
                    "use these addresses for this host and port ('*': any host)")
        ->type_name("HOST:PORT:ADDRESS[,ADDRESS]...")
        ->allow_extra_args(false);
    app_.add_option("--connect-to", chosen_.connect_to,
                    "connect to HOST2:PORT2 for HOST1:PORT1; an empty part is any, or the same")
        ->type_name("HOST1:PORT1:HOST2:PORT2")
        ->allow_extra_args(false);
    app_.add_flag("-4,--ipv4", chosen_.ipv4, "use IPv4 addresses only");
    app_.add_flag("-6,--ipv6", chosen_.ipv6, "use IPv6 addresses only");
}

std::string command_line::finish()
{
    if (chosen_.urls.empty() && chosen_.input_file.empty())
        return "no URL and no --input-file";
    if (location_ && no_location_)
        return "--location and --no-location exclude each other";
    if (chosen_.ipv4 && chosen_.ipv6)
        return "--ipv4 and --ipv6 exclude each other";
    if (proxy_given_->count() != 0)
        chosen_.proxy = proxy_;
    if (no_proxy_given_->count() != 0)
        chosen_.no_proxy = no_proxy_;
    if (!weir::http::is_field_value(chosen_.user_agent))
        return "--user-agent holds a line break";
    for (const auto& text : fields_) {
        auto f = field(text);
        if (!f)
            return "not a header of the form 'Name: value': " + text;
        chosen_.headers.push_back(std::move(*f));
    }
    if (no_location_)
        chosen_.max_redirects = 0;
    if (max_time_given_->count() != 0)
        chosen_.max_time = max_time_;
    if (max_filesize_given_->count() != 0)
        chosen_.max_filesize = max_filesize_;
    return {};
}

parsed command_line::parse(int argc, const char* const* argv)
{
    parsed p;
    try {
        app_.parse(argc, argv);
    } catch (const CLI::Success& e) {
        std::ostringstream out;
        app_.exit(e, out, out);
        p.text = out.str();
        return p;
    } catch (const CLI::ParseError& e) {
        return refused(e.what());
    }
    const std::string fault = finish();
    if (!fault.empty())
        return refused(fault);
    p.run = std::move(chosen_);
    return p;
}

} // namespace

parsed parse(int argc, const char* const* argv)
{
    return command_line().parse(argc, argv);
}

} // namespace weir_fetch
