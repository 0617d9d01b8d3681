#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir_fetch {

/// What the command line asks for.
struct options {
    std::vector<std::string> urls;
    std::string input_file; // "-" for standard input
    std::size_t jobs = 50;
    std::size_t per_host = 8;
    std::optional<double> max_time; // seconds
    double connect_timeout = 30;    // seconds
    std::string output_dir;
    std::string spill_dir;
    bool jsonl = false;
    bool silent = false;
    bool hash = true;          // bodies, where the sum is reported
    std::string results;       // the journal
    bool resume = false;       // go on with it
    bool sync = false;         // it survives a loss of power
    std::string remaining;     // a file for what was not done
    double drain_timeout = 30; // seconds
    unsigned max_redirects = 10;
    bool compressed = false;
    std::optional<std::uint64_t> max_filesize;
    std::string user_agent;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string ca_file;
    bool insecure = false;
    bool head = false;
    std::optional<std::string> proxy;    // empty for none
    std::optional<std::string> no_proxy; // hosts that are reached without
    std::vector<std::string> resolve;
    std::vector<std::string> connect_to;
    bool ipv4 = false; // only
    bool ipv6 = false; // only
};

/// The exit codes. They do not depend on the order in which things happened.
enum exit_code {
    exit_ok = 0,          // every URL was fetched
    exit_some_failed = 1, // at least one was not
    exit_usage = 2,       // the command line or the input cannot be used
    exit_interrupted = 3, // stopped by a signal, or the reader of the output has gone
    exit_deadline = 4,    // the time for the run was over
    exit_cannot_write = 5 // a file, or standard output, could not be written
};

/// The options from the command line; without them the text to print and the exit code.
struct parsed {
    std::optional<options> run;
    std::string text;
    exit_code code = exit_ok;
};

parsed parse(int argc, const char* const* argv);

} // namespace weir_fetch
