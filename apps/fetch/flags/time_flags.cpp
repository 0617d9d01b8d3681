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
    CLI::Option* max_time_given_ = nullptr;
    double retry_max_time_ = 0;
    CLI::Option* retry_max_time_given_ = nullptr;
    double deadline_ = 0;
    CLI::Option* deadline_given_ = nullptr;
};

void time_group::add_to(CLI::App& app)
{
    max_time_given_ = app.add_option("-m,--max-time", max_time_,
                                     "time for one attempt at a URL, redirects included (no limit)")
                          ->type_name("SECONDS")
                          ->check(seconds());
    app.add_option("--connect-timeout", chosen_.connect_timeout,
                   "time for look-up, connection and TLS together (30)")
        ->type_name("SECONDS")
        ->check(seconds());
    app.add_option(
           "--retry", chosen_.retries,
           "how often a URL is tried again when it could not be reached, broke off, was too\n"
           "late, or the answer is 408, 429, 500, 502, 503 or 504; after a random wait of\n"
           "up to 1 s, which doubles up to 10 s; Retry-After holds the whole host (2)")
        ->type_name("N")
        ->check(number(0, 1000));
    retry_max_time_given_ = app.add_option("--retry-max-time", retry_max_time_,
                                           "no URL is tried again after so long (no limit)")
                                ->type_name("SECONDS")
                                ->check(seconds());
    app.add_flag("--retry-all-errors", chosen_.retry_all_errors,
                 "try again after every failure, status 404 too");
    deadline_given_ = app.add_option("--deadline", deadline_,
                                     "time for all URLs: then no more are begun, and the running\n"
                                     "ones are finished (no limit)")
                          ->type_name("SECONDS")
                          ->check(seconds());
}

std::string time_group::finish()
{
    if (max_time_given_->count() != 0)
        chosen_.max_time = max_time_;
    if (retry_max_time_given_->count() != 0)
        chosen_.retry_max_time = retry_max_time_;
    if (deadline_given_->count() != 0)
        chosen_.deadline = deadline_;
    return {};
}

} // namespace

std::unique_ptr<flag_group> time_flags(options& chosen)
{
    return std::make_unique<time_group>(chosen);
}

} // namespace weir_fetch
