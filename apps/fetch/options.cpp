#include "options.hpp"

#include <weir/http/headers.hpp>

#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>
#include <sstream>

namespace weir_fetch {
namespace {

constexpr const char* version = "weir-fetch 0.1.0";

constexpr const char* description =
    "Fetch many URLs with a bound on each host and on the whole.\n"
    "\n"
    "One line a URL goes to standard output as it completes: status or error class,\n"
    "bytes, seconds, URL, error text, separated by tabs. Bodies are stored with\n"
    "--output-dir, else counted and thrown away.";

constexpr const char* footer =
    "Error classes: bad_url dns connect tls timeout protocol incomplete too_large\n"
    "redirect http io aborted\n"
    "\n"
    "Exit codes: 0 all well; 1 some failed (status 400 and above too); 2 the command line\n"
    "or the input cannot be used; 3 interrupted. The first SIGINT or SIGTERM takes no\n"
    "new URL and finishes those under way; the second stops them.";

/// A length of time in seconds: above zero, fractions allowed, at most ten years.
std::string check_seconds(const std::string& text)
{
    std::istringstream in(text);
    double seconds = 0;
    const bool read = static_cast<bool>(in >> seconds) && in.eof();
    if (!read || !std::isfinite(seconds) || seconds < 0.001 || seconds > 315'360'000)
        return "must be seconds, from 0.001 up, not '" + text + "'";
    return {};
}

/// A whole number in a range; digits only, so that -1 is not read as a very large one.
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

/// `Name: value`, as curl takes it.
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

} // namespace

parsed parse(int argc, const char* const* argv)
{
    options o;
    std::vector<std::string> fields;
    double max_time = 0;
    std::uint64_t max_filesize = 0;
    bool no_location = false;
    bool location = false;

    CLI::App app(description, "weir-fetch");
    app.footer(footer);
    app.set_version_flag("-V,--version", version);
    app.add_option("URL", o.urls, "what to fetch; http:// is meant when there is no scheme");
    app.add_option("--input-file", o.input_file,
                   "read URLs from FILE, one a line ('-': standard input); empty lines and\n"
                   "lines that begin with # are skipped")
        ->type_name("FILE");
    app.add_option("-j,--jobs", o.jobs, "URLs fetched at a time (50)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
    app.add_option("--per-host", o.per_host, "of those, of one host (scheme, name and port) (8)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
    auto* time =
        app.add_option("-m,--max-time", max_time, "time for one URL, redirects included (no limit)")
            ->type_name("SECONDS")
            ->check(check_seconds);
    app.add_option("--connect-timeout", o.connect_timeout,
                   "time for look-up, connection and TLS together (30)")
        ->type_name("SECONDS")
        ->check(check_seconds);
    app.add_option("--output-dir", o.output_dir,
                   "store each body in DIR, under a safe name made from the URL; written as\n"
                   "NAME.part and renamed when whole, never over a file that is there")
        ->type_name("DIR");
    app.add_flag("--json", o.json,
                 "print JSON lines: url, final_url, status, bytes, sha256, timings, error, file");
    app.add_flag("-q,--quiet", o.quiet, "no progress and no summary");
    app.add_flag("-L,--location", location, "follow redirects (the default)");
    app.add_flag("--no-location", no_location, "a redirect is an answer");
    app.add_option("--max-redirs", o.max_redirects, "redirects followed for one URL (10)")
        ->type_name("N")
        ->check(number(0, 1000));
    auto* size = app.add_option("--max-filesize", max_filesize,
                                "largest body; k, M and G are understood (no limit)")
                     ->type_name("BYTES")
                     ->transform(bytes());
    app.add_option("-A,--user-agent", o.user_agent, "the User-Agent header")->type_name("TEXT");
    app.add_option("-H,--header", fields,
                   "send this header too; when a redirect leads to another host, only Accept and\n"
                   "its like go with it")
        ->type_name("'NAME: VALUE'")
        ->allow_extra_args(false);
    app.add_option("--cacert", o.ca_file,
                   "trust the certificates in FILE (PEM) instead of the system's")
        ->type_name("FILE");
    app.add_flag("-k,--insecure", o.insecure, "accept any certificate");

    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& e) {
        std::ostringstream out;
        app.exit(e, out, out);
        parsed p;
        p.text = out.str();
        return p;
    } catch (const CLI::ParseError& e) {
        return refused(e.what());
    }

    if (o.urls.empty() && o.input_file.empty())
        return refused("no URL and no --input-file");
    if (location && no_location)
        return refused("--location and --no-location exclude each other");
    if (!weir::http::is_field_value(o.user_agent))
        return refused("--user-agent holds a line break");
    for (const auto& text : fields) {
        auto f = field(text);
        if (!f)
            return refused("not a header of the form 'Name: value': " + text);
        o.headers.push_back(std::move(*f));
    }
    if (no_location)
        o.max_redirects = 0;
    if (time->count() != 0)
        o.max_time = max_time;
    if (size->count() != 0)
        o.max_filesize = max_filesize;
    parsed p;
    p.run = std::move(o);
    return p;
}

} // namespace weir_fetch
