#include "options.hpp"

#include "flags/file_conflicts.hpp"
#include "flags/flag_group.hpp"
#include "flags/help_format.hpp"
#include "flags/suggestion.hpp"
#include "settings.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

constexpr const char* version = "weir-fetch 0.1.0";

/// What went wrong, without the name of the function that says so.
std::string without_function(const std::string& text)
{
    const auto end = text.find(": ");
    return text.starts_with("weir::") && end != std::string::npos ? text.substr(end + 2) : text;
}

constexpr const char* description =
    "Fetch many URLs, with one limit for each host and one for all of them.\n"
    "\n"
    "As each URL completes, one line goes to standard output: status or error class,\n"
    "bytes, seconds, URL, error text, separated by tabs. With --output-dir or --output\n"
    "bodies are stored; otherwise they are counted and discarded.";

constexpr const char* footer =
    "Error classes: bad_url dns connect blocked proxy tls timeout protocol incomplete\n"
    "too_large redirect http io aborted internal given_up\n"
    "'skipped' (of --skip-existing) and 'duplicate' (of --dedupe) are no errors.\n"
    "\n"
    "Environment: http_proxy, https_proxy, all_proxy and no_proxy, as curl reads them.\n"
    "\n"
    "Exit codes: 0 all URLs were fetched; 1 some failed (including status 400 and above);\n"
    "2 the command line, the input, or a file named by a flag cannot be used; 3\n"
    "interrupted; 4 the --deadline has passed; 5 results or bodies could not be written.\n"
    "After the first SIGINT, SIGTERM or SIGHUP, no more URLs are begun and the running\n"
    "ones are finished, within --drain-timeout; the second stops those too; the third\n"
    "leaves at once.";

parsed refused(const std::string& why)
{
    parsed p;
    p.text = "weir-fetch: " + why + "\nTry 'weir-fetch --help'.\n";
    p.code = exit_usage;
    return p;
}

struct topic {
    const char* title;
    std::unique_ptr<flag_group> (*make)(options& chosen);
};

constexpr topic topics[] = {
    {"Input", input_flags},
    {"How much at a time", scheduling_flags},
    {"How long", time_flags},
    {"Output", continue_flags}, // the last of them to finish: it looks at what the others found
    {"Output", output_flags},
    {"Output", remote_name_flags},
    {"Output", trace_flags},
    {"Results and what remains", journal_flags},
    {"Request", request_flags},
    {"Request body", data_flags},
    {"Network and TLS", network_flags},
    {"Accepted from curl (already the default)", default_flags},
};

/// What else the command line knows. The flags that are refused are many, and cost ten times as
/// much as all others: they are only added once something was not understood.
enum class refusals { left_out, added };

/// The options as CLI11 reads them.
class command_line {
public:
    explicit command_line(refusals also);
    /// Nothing when it is not understood, and refusals are left out: one may say why.
    std::optional<parsed> parse(int argc, const char* const* argv);

private:
    void add(const char* title, std::unique_ptr<flag_group> group);
    std::string finish();
    std::string meant_by(std::string_view given) const;

    const refusals also_;
    CLI::App app_{description, "weir-fetch"};
    options chosen_;
    std::vector<std::unique_ptr<flag_group>> groups_;
};

command_line::command_line(refusals also) : also_(also)
{
    app_.footer(footer);
    app_.formatter(std::make_shared<help_format>());
    // Given twice, the last one counts, as with curl, unless its group refuses that; what may be
    // given several times is a list.
    app_.option_defaults()->take_last();
    for (const auto& [title, make] : topics)
        add(title, make(chosen_));
    if (also_ == refusals::added)
        add("", refused_flags(chosen_));
    app_.option_defaults()->group("Help");
    app_.set_help_flag("-h,--help", "print this");
    app_.set_version_flag("-V,--version", version, "print the version");
}

void command_line::add(const char* title, std::unique_ptr<flag_group> group)
{
    app_.option_defaults()->group(title);
    groups_.push_back(std::move(group));
    groups_.back()->add_to(app_);
}

/// `; did you mean --NAME?`, where a name is near.
std::string command_line::meant_by(std::string_view given) const
{
    std::vector<std::string> names;
    for (const CLI::Option* each : app_.get_options())
        if (!each->get_group().empty()) // the others are refused
            names.insert(names.end(), each->get_lnames().begin(), each->get_lnames().end());
    if (!given.starts_with("--"))
        return {};
    given.remove_prefix(2);
    const std::string name = suggestion_for(given.substr(0, given.find('=')), names);
    return name.empty() ? name : "; did you mean --" + name + "?";
}

/// What no flag alone can show. The refused ones go first: they explain the others.
std::string command_line::finish()
{
    for (auto group = groups_.rbegin(); group != groups_.rend(); ++group)
        if (std::string fault = (*group)->finish(); !fault.empty())
            return fault;
    if (std::string fault = fault_of_files(chosen_); !fault.empty())
        return fault;
    try {
        fetcher_options_for(chosen_);
    } catch (const std::invalid_argument& e) {
        return without_function(e.what());
    }
    return {};
}

std::optional<parsed> command_line::parse(int argc, const char* const* argv)
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
        if (also_ == refusals::left_out)
            return std::nullopt;
        if (dynamic_cast<const CLI::ExtrasError*>(&e) == nullptr)
            return refused(e.what());
        return refused("there is no option " + app_.remaining().front() +
                       meant_by(app_.remaining().front()));
    }
    // CLI11 takes an unknown -1 for an argument.
    const auto is_flag = [](const std::string& url) { return url.starts_with('-'); };
    if (also_ == refusals::left_out &&
        std::any_of(chosen_.urls.begin(), chosen_.urls.end(), is_flag))
        return std::nullopt;
    if (const std::string fault = finish(); !fault.empty())
        return refused(fault);
    p.run = std::move(chosen_);
    return p;
}

} // namespace

parsed parse(int argc, const char* const* argv)
{
    if (auto understood = command_line(refusals::left_out).parse(argc, argv))
        return std::move(*understood);
    return *command_line(refusals::added).parse(argc, argv);
}

} // namespace weir_fetch
