#include "help_format.hpp"

#include <cstddef>
#include <sstream>

namespace weir_fetch {
namespace {

constexpr std::size_t indent = 22; // of the texts
constexpr std::size_t width = 80;

/// `-j, --jobs, --parallel-max N`.
std::string names_of(const CLI::Option& flag)
{
    std::string out;
    for (const auto& name : flag.get_snames())
        out += (out.empty() ? "-" : ", -") + name;
    for (const auto& name : flag.get_lnames())
        out += (out.empty() ? "--" : ", --") + name;
    const std::string value = flag.get_type_name();
    out += (value.empty() ? "" : " ") + value;
    return out;
}

} // namespace

help_format::help_format()
{
    column_width(indent);
}

std::string help_format::make_usage(const CLI::App*, std::string name) const
{
    return "\nUsage: " + name + " [OPTION | URL]...\n\n";
}

/// They are said by the usage line.
std::string help_format::make_positionals(const CLI::App*) const
{
    return {};
}

std::string help_format::make_group(std::string group, bool is_positional,
                                    std::vector<const CLI::Option*> flags) const
{
    std::string out = group + ":\n"; // CLI11 puts empty lines between groups
    for (const CLI::Option* flag : flags)
        out += make_option(flag, is_positional);
    return out;
}

std::string help_format::make_option(const CLI::Option* flag, bool) const
{
    std::string line = "  " + names_of(*flag);
    std::string out;
    const auto end_line = [&] {
        out += line + "\n";
        line.assign(indent, ' ');
    };
    if (line.size() + 2 > indent)
        end_line();
    line.resize(indent, ' ');
    const bool is_list = flag->get_items_expected_max() > 1;
    std::istringstream words(flag->get_description() + (is_list ? "; may be repeated" : ""));
    for (std::string word; words >> word;) {
        if (line.size() > indent && line.size() + 1 + word.size() > width)
            end_line();
        line += (line.size() > indent ? " " : "") + word;
    }
    return out + line + "\n";
}

} // namespace weir_fetch
