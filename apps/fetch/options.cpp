#include "options.hpp"

#include "flags/flag_group.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <sstream>
#include <string>
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
    "2 the command line or the input cannot be used; 3 interrupted; 4 the deadline of the\n"
    "run was over; 5 results or bodies could not be written. After the first SIGINT, SIGTERM\n"
    "or SIGHUP, no more URLs are begun and the running ones are finished; the second stops\n"
    "those too; the third leaves at once.";

parsed refused(const std::string& why)
{
    parsed p;
    p.text = "weir-fetch: " + why + "\nTry 'weir-fetch --help'.\n";
    p.code = exit_usage;
    return p;
}

/// The options as CLI11 reads them.
class command_line {
public:
    command_line();
    parsed parse(int argc, const char* const* argv);

private:
    CLI::App app_{description, "weir-fetch"};
    options chosen_;
    std::vector<std::unique_ptr<flag_group>> groups_; // in the order in which `--help` lists them
};

command_line::command_line()
{
    app_.footer(footer);
    app_.set_version_flag("-V,--version", version);
    for (const auto make : {input_flags, scheduling_flags, time_flags, output_flags, journal_flags,
                            request_flags, network_flags})
        groups_.push_back(make(chosen_));
    for (const auto& group : groups_)
        group->add_to(app_);
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
    for (const auto& group : groups_) {
        const std::string fault = group->finish();
        if (!fault.empty())
            return refused(fault);
    }
    p.run = std::move(chosen_);
    return p;
}

} // namespace

parsed parse(int argc, const char* const* argv)
{
    return command_line().parse(argc, argv);
}

} // namespace weir_fetch
