#include "flag_group.hpp"
#include "host_limit_file.hpp"
#include "values.hpp"

#include <weir/rate.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class scheduling_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    std::string rate_;
    std::string host_rate_;
    std::uint64_t limit_rate_ = 0;
    std::uint64_t limit_rate_total_ = 0;
    std::uint64_t max_errors_ = 0;
    CLI::Option* max_errors_given_ = nullptr;
    bool fail_early_ = false;
};

CLI::Validator a_rate()
{
    const auto check = [](const std::string& text) -> std::string {
        if (rate_of(text))
            return {};
        return "must be a whole number from 1 and a unit of time: 20/s, 90/m, 90/h or 90/d, not '" +
               text + "'";
    };
    return CLI::Validator(check, "");
}

void scheduling_group::add_to(CLI::App& app)
{
    app.add_option("-j,--jobs,--parallel-max", chosen_.jobs, "URLs fetched at a time (50)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
    app.add_option("--per-host,--parallel-max-host", chosen_.per_host,
                   "URLs fetched at a time from one host (scheme, name and port) (8)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
    app.add_option(
           "--rate", rate_,
           "requests begun in a second (/s), minute (/m), hour (/h) or day (/d), all hosts\n"
           "together, redirects and retries too (no limit)")
        ->type_name("N[/s|/m|/h|/d]")
        ->check(a_rate());
    app.add_option("--host-rate", host_rate_,
                   "requests begun in a second, minute, hour or day at each host (no limit)")
        ->type_name("N[/s|/m|/h|/d]")
        ->check(a_rate());
    app.add_option(
           "--host-limits", chosen_.host_limits_file,
           "--per-host and --host-rate of single hosts, from a file of JSON, which may have\n"
           "comments: {\"hosts\": {\"example.com\": {\"per-host\": 4, \"host-rate\": \"10/s\"}}}")
        ->type_name("FILE");
    app.add_option("--limit-rate", limit_rate_,
                   "bytes a second received for one URL, headers included, such as 500k or 2M (no\n"
                   "limit)")
        ->type_name("RATE")
        ->transform(speed());
    app.add_option("--limit-rate-total", limit_rate_total_,
                   "bytes a second received by all URLs together (no limit)")
        ->type_name("RATE")
        ->transform(speed());
    app.add_flag(
        "!--no-adapt-rate", chosen_.adapt_rate,
        "do not learn from answers of 429 how often a host may be asked: each is a failed\n"
        "attempt, and --retry says how many there are");
    app.add_option("--give-up-after", chosen_.give_up_after,
                   "after so many requests in a row that a host did not answer, its URLs fail at\n"
                   "once for 30 s, with class given_up; 0: never (8)")
        ->type_name("N")
        ->check(number(0, 64));
    app.add_flag("--fail-early", fail_early_, "begin no more URLs after the first that failed");
    max_errors_given_ = app.add_option("--max-errors", max_errors_,
                                       "begin no more URLs after N that failed (no limit)")
                            ->type_name("N")
                            ->check(number(1, 1'000'000'000'000));
}

std::string scheduling_group::finish()
{
    if (fail_early_ && max_errors_given_->count() != 0)
        return "--fail-early and --max-errors exclude each other";
    if (max_errors_given_->count() != 0)
        chosen_.max_errors = max_errors_;
    if (fail_early_)
        chosen_.max_errors = 1;
    if (limit_rate_ != 0)
        chosen_.limit_rate = limit_rate_;
    if (limit_rate_total_ != 0)
        chosen_.limit_rate_total = limit_rate_total_;
    if (!rate_.empty())
        chosen_.rate = rate_of(rate_);
    if (!host_rate_.empty())
        chosen_.host_rate = rate_of(host_rate_);
    try {
        if (!chosen_.host_limits_file.empty())
            chosen_.host_limits = host_limits_in(chosen_.host_limits_file);
    } catch (const std::exception& e) {
        return "--host-limits: " + std::string(e.what());
    }
    return {};
}

} // namespace

std::unique_ptr<flag_group> scheduling_flags(options& chosen)
{
    return std::make_unique<scheduling_group>(chosen);
}

} // namespace weir_fetch
