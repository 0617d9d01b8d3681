#pragma once

#include "options.hpp"

#include <memory>
#include <string>

namespace CLI {
class App;
}

namespace weir_fetch {

/// The flags of one topic. A group writes what was chosen into the `options` it was made with.
class flag_group {
public:
    explicit flag_group(options& chosen) : chosen_(chosen) {}
    flag_group(const flag_group&) = delete;
    flag_group& operator=(const flag_group&) = delete;
    virtual ~flag_group() = default;

    /// Adds the flags, in the order in which `--help` lists them.
    virtual void add_to(CLI::App& app) = 0;
    /// Called once all flags were read: checks what one of them alone cannot show. Returns what is
    /// wrong; empty when all is well.
    virtual std::string finish() { return {}; }

protected:
    options& chosen_;
};

std::unique_ptr<flag_group> input_flags(options& chosen);
std::unique_ptr<flag_group> scheduling_flags(options& chosen);
std::unique_ptr<flag_group> time_flags(options& chosen);
std::unique_ptr<flag_group> request_flags(options& chosen);
std::unique_ptr<flag_group> data_flags(options& chosen);
std::unique_ptr<flag_group> network_flags(options& chosen);
std::unique_ptr<flag_group> output_flags(options& chosen);
std::unique_ptr<flag_group> trace_flags(options& chosen);
std::unique_ptr<flag_group> continue_flags(options& chosen);
std::unique_ptr<flag_group> journal_flags(options& chosen);
std::unique_ptr<flag_group> remote_name_flags(options& chosen);
/// What curl has and is always so here.
std::unique_ptr<flag_group> default_flags(options& chosen);
/// What curl has and weir-fetch has not: refused, with a sentence that says what to use instead.
/// A flag that another group has is left to it, so this one is added last.
std::unique_ptr<flag_group> refused_flags(options& chosen);

} // namespace weir_fetch
