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
};

void time_group::add_to(CLI::App& app)
{
    app.add_option("-m,--max-time", max_time_,
                   "time for one URL, redirects included (no limit); 0 for none")
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
                   "give up a body that is slower, in bytes a second (1); 0 for never")
        ->type_name("BYTES")
        ->transform(bytes());
    app.add_option("-y,--speed-time", chosen_.speed_time, "and is so for this long (30)")
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
    return {};
}

} // namespace

std::unique_ptr<flag_group> time_flags(options& chosen)
{
    return std::make_unique<time_group>(chosen);
}

} // namespace weir_fetch
