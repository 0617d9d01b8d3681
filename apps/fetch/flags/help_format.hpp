#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace weir_fetch {

/// How `--help` looks: topics, each with its flags, and texts that are wrapped at 80 columns.
class help_format final : public CLI::Formatter {
public:
    help_format();

    std::string make_usage(const CLI::App* app, std::string name) const override;
    std::string make_positionals(const CLI::App* app) const override;
    std::string make_group(std::string group, bool is_positional,
                           std::vector<const CLI::Option*> flags) const override;
    std::string make_option(const CLI::Option* flag, bool is_positional) const override;
};

} // namespace weir_fetch
