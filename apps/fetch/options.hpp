#pragma once

#include "schemes.hpp"

#include <weir/rate.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir_fetch {

/// What one host may get, where that differs from the others: see `--host-limits`.
struct host_limit {
    std::string host; // HOST, HOST:PORT, or an origin
    std::optional<std::size_t> per_host;
    std::optional<weir::rate> rate;
};

/// What the command line asks for.
struct options {
    std::vector<std::string> urls;
    std::string input_file;    // "-" for standard input
    bool dedupe = false;       // the same request is made once
    std::size_t max_idle = 16; // connections: see `within_limits`
    std::size_t jobs = 50;
    std::size_t per_host = 8;
    std::optional<weir::rate> rate;      // of starts
    std::optional<weir::rate> host_rate; // of those of one host
    std::string host_limits_file;
    std::vector<host_limit> host_limits;
    std::optional<std::uint64_t> limit_rate;       // bytes a second of one transfer
    std::optional<std::uint64_t> limit_rate_total; // of all together
    std::optional<std::uint64_t> max_errors;
    std::size_t give_up_after = 8;        // exchanges in a row that are not answered; 0: never
    std::size_t retries = 2;              // attempts after the first
    std::optional<double> retry_max_time; // seconds
    bool retry_all_errors = false;
    bool adapt_rate = true;                // to hosts that refuse requests
    std::optional<double> deadline;        // seconds
    std::optional<double> max_time;        // seconds
    double connect_timeout = 10;           // seconds
    std::optional<double> first_byte = 30; // seconds; nothing for no limit
    std::uint64_t speed_limit = 1;         // bytes a second; 0 for no limit
    double speed_time = 30;                // seconds
    std::string output_dir;
    std::string output;                       // a file for the one body
    bool create_dirs = false;                 // the folders of `output`
    bool no_clobber = false;                  // `output` is not replaced
    bool remote_header_name = false;          // names are those of Content-Disposition
    bool host_folders = false;                // a folder for each host in that of --output-dir
    bool remote_time = false;                 // files get the time of Last-Modified
    bool skip_existing = false;               // what would be stored under a name that is there
    bool fail_with_body = false;              // the body of an answer of 400 or above is kept
    bool continues = false;                   // the file of the one body is gone on with
    std::optional<std::uint64_t> continue_at; // nothing: where it ends
    std::string spill_dir;
    bool jsonl = false;
    std::optional<std::string> write_out; // a format, instead of lines
    bool ordered = false;                 // results, as the input is
    bool silent = false;
    bool verbose = false;
    std::string dump_header;   // a file for the headers of answers; "-" for standard output
    bool hash = true;          // bodies, where the sum is reported
    std::string results;       // the journal
    bool resume = false;       // go on with it
    bool sync = false;         // it survives a loss of power
    std::string remaining;     // a file for what was not done
    double drain_timeout = 30; // seconds
    unsigned max_redirects = 10;
    bool compressed = false;
    std::optional<std::uint64_t> max_filesize;
    std::optional<std::uint64_t> max_decoded;
    std::string method = "GET";
    bool method_given = false;       // by its name
    std::optional<std::string> data; // the body of every request
    std::string query;               // that is added to each URL
    std::string user_agent;
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<std::string> without;    // default headers that are not sent
    bool expect = true;                  // large bodies wait for 100 (Continue)
    std::string default_scheme = "http"; // of URLs that have none
    bool path_as_is = false;
    std::string ca_file;
    bool insecure = false;
    bool tls_1_3 = false;                // and nothing older
    std::optional<std::string> proxy;    // empty for none
    std::optional<std::string> no_proxy; // hosts that are reached without
    std::vector<std::string> resolve;
    std::vector<std::string> connect_to;
    bool ipv4 = false; // only
    bool ipv6 = false; // only
    std::vector<std::string> dns_servers;
    bool block_private = false;
    schemes url_schemes;
    schemes redirect_schemes;
    std::vector<std::string> warnings; // about the command line
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
