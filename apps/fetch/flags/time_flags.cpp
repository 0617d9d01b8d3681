#include "flag_group.hpp"
#include "values.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class time_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    double max_time_ = 0;
    double connect_timeout_ = 0;
    double first_byte_ = 30;
    double retry_max_time_ = 0;
    double deadline_ = 0;
};

void time_group::add_to(CLI::App& app)
{
    app.add_option("-m,--max-time", max_time_,
                   "time for one attempt at a URL, redirects included (no limit); 0 for none")
        ->type_name("SECONDS")
        ->check(seconds_or_none());
    app.add_option("--connect-timeout", connect_timeout_,
                   "time for look-up, connection and TLS together (10)")
        ->type_name("SECONDS")
        ->check(seconds_or_none());
    app.add_option("--first-byte-timeout", first_byte_,
                   "time from a request to the header of its answer (30); 0 for no limit")
        ->type_name("SECONDS")
        ->check(seconds_or_none());
    app.add_option("-Y,--speed-limit", chosen_.speed_limit,
                   "give up on a body slower than so many bytes a second (1); 0: never")
        ->type_name("BYTES")
        ->transform(bytes());
    app.add_option("-y,--speed-time", chosen_.speed_time,
                   "how long a body may be slower than --speed-limit (30)")
        ->type_name("SECONDS")
        ->check(seconds_or_none());
    app.add_option(
           "--retry", chosen_.retries,
           "how often a URL is tried again when it could not be reached, broke off, was too\n"
           "late, or the answer is 408, 429, 500, 502, 503 or 504; a POST only when the\n"
           "server cannot have acted on it; after a random wait of up to 1 s, which doubles\n"
           "up to 10 s; Retry-After holds the whole host (2)")
        ->type_name("N")
        ->check(number(0, 1000));
    app.add_option("--retry-max-time", retry_max_time_,
                   "no URL is tried again after so long (no limit); 0 for none")
        ->type_name("SECONDS")
        ->check(seconds_or_none());
    app.add_flag("--retry-all-errors", chosen_.retry_all_errors,
                 "try again after every failure that another attempt may change, status 404 too");
    app.add_option("--deadline", deadline_,
                   "time for all URLs: then no more are begun, and the running\n"
                   "ones are finished (no limit); 0 for none")
        ->type_name("SECONDS")
        ->check(seconds_or_none());
}

std::string time_group::finish()
{
    if (max_time_ != 0)
        chosen_.max_time = max_time_;
    if (connect_timeout_ != 0) // as with curl, 0 is the default
        chosen_.connect_timeout = connect_timeout_;
    if (first_byte_ != 0)
        chosen_.first_byte = first_byte_;
    else
        chosen_.first_byte.reset();
    if (chosen_.speed_time == 0) // as with curl
        chosen_.speed_limit = 0;
    if (retry_max_time_ != 0)
        chosen_.retry_max_time = retry_max_time_;
    if (deadline_ != 0)
        chosen_.deadline = deadline_;
    return {};
}

} // namespace

std::unique_ptr<flag_group> time_flags(options& chosen)
{
    return std::make_unique<time_group>(chosen);
}

} // namespace weir_fetch
